import { type MessageLimits, messageLimits } from "@tensorwire/tensor-spec";
import { type Decoded, HeaderDecoder, SessionOrder } from "@tensorwire/tp-control";
import { type PpRequest, readRequest } from "./request.ts";

/**
 * Decodes one connection to a stage, profile `pp-session`: the layout of requests, and the order of ids and epochs. A request
 * is delivered when all of it has been judged, so that what a stage re-broadcasts has passed. r[pp-session.rebroadcast]
 */
export class PpSession {
  readonly #order = new SessionOrder();
  readonly #decoder: HeaderDecoder<PpRequest>;

  constructor(limits: Partial<MessageLimits> = {}) {
    const all = messageLimits(limits);
    this.#decoder = new HeaderDecoder(
      (header, payload, at) => {
        const request = readRequest(header, payload, at, all);
        if ("envelope" in request) {
          const { lm, video } = request.envelope;
          this.#order.checkInit((lm ?? video).init_cache, at);
        }
        return request;
      },
      all,
      this.#order,
    );
  }

  /** True once SHUTDOWN came. */
  get closed(): boolean {
    return this.#order.closed;
  }

  /** Duplicates that were dropped so far. */
  get duplicates(): number {
    return this.#order.duplicates;
  }

  get error() {
    return this.#decoder.error;
  }

  push(chunk: Uint8Array): Decoded<PpRequest> {
    return this.#decoder.push(chunk);
  }

  end() {
    return this.#decoder.end();
  }
}
