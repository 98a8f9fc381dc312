/** The header that TP messages and PP requests begin with, as a session compares it. */
export interface TrailHeader {
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly control_epoch: bigint;
  readonly cache_epoch: bigint;
  readonly action: bigint;
}

export const HEADER_SIZE = 40;
const PREFIX_SIZE = 8;
const INFER = 1n;
const SHUTDOWN = 2n;

export function readHeader(bytes: Uint8Array): TrailHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [call_id, chunk_index, control_epoch, cache_epoch, action] = [0, 8, 16, 24, 32].map((at) =>
    view.getBigInt64(at, true),
  ) as [bigint, bigint, bigint, bigint, bigint];
  return { call_id, chunk_index, control_epoch, cache_epoch, action };
}

/**
 * Follows the headers of what an implementation sends as a leader or a driver. The harness has no codec of its own to judge with;
 * what it needs is the last whole header, to judge whether a SHUTDOWN behind it is one that a session takes.
 */
export class HeaderTrail {
  last: TrailHeader | undefined;
  #head = new Uint8Array();
  /** Bytes of a frame that are still to come. */
  #skip = 0;
  /** The next bytes are a frame's prefix: of an INFER, or of a handshake. */
  #prefix: boolean;

  /** `handshake`: a Hello, one frame, goes before the first header. */
  constructor(handshake = false) {
    this.#prefix = handshake;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const size = this.#prefix ? PREFIX_SIZE : HEADER_SIZE;
      const part = bytes.subarray(at, at + size - this.#head.length);
      this.#head = Buffer.concat([this.#head, part]);
      at += part.length;
      if (this.#head.length === size) this.#take(this.#head);
    }
  }

  #take(head: Uint8Array): void {
    this.#head = new Uint8Array();
    if (this.#prefix) {
      this.#skip = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0));
      this.#prefix = false;
      return;
    }
    this.last = readHeader(head);
    this.#prefix = this.last.action === INFER;
  }

  /** Why a session that has had these messages would not take this SHUTDOWN; undefined where it would. */
  refuses(header: TrailHeader): string | undefined {
    const { call_id, control_epoch, cache_epoch, action } = header;
    if (action !== SHUTDOWN) return `action ${action}, not SHUTDOWN`;
    const { last } = this;
    if (last === undefined) {
      // r[tp-session.call-id.increasing] r[tp-session.epoch.not-negative]
      return call_id < 1n || control_epoch < 0n || cache_epoch < 0n ? "SHUTDOWN with ids below their first" : undefined;
    }
    if (last.action === SHUTDOWN) return "a second SHUTDOWN";
    if (call_id <= last.call_id) return `SHUTDOWN with call_id ${call_id} behind ${last.call_id}`;
    if (control_epoch !== last.control_epoch + 1n) {
      return `SHUTDOWN with control_epoch ${control_epoch} behind ${last.control_epoch}`;
    }
    if (cache_epoch !== last.cache_epoch && cache_epoch !== last.cache_epoch + 1n) {
      return `SHUTDOWN with cache_epoch ${cache_epoch} behind ${last.cache_epoch}`;
    }
    return undefined;
  }

  /** The same of the beginning of one: of a slot that is not whole nothing is known. */
  refusesStart(start: Uint8Array): string | undefined {
    const { call_id = 0n, control_epoch = 0n, cache_epoch = 0n } = this.last ?? {};
    const right = new DataView(new ArrayBuffer(HEADER_SIZE));
    [call_id + 1n, 0n, control_epoch + 1n, cache_epoch, SHUTDOWN].forEach((slot, i) => {
      right.setBigInt64(8 * i, slot, true);
    });
    const header = new Uint8Array(right.buffer);
    header.set(start.subarray(0, start.length - (start.length % 8)));
    return this.refuses(readHeader(header));
  }
}
