import type { MultipartMessage } from "@tensorwire/framing";
import { type Blame, type MessageLimits, messageLimits, peerFault } from "@tensorwire/tensor-spec";
import type { TpHeader } from "./header.ts";
import { HeaderDecoder, type HeaderGate } from "./header-decoder.ts";
import { readTp, type TpMessage } from "./message.ts";

/**
 * The order of headers on one connection: ids, epochs and SHUTDOWN (`spec/tp-control.md`, "Session"). TP and PP sessions
 * are decoders with this gate.
 */
export class SessionOrder implements HeaderGate {
  /** Messages that were dropped because their call_id was the last one's. */
  duplicates = 0;
  /** The last header that counted. */
  #last: TpHeader | null = null;
  /** chunk_index of the last INFER; null before the first. */
  #chunk: bigint | null = null;
  /** cache_epoch has grown since the last INFER. */
  #cut = false;
  #initialises = false;

  /** True once SHUTDOWN came. */
  get closed(): boolean {
    return this.#last?.action === "SHUTDOWN";
  }

  begin(at: number): void {
    // r[tp-session.shutdown.last] r[pp-session.shutdown.last]
    if (this.closed) throw peerFault(at)("state", "expected nothing after SHUTDOWN, a byte came");
  }

  admit(header: TpHeader, at: number): boolean {
    const last = this.#last;
    // r[tp-session.call-id.duplicate] r[pp-session.call-id.duplicate]: nothing else of it is judged, nothing changes.
    if (last !== null && header.call_id === last.call_id) {
      this.duplicates++;
      return false;
    }
    this.follow(header, peerFault(at));
    return true;
  }

  /** Takes a header that is no repeat. Throws what `blame` makes, and is then of no more use. */
  follow(header: TpHeader, blame: Blame): void {
    const last = this.#last;
    // r[tp-session.call-id.increasing] r[pp-session.call-id.increasing]
    const least = last === null ? 1n : last.call_id + 1n;
    if (header.call_id < least) throw outOfOrder(blame, "call_id", `at least ${least}`, header.call_id);
    this.#checkEpochs(header, blame);
    this.#last = header;
  }

  /**
   * Judges a step's `init_cache`, once the payload of the INFER taken last is read.
   * r[tp-session.cache-epoch.init] r[pp-session.cache-epoch.init]
   */
  checkInit(init_cache: boolean, blame: Blame): void {
    if (init_cache === this.#initialises) return;
    throw outOfOrder(blame, "init_cache", `${this.#initialises}, as cache_epoch says`, init_cache);
  }

  /** For a sender, which must not send what a session refuses: it asks a copy, and keeps that once the message has left. */
  copy(): SessionOrder {
    const copy = new SessionOrder();
    copy.duplicates = this.duplicates;
    copy.#last = this.#last;
    copy.#chunk = this.#chunk;
    copy.#cut = this.#cut;
    copy.#initialises = this.#initialises;
    return copy;
  }

  #checkEpochs({ action, chunk_index, control_epoch, cache_epoch }: TpHeader, blame: Blame): void {
    // r[tp-session.epoch.not-negative] r[pp-session.epoch.not-negative]
    if (control_epoch < 0n) throw outOfOrder(blame, "control_epoch", "0 or more", control_epoch);
    if (cache_epoch < 0n) throw outOfOrder(blame, "cache_epoch", "0 or more", cache_epoch);
    if (this.#last !== null) {
      const { control_epoch: control, cache_epoch: cache } = this.#last;
      // r[tp-session.control-epoch.step] r[pp-session.sequence.step]
      if (control_epoch !== control + 1n) throw outOfOrder(blame, "control_epoch", control + 1n, control_epoch);
      // r[tp-session.cache-epoch.step] r[pp-session.cache-epoch.step]
      const grown = cache_epoch === cache + 1n;
      if (!grown && cache_epoch !== cache) {
        throw outOfOrder(blame, "cache_epoch", `${cache}, or ${cache + 1n} at a hard cut`, cache_epoch);
      }
      this.#cut ||= grown;
    }
    // r[tp-session.chunk-index.infer-only] r[pp-session.chunk-index]
    if (action !== "INFER") return;
    // r[tp-session.chunk-index.hard-cut]
    const least = this.#cut || this.#chunk === null ? 0n : this.#chunk;
    if (chunk_index < least) throw outOfOrder(blame, "chunk_index", `at least ${least}`, chunk_index);
    this.#initialises = this.#cut || this.#chunk === null;
    this.#cut = false;
    this.#chunk = chunk_index;
  }
}

function outOfOrder(blame: Blame, field: string, expected: unknown, came: unknown) {
  return blame("sequence", `${field}: expected ${expected}, ${came} came`);
}

/** Decodes one connection from a leader, profile `tp-session`: the layout, and the order of ids and epochs. */
export class TpSession extends HeaderDecoder<TpMessage> {
  readonly #order: SessionOrder;

  constructor(limits: Partial<MessageLimits> = {}) {
    const all = messageLimits(limits);
    const order = new SessionOrder();
    const read = (header: TpHeader, payload: MultipartMessage | null, at: number) => {
      const message = readTp(header, payload, at, all);
      const video = "manifest" in message ? message.manifest.video : undefined;
      if (video !== undefined) order.checkInit(video.init_cache, peerFault(at));
      return message;
    };
    super(read, all, order);
    this.#order = order;
  }

  /** True once SHUTDOWN came. A stream that ends without it has lost its leader. r[tp-session.eof] */
  get closed(): boolean {
    return this.#order.closed;
  }

  /** Duplicates that were dropped so far. */
  get duplicates(): number {
    return this.#order.duplicates;
  }
}
