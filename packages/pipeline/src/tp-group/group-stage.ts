import { WireError } from "@tensorwire/framing";
import { type PpCallIds, type PpRequest, type PpResultInit, PpSession, preparePpResult } from "@tensorwire/pp-contract";
import type { MessageLimits, PreparedMessage } from "@tensorwire/tensor-spec";
import type { Connection } from "@tensorwire/transport";
import { MessageSender } from "../message-sender.ts";
import { DEFAULT_DEADLINE_MS } from "../options.ts";
import { messageOf, RankLostError } from "../stage-lost.ts";
import { within } from "../within.ts";
import type { TpCall, TpLeader } from "./leader.ts";

export type InferRequest = Extract<PpRequest, { readonly tensors: unknown }>;

export interface GroupStageOptions {
  readonly rank: number;
  /** What the group gets for a request. Its call_id there is the leader's, so a work that needs upstream's puts it into kwargs. */
  readonly callOf: (request: InferRequest) => TpCall;
  /** The leader's own part of the call, at work while the group does the same. Its throw becomes an error result. */
  readonly work: (request: InferRequest) => Promise<Omit<PpResultInit, keyof PpCallIds>>;
  /** For upstream to begin a message, in milliseconds. 600,000 unless told. */
  readonly silenceMs?: number;
  /** For a message to be whole from its first byte, and for a result to be taken. 30,000 unless told. */
  readonly deadlineMs?: number;
  readonly limits?: Partial<MessageLimits>;
}

/**
 * A pipeline stage that leads a TP group: takes requests from upstream, broadcasts each to the group, and answers each with one
 * result. However it ends, the group ends with it: with SHUTDOWN, or with a reset where that does not pass.
 *
 * @throws RankLostError that names the rank at fault: the one upstream, or a worker of the group.
 */
export async function serveGroupStage(
  upstream: Connection,
  leader: TpLeader,
  options: GroupStageOptions,
): Promise<void> {
  const stage = new GroupStage(upstream, leader, options);
  try {
    await stage.run();
  } catch (error) {
    const lost =
      error instanceof RankLostError
        ? error
        : new RankLostError(options.rank - 1, [], messageOf(error), { cause: error });
    // r[pp-session.rebroadcast]: a bad envelope, or no upstream any more, is the group's end.
    await leader.terminate(lost);
    upstream.abort(lost.message, error);
    throw lost;
  }
}

class GroupStage {
  readonly #upstream: Connection;
  readonly #leader: TpLeader;
  readonly #options: GroupStageOptions;
  readonly #sender: MessageSender;
  readonly #session: PpSession;

  constructor(upstream: Connection, leader: TpLeader, options: GroupStageOptions) {
    this.#upstream = upstream;
    this.#leader = leader;
    this.#options = options;
    this.#sender = new MessageSender(upstream, options.rank - 1);
    this.#session = new PpSession(options.limits);
  }

  async run(): Promise<void> {
    const { silenceMs = 600_000 } = this.#options;
    let until = Number.POSITIVE_INFINITY;
    for (;;) {
      const inside = this.#session.inside;
      const chunk = await this.#read(inside ? Math.max(0, until - performance.now()) : silenceMs);
      if (chunk === null) {
        const message = `${this.#upstream.peer} hung up without SHUTDOWN`;
        throw this.#session.end() ?? new WireError({ code: "transport.closed", message, fault: "transport" });
      }
      const { messages, error } = this.#session.push(chunk);
      if (!inside || messages.length > 0) until = performance.now() + this.#deadlineMs;
      // r[pp-session.rebroadcast]: the session hands out what is judged as a whole, so nothing else reaches the group.
      for (const message of messages) await this.#handle(message);
      if (error !== null) throw error;
      if (this.#session.closed) break;
    }
    await this.#upstream.close(this.#deadlineMs);
  }

  get #deadlineMs(): number {
    return this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  }

  /** A worker that is lost while upstream is idle ends the stage too. */
  async #read(deadlineMs: number): Promise<Uint8Array | null> {
    const ended = this.#leader.ended.then((lost): never => {
      throw lost ?? new Error("the group has ended");
    });
    return Promise.race([this.#upstream.read(deadlineMs), ended]);
  }

  async #handle(request: PpRequest): Promise<void> {
    if ("envelope" in request) return this.#infer(request);
    if (request.header.action === "SHUTDOWN") return this.#leader.shutdown();
    await this.#leader.noop();
  }

  /** What `work` says or throws. RankLostError when a worker is lost meanwhile, or the work is not done in time: then this rank is. */
  async #work(request: InferRequest): Promise<Omit<PpResultInit, keyof PpCallIds>> {
    const { rank, work } = this.#options;
    const { call_id } = request.header;
    const settled = Promise.try(work, request).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    const done = Promise.race([settled, this.#leader.ended]);
    const outcome = await within(done, this.#deadlineMs, `call ${call_id} was not done`).catch((why: unknown) => {
      throw new RankLostError(rank, [call_id], messageOf(why), { cause: why });
    });
    if (outcome instanceof Error) throw outcome;
    if (outcome === null) throw new Error("the group has ended");
    if ("error" in outcome) throw outcome.error;
    return outcome.result;
  }

  /** r[pp.result.exactly-one] */
  async #infer(request: InferRequest): Promise<void> {
    const { call_id, chunk_index, cache_epoch } = request.header;
    const ids = { call_id, chunk_index, cache_epoch };
    const { rank, callOf } = this.#options;
    let answer: PreparedMessage<PpCallIds>;
    let lost: RankLostError | null = null;
    try {
      await this.#leader.infer(callOf(request));
      const result = await this.#work(request);
      answer = preparePpResult({ ...result, ...ids });
    } catch (error) {
      if (error instanceof RankLostError) lost = error;
      const error_message = `rank ${rank}, call ${call_id}: ${messageOf(error)}`;
      answer = preparePpResult({ ...ids, ok: false, error_message });
    }
    await this.#sender.send(answer, this.#deadlineMs);
    if (lost === null) return;
    // The error result has to get through before the connection goes.
    await this.#upstream.close(1000).catch(() => {});
    throw lost;
  }
}
