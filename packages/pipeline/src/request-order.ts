import { refusal } from "@tensorwire/framing";
import { type PpCallIds, type PpHeader, type PpRequestInit, preparePpRequest } from "@tensorwire/pp-contract";
import type { MessageLimits, PreparedMessage } from "@tensorwire/tensor-spec";
import { SessionOrder } from "@tensorwire/tp-control";

/** The ids of a message that a hop sends. It counts control_epoch itself, from 1, unless it is told. */
export type HopIds = PpCallIds & Partial<Pick<PpHeader, "control_epoch">>;
/** What a message is beside its ids. */
export type About = Omit<PpRequestInit, "header"> & Pick<PpHeader, "action">;

/** Makes the requests of one lane, in the order that the stage's session demands: what that would refuse is refused here. */
export class RequestOrder {
  readonly #limits: Partial<MessageLimits>;
  #order = new SessionOrder();
  /** The last header that was made, to be sent in its turn. */
  #last: PpHeader | null = null;

  constructor(limits: Partial<MessageLimits> = {}) {
    this.#limits = limits;
  }

  isCut(cache_epoch: bigint): boolean {
    return this.#last !== null && cache_epoch > this.#last.cache_epoch;
  }

  /**
   * The next request. It counts as sent: whoever takes it owes it to the stage, or a NOOP with its header.
   *
   * @throws WireError refusals, and whatever a tensor's own function throws; the ids are free then. r[pp.send.nothing]
   */
  prepare(ids: HopIds, { action, ...rest }: About): PreparedMessage<PpHeader> {
    if (this.#order.closed) throw refusal("state", "expected nothing behind SHUTDOWN");
    const header = { control_epoch: (this.#last?.control_epoch ?? 0n) + 1n, ...ids, action };
    const message = preparePpRequest({ header, ...rest }, this.#limits);
    const order = this.#order.copy();
    order.follow(header, refusal);
    const { lm, video } = rest.step ?? {};
    const init_cache = (lm ?? video)?.init_cache;
    if (init_cache !== undefined) order.checkInit(init_cache, refusal);
    this.#order = order;
    this.#last = header;
    return message;
  }
}
