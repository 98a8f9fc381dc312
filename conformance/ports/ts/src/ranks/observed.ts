import { type Connection, ConnectionOver } from "@tensorwire/transport";

/** A connection that counts what its owner reads and writes. */
export class Observed extends ConnectionOver {
  #read = 0;
  #accepted = 0;
  #reading = true;
  #over = false;
  #changed = Promise.withResolvers<void>();

  constructor(inner: Connection) {
    super(inner);
    void this.closed.then(() => {
      this.#over = true;
      this.#stop();
    });
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

  override async read(deadlineMs?: number): Promise<Uint8Array | null> {
    const chunk = await super.read(deadlineMs);
    if (chunk === null) {
      this.#stop();
      return null;
    }
    this.#read += chunk.length;
    this.#turned();
    return chunk;
  }

  override async write(parts: readonly Uint8Array[], deadlineMs?: number): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#accepted += length;
    try {
      await super.write(parts, deadlineMs);
    } catch (error) {
      this.#accepted -= length;
      throw error;
    }
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
