import { refusal, WireError } from "@tensorwire/framing";
import { PreparedMessage } from "@tensorwire/tensor-spec";
import type { Connection } from "@tensorwire/transport";
import { messageOf, RankLostError } from "./stage-lost.ts";

/** A message that can be sent, and the call that it belongs to. */
export type Sendable = PreparedMessage<{ readonly call_id: bigint }>;

/**
 * The one way from this package to a peer: takes what is prepared and nothing else. Of every message either nothing leaves, or
 * all of it does, or the connection is over.
 */
export class MessageSender {
  /** Rank of the peer. */
  readonly rank: number;
  readonly #connection: Connection;
  #poison: RankLostError | null = null;

  constructor(connection: Connection, rank: number) {
    this.#connection = connection;
    this.rank = rank;
  }

  /** Why nothing can be sent any more, once that is so. */
  get poison(): RankLostError | null {
    return this.#poison;
  }

  /**
   * Resolves when the connection took every byte. The message's tensors must not change until then.
   *
   * @throws WireError not fatal, when no byte left: what was no PreparedMessage, `transport.full`, or a deadline that passed
   *   first. The next message can be sent.
   * @throws RankLostError when a byte may have left: names the peer's rank and the call, as every later send does.
   */
  async send(message: Sendable, deadlineMs: number): Promise<void> {
    // r[tp.send.order] r[pp.send.order]: the compiler says so too, but not to a caller that casts.
    if (!PreparedMessage.is(message)) throw refusal("state", "expected a PreparedMessage to send, another value came");
    if (this.#poison !== null) throw this.#poison;
    try {
      await this.#connection.write(message.buffers, deadlineMs);
    } catch (error) {
      // r[tp.send.nothing] r[pp.send.nothing]: withdrawn whole, the connection lives on.
      if (error instanceof WireError && !error.fatal) throw error;
      // r[tp.send.poison] r[pp.send.poison]
      this.#poison ??= new RankLostError(this.rank, [message.subject.call_id], messageOf(error), { cause: error });
      this.#connection.abort(this.#poison.message, error);
      throw this.#poison;
    }
  }
}
