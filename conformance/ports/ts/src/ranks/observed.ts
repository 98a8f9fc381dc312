import type { CloseReason, Connection, ConnectionCounters } from "@tensorwire/transport";

/** A connection that counts what its owner reads and writes. */
export class Observed implements Connection {
  readonly closed: Promise<CloseReason>;
  readonly #inner: Connection;
  #read = 0;
  #accepted = 0;
  #reading = true;
  #over = false;
  #changed = Promise.withResolvers<void>();

  constructor(inner: Connection) {
    this.#inner = inner;
    this.closed = inner.closed;
    void this.closed.then(() => {
      this.#over = true;
      this.#stop();
    });
  }

  get local(): string {
    return this.#inner.local;
  }

  get peer(): string {
    return this.#inner.peer;
  }

  get counters(): ConnectionCounters {
    return this.#inner.counters;
  }

  /** Bytes that the owner has had. */
  get bytesRead(): number {
    return this.#read;
  }

  /** Bytes that the owner has written, and that are not the system's yet. */
  get waiting(): number {
    return this.#over ? 0 : Math.max(0, this.#accepted - this.counters.bytesOut);
  }

  /** False once nothing more is read. */
  get reading(): boolean {
    return this.#reading;
  }

  /** Resolves when something was read, or nothing more is. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  async read(deadlineMs?: number): Promise<Uint8Array | null> {
    const chunk = await this.#inner.read(deadlineMs);
    if (chunk === null) {
      this.#stop();
      return null;
    }
    this.#read += chunk.length;
    this.#turned();
    return chunk;
  }

  async write(parts: readonly Uint8Array[], deadlineMs?: number): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#accepted += length;
    try {
      await this.#inner.write(parts, deadlineMs);
    } catch (error) {
      this.#accepted -= length;
      throw error;
    }
  }

  end(deadlineMs?: number): Promise<void> {
    return this.#inner.end(deadlineMs);
  }

  close(deadlineMs?: number): Promise<CloseReason> {
    return this.#inner.close(deadlineMs);
  }

  abort(why?: string, cause?: unknown): void {
    this.#inner.abort(why, cause);
  }

  #stop(): void {
    this.#reading = false;
    this.#turned();
  }

  #turned(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
