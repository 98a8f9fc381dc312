import type { MultipartMessage } from "@tensorwire/framing";
import { type MessageLimits, messageLimits, peerFault } from "@tensorwire/tensor-spec";
import { HeaderDecoder, SessionOrder } from "@tensorwire/tp-control";
import { type PpHeader, type PpRequest, readRequest } from "./request.ts";

/**
 * Decodes one connection to a stage, profile `pp-session`: the layout of requests, and the order of ids and epochs. A request
 * is delivered when all of it has been judged, so that what a stage re-broadcasts has passed. r[pp-session.rebroadcast]
 */
export class PpSession extends HeaderDecoder<PpRequest> {
  readonly #order: SessionOrder;

  constructor(limits: Partial<MessageLimits> = {}) {
    const all = messageLimits(limits);
    const order = new SessionOrder();
    const read = (header: PpHeader, payload: MultipartMessage | null, at: number) => {
      const request = readRequest(header, payload, at, all);
      if ("envelope" in request) {
        const { lm, video } = request.envelope;
        order.checkInit((lm ?? video).init_cache, peerFault(at));
      }
      return request;
    };
    super(read, all, order);
    this.#order = order;
  }

  /** True once SHUTDOWN came. A stream that ends without it has lost its upstream. r[pp-session.eof] */
  get closed(): boolean {
    return this.#order.closed;
  }

  /** Duplicates that were dropped so far. */
  get duplicates(): number {
    return this.#order.duplicates;
  }
}
