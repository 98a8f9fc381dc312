import type { Link, LinkEvents } from "@tensorwire/transport/testing";

/** The other side of a connection, in the harness's hands: what comes, and how much it takes. */
export class ProbeLink implements Link {
  readonly local = "probe:iut";
  readonly peer = "probe:harness";
  readonly maxChunk = 1 << 20;
  readonly #quota: number;
  #room: number;
  #full = false;
  #gone = false;
  #taken: Uint8Array[] = [];

  /** `quota`: bytes that are taken until the first drain, and after each. */
  constructor(quota = Number.POSITIVE_INFINITY) {
    this.#quota = quota;
    this.#room = quota;
  }

  /** What was taken since the last call. */
  take(): readonly Uint8Array[] {
    const taken = this.#taken;
    this.#taken = [];
    return taken;
  }

  drain(events: LinkEvents): void {
    this.#room = this.#quota;
    if (!this.#full || this.#gone) return;
    this.#full = false;
    events.onDrain();
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (this.#gone) return -1;
    const count = Math.min(length, this.#room);
    if (count > 0) this.#taken.push(bytes.slice(offset, offset + count));
    this.#room -= count;
    if (count < length) this.#full = true;
    return count;
  }

  shutdown(): void {}

  terminate(): void {
    this.#gone = true;
  }

  // One chunk at a time is under way, and a reader waits for it.
  pause(): void {}
  resume(): void {}
}
