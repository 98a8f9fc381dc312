import { WireError } from "@tensorwire/framing";
import type { PreparedMessage } from "@tensorwire/tensor-spec";
import { prepareTp, type TpHeader } from "@tensorwire/tp-control";
import type { Connection } from "@tensorwire/transport";
import { MessageSender } from "../message-sender.ts";

/** A worker of the group, as its leader reaches it. */
export interface TpMember {
  readonly rank: number;
  readonly connection: Connection;
}

/** One worker's end of the group: what it was sent last, and whether it is still there. */
export class MemberLink {
  readonly rank: number;
  readonly #connection: Connection;
  readonly #sender: MessageSender;
  /** The last header that this worker gets: the group's, unless a broadcast was withdrawn here. */
  #last: TpHeader | null = null;
  #ending = false;

  constructor({ rank, connection }: TpMember) {
    this.rank = rank;
    this.#connection = connection;
    this.#sender = new MessageSender(connection, rank);
  }

  /** Calls `gone` once, when the worker hangs up, is cut off or sends a byte, unless this side ends first. */
  watch(gone: (why: unknown) => void): void {
    const report = (why: unknown) => {
      if (!this.#ending) gone(why);
    };
    const { peer } = this.#connection;
    this.#connection.read(Number.POSITIVE_INFINITY).then(
      (chunk) =>
        report(
          chunk === null
            ? new WireError({ code: "transport.closed", message: `${peer} hung up`, fault: "transport" })
            : new WireError({
                code: "state",
                message: `${peer} sent ${chunk.length} bytes: a worker sends nothing`,
                offset: 1,
              }),
        ),
      report,
    );
  }

  async send(message: PreparedMessage<TpHeader>, deadlineMs: number): Promise<void> {
    const before = this.#last;
    this.#last = message.subject;
    try {
      await this.#sender.send(message, deadlineMs);
      // The worker may end from now on, while another one has still to take it.
      if (message.subject.action === "SHUTDOWN") this.#ending = true;
    } catch (error) {
      if (this.#sender.poison === null) this.#last = before;
      throw error;
    }
  }

  /**
   * After SHUTDOWN: waits for the worker to end its side. Rejects when it was cut off before that, by this side or by its own: a
   * worker that crashes in its last call resets the connection. One that ended and was gone before this side had ended is in order.
   */
  async close(deadlineMs: number): Promise<void> {
    this.#ending = true;
    const { kind, error } = await this.#connection.close(deadlineMs);
    if (kind === "aborted" || kind === "failed") throw error;
  }

  /**
   * A sign of life: the ids of the last message again, with no payload. r[tp-session.call-id.duplicate]: it changes nothing, so that
   * one that does not pass is no loss. Where bytes wait to be taken, these are sign enough.
   */
  async sign(deadlineMs: number): Promise<void> {
    if (this.#last === null || this.#connection.counters.bufferedWrite > 0) return;
    try {
      await this.#sender.send(prepareTp({ header: { ...this.#last, action: "NOOP" } }), deadlineMs);
    } catch (error) {
      if (this.#sender.poison !== null) throw error;
    }
  }

  /**
   * Ends the worker because of another one: SHUTDOWN behind what is under way, or a reset when that does not pass in time.
   * Never rejects, and never leaves the worker waiting.
   */
  async terminate(graceMs: number): Promise<void> {
    this.#ending = true;
    const { call_id, control_epoch, ...ids } = this.#last ?? FIRST;
    const header = { ...ids, call_id: call_id + 1n, control_epoch: control_epoch + 1n, action: "SHUTDOWN" } as const;
    try {
      // r[tp-session.shutdown.last]: the group may have been at its end already.
      if (this.#last?.action !== "SHUTDOWN") await this.send(prepareTp({ header }), graceMs);
      await this.#connection.close(graceMs);
    } catch (error) {
      this.drop("the group has ended", error);
    }
  }

  drop(why: string, cause?: unknown): void {
    this.#ending = true;
    this.#connection.abort(why, cause);
  }
}

/** Before the first broadcast. */
export const FIRST: TpHeader = {
  call_id: 0n,
  chunk_index: 0n,
  control_epoch: 0n,
  cache_epoch: 0n,
  action: "NOOP",
};
