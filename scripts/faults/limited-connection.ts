import type { CloseReason, Connection, ConnectionCounters } from "@tensorwire/transport";

/** Where a connection's owner comes to its end. Messages are counted from 1: each write is one. */
export type Quota =
  | { readonly on: "write"; readonly message: number; readonly bytes: number }
  /** After so many bytes came, of the whole stream. */
  | { readonly on: "read"; readonly bytes: number };

/**
 * A connection that lets pass what the quota says, to the byte, and then calls `end` and never settles anything again. A write
 * reaches the kernel before `end` is called.
 */
export class LimitedConnection implements Connection {
  readonly #inner: Connection;
  readonly #quota: Quota;
  readonly #end: () => void;
  #writes = 0;
  #came = 0;

  constructor(inner: Connection, quota: Quota, end: () => void) {
    this.#inner = inner;
    this.#quota = quota;
    this.#end = end;
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

  get closed(): Promise<CloseReason> {
    return this.#inner.closed;
  }

  async read(deadlineMs?: number): Promise<Uint8Array | null> {
    const chunk = await this.#inner.read(deadlineMs);
    this.#came += chunk?.length ?? 0;
    if (this.#quota.on === "read" && this.#came >= this.#quota.bytes) await this.#stop();
    return chunk;
  }

  async write(parts: readonly Uint8Array[], deadlineMs?: number): Promise<void> {
    const quota = this.#quota;
    if (quota.on === "read" || ++this.#writes !== quota.message) return this.#inner.write(parts, deadlineMs);
    const prefix = Buffer.concat(parts as Uint8Array[]).subarray(0, quota.bytes);
    if (prefix.length > 0) await this.#inner.write([prefix], deadlineMs);
    while (this.#inner.counters.bufferedWrite > 0) await new Promise((resolve) => setImmediate(resolve));
    await this.#stop();
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

  #stop(): Promise<never> {
    this.#end();
    return new Promise(() => {});
  }
}
