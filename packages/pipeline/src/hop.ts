import { WireError } from "@tensorwire/framing";
import {
  PpAcceptance,
  type PpCallIds,
  type PpHeader,
  PpResultDecoder,
  type PpResultMessage,
  type PpStep,
  preparePpRequest,
} from "@tensorwire/pp-contract";
import type { PreparedMessage, TensorSource } from "@tensorwire/tensor-spec";
import { type Connection, connect } from "@tensorwire/transport";
import { messageOf, StageLostError } from "./stage-lost.ts";

export interface HopOptions {
  readonly address: string;
  /** Rank of the stage at `address`. */
  readonly rank: number;
  /** For a whole call: what this stage and all behind it may take. */
  readonly deadlineMs: number;
  readonly startDeadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Stages under a launcher start at the same time, so that the next one may not listen yet. */
const RETRY_MS = 100;

/**
 * One lane to the next stage: the client's side of a PP session, one call at a time. Whatever goes wrong on the way is a
 * StageLostError, and the end of the hop; a refusal of what was to be sent is neither.
 */
export class Hop {
  readonly #connection: Connection;
  readonly #options: HopOptions;
  readonly #results = new PpResultDecoder();
  readonly #acceptance = new PpAcceptance({ window: 1 });
  #sequence = 0n;

  private constructor(connection: Connection, options: HopOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Connects, and tries again while nobody listens. Rejects with StageLostError. */
  static async open(options: HopOptions): Promise<Hop> {
    const { address, rank, startDeadlineMs, signal } = options;
    const until = performance.now() + startDeadlineMs;
    for (;;) {
      const deadlineMs = Math.max(0, until - performance.now());
      try {
        return new Hop(await connect(address, { deadlineMs, ...(signal && { signal }) }), options);
      } catch (error) {
        const refused = error instanceof WireError && error.code === "transport.refused" && error.fault === "transport";
        if (!refused || deadlineMs < RETRY_MS) throw new StageLostError(rank, [], messageOf(error), { cause: error });
        await Bun.sleep(RETRY_MS);
      }
    }
  }

  /** Bytes of requests, and of results. */
  get bytes(): { readonly out: number; readonly in: number } {
    const { bytesOut, bytesIn } = this.#connection.counters;
    return { out: bytesOut, in: bytesIn };
  }

  /**
   * Sends a call and waits for its result, which may be an error result. `sent` is called once the request has left.
   *
   * @throws WireError refusal when the request cannot be made. A NOOP with its ids goes instead, so that the stages behind
   *   see every call_id and cache_epoch, and the next hard cut is one more for all of them.
   * @throws StageLostError when the connection, the deadline or the peer's bytes fail.
   */
  async infer(
    ids: PpCallIds,
    step: PpStep,
    tensors: readonly TensorSource[],
    sent: () => void,
  ): Promise<PpResultMessage> {
    const header: PpHeader = { ...ids, control_epoch: this.#sequence + 1n, action: "INFER" };
    let request: PreparedMessage;
    try {
      request = preparePpRequest({ header, step, tensors });
    } catch (error) {
      await this.pass({ ...header, action: "NOOP" });
      throw error;
    }
    return this.#guard([ids.call_id], async () => {
      this.#acceptance.sent(header, step);
      await this.#send(request);
      sent();
      return this.#result();
    });
  }

  /** Sends a NOOP or SHUTDOWN with the ids of `header`; nothing answers it. */
  async pass(header: PpHeader): Promise<void> {
    const request = preparePpRequest({ header: { ...header, control_epoch: this.#sequence + 1n } });
    await this.#guard([], () => this.#send(request));
  }

  /** After SHUTDOWN: waits for the stage to end its side. */
  async close(): Promise<void> {
    await this.#guard([], () => this.#connection.close(this.#options.deadlineMs));
  }

  abort(why: string): void {
    this.#connection.abort(why);
  }

  async #send(request: PreparedMessage): Promise<void> {
    this.#sequence++;
    await this.#connection.write(request.buffers, this.#options.deadlineMs);
  }

  async #result(): Promise<PpResultMessage> {
    const until = performance.now() + this.#options.deadlineMs;
    for (;;) {
      const chunk = await this.#connection.read(Math.max(0, until - performance.now()));
      if (chunk === null) {
        const message = `${this.#connection.peer} ended the connection before the result`;
        throw this.#results.end() ?? new WireError({ code: "transport.closed", message, fault: "transport" });
      }
      const { messages, error } = this.#results.push(chunk);
      // All of them: a late one may stand before the one that is due, and a wrong one behind it.
      const due = messages.filter(({ result }) => this.#acceptance.judge(result, this.bytes.in).accepted);
      if (error !== null) throw error;
      if (due[0] !== undefined) return due[0];
    }
  }

  async #guard<T>(calls: readonly bigint[], act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      this.abort("the hop is lost");
      throw new StageLostError(this.#options.rank, calls, messageOf(error), { cause: error });
    }
  }
}
