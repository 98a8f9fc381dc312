import { type Connection, ConnectionOver } from "@tensorwire/transport";

/** Where a connection's owner comes to its end. Messages are counted from 1: each write is one. */
export type Quota =
  | { readonly on: "write"; readonly message: number; readonly bytes: number }
  /** After so many bytes came, of the whole stream. */
  | { readonly on: "read"; readonly bytes: number };

/**
 * A connection that lets pass what the quota says, to the byte, and then calls `end` and never settles anything again. A write
 * reaches the kernel before `end` is called.
 */
export class LimitedConnection extends ConnectionOver {
  readonly #quota: Quota;
  readonly #end: () => void;
  #writes = 0;
  #came = 0;

  constructor(inner: Connection, quota: Quota, end: () => void) {
    super(inner);
    this.#quota = quota;
    this.#end = end;
  }

  override async read(deadlineMs?: number): Promise<Uint8Array | null> {
    const chunk = await super.read(deadlineMs);
    this.#came += chunk?.length ?? 0;
    if (this.#quota.on === "read" && this.#came >= this.#quota.bytes) await this.#stop();
    return chunk;
  }

  override async write(parts: readonly Uint8Array[], deadlineMs?: number): Promise<void> {
    const quota = this.#quota;
    if (quota.on === "read" || ++this.#writes !== quota.message) return super.write(parts, deadlineMs);
    const prefix = Buffer.concat(parts as Uint8Array[]).subarray(0, quota.bytes);
    if (prefix.length > 0) await super.write([prefix], deadlineMs);
    while (this.counters.bufferedWrite > 0) await new Promise((resolve) => setImmediate(resolve));
    await this.#stop();
  }

  #stop(): Promise<never> {
    this.#end();
    return new Promise(() => {});
  }
}
