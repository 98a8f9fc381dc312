import { refusal } from "@tensorwire/framing";
import {
  type PpCallIds,
  type PpRequest,
  type PpResultMessage,
  PpSession,
  preparePpResult,
  withDigest,
} from "@tensorwire/pp-contract";
import type { PreparedMessage } from "@tensorwire/tensor-spec";
import type { Stage, StageOutput, WireDtype } from "@tensorwire/tensor-stage";
import { type Connection, systemClock } from "@tensorwire/transport";
import { outputTensor, stageInput } from "./activations.ts";
import type { Hop } from "./hop.ts";
import { MessageSender } from "./message-sender.ts";
import { DEFAULT_GRACE_MS } from "./options.ts";
import { sha256 } from "./sha256.ts";
import { errorMessage, messageOf, RankLostError, StageLostError } from "./stage-lost.ts";
import type { InferRequest } from "./tp-group/group-stage-options.ts";
import { type CallRecord, Stopwatch } from "./trace.ts";
import type { Turns } from "./turns.ts";

/** Longer than a call needs that its sender wrote before it could know that the stage ends. */
const LAST_CALL_MS = 250;

/** What the lanes of a stage share. */
export interface LaneHost {
  readonly rank: number;
  readonly stage: Stage;
  readonly turns: Turns;
  readonly wireDtype: WireDtype;
  /** Puts the digest of its tensors into a result of the stage's own. */
  readonly digest: boolean;
  /** For a result to be taken, in milliseconds. */
  readonly deadlineMs: number;
  /** Opens a lane to the next stage; null in the last one. */
  readonly openHop: ((lane: number) => Promise<Hop>) | null;
  /** Why no call is done any more, once that is so. */
  readonly ending: Error | null;
  /** Something came from upstream. */
  active(): void;
  /** The next stage is gone, for this lane and so for all. */
  lose(error: StageLostError): void;
  done(call: CallRecord): void;
}

/**
 * How a lane ended: with SHUTDOWN; without a byte, as a port probe does; or with an error, a lost upstream among them.
 */
export type LaneEnd = "shutdown" | "unused" | Error;

type OnlyHeader = Exclude<PpRequest, InferRequest>["header"];

/** The server's side of one lane: takes calls in their order, one at a time, and answers each with one result. */
export class StageLane {
  readonly #number: number;
  readonly #connection: Connection;
  readonly #sender: MessageSender;
  readonly #host: LaneHost;
  readonly #session = new PpSession();
  #hop: Hop | null = null;
  /** False while the lane waits for a message. */
  #busy = false;
  /** When a lane of a stage that ends takes no more calls. */
  #last: unknown = null;

  constructor(number: number, connection: Connection, host: LaneHost) {
    this.#number = number;
    this.#connection = connection;
    this.#sender = new MessageSender(connection, host.rank - 1);
    this.#host = host;
  }

  /** Bytes to and from the next stage. */
  get hopBytes(): { readonly out: number; readonly in: number } {
    return this.#hop?.bytes ?? { out: 0, in: 0 };
  }

  /** Serves until the lane ends, and never rejects. `deadlineMs` is for the stages behind to end theirs. */
  async serve(deadlineMs: number): Promise<LaneEnd> {
    try {
      return await this.#serve(deadlineMs);
    } finally {
      systemClock.clearTimeout(this.#last);
    }
  }

  async #serve(deadlineMs: number): Promise<LaneEnd> {
    const end = await this.#run().catch((error: unknown) => {
      // A peer that broke the contract gets no graceful end.
      if (this.#host.ending === null) this.#connection.abort(messageOf(error), error);
      return this.#host.ending ?? this.#upstreamLost(error);
    });
    this.#host.stage.reset(this.#number);
    if (end !== "shutdown") this.#hop?.abort("the lane has ended");
    const closing = end === "shutdown" ? this.#hop?.close().then(() => this.#connection.close(deadlineMs)) : undefined;
    const failed = await (closing ?? this.#connection.close(end instanceof Error ? DEFAULT_GRACE_MS : deadlineMs)).then(
      () => null,
      asError,
    );
    if (failed === null) return end;
    // Upstream waits for the end of this lane, also where the stages behind do not come to theirs.
    this.#connection.abort(failed.message, failed);
    return end instanceof Error ? end : failed;
  }

  /**
   * The stage ends: a call that waits for the next stage waits no longer. A lane that waits for a call answers what is on its way, for a
   * moment, since a close would throw it away, and with it the reason.
   */
  release(): void {
    if (this.#busy) this.#hop?.abort("the stage ends");
    else this.#last = systemClock.setTimeout(() => this.#letGo(), LAST_CALL_MS);
  }

  #letGo(): void {
    if (!this.#busy) void this.#connection.close(DEFAULT_GRACE_MS).catch(() => {});
  }

  async #run(): Promise<LaneEnd> {
    for (let used = false; ; used = true) {
      this.#busy = false;
      // No deadline of its own: an idle lane is no fault while others work. The stage watches over all of them.
      const chunk = await this.#connection.read(Infinity);
      if (chunk === null) {
        // r[pp-session.eof] r[tp-session.eof]
        const cut = this.#session.end();
        if (cut !== null) throw cut;
        return used ? this.#upstreamLost(new Error("it ended the connection without SHUTDOWN")) : "unused";
      }
      this.#busy = true;
      this.#host.active();
      const { messages, error } = this.#session.push(chunk);
      for (const message of messages) await this.#handle(message);
      if (error !== null) throw error;
      if (this.#host.ending !== null) return this.#host.ending;
      if (this.#session.closed) return "shutdown";
    }
  }

  #upstreamLost(error: unknown): Error {
    const { rank } = this.#host;
    const [calls, why] = error instanceof RankLostError ? [error.calls, error.why] : [[], messageOf(error)];
    if (rank > 0) return new StageLostError(rank - 1, calls, why, { cause: error });
    return new Error(`rank 0 has lost the driver: ${why}`, { cause: error });
  }

  async #handle(request: PpRequest): Promise<void> {
    if ("envelope" in request) return this.#infer(request);
    await this.#pass(request.header);
  }

  /** r[pp.result.exactly-one] */
  async #infer(request: InferRequest): Promise<void> {
    const { call_id, chunk_index, cache_epoch } = request.header;
    const { rank } = this.#host;
    const watch = new Stopwatch();
    let answer: PreparedMessage<PpCallIds>;
    try {
      answer = await this.#answer(request, watch);
    } catch (error) {
      if (error instanceof StageLostError) this.#host.lose(error);
      // A lane that was let go because of another one says what happened there.
      const error_message = errorMessage(rank, call_id, this.#host.ending ?? error);
      answer = preparePpResult({ call_id, chunk_index, cache_epoch, ok: false, error_message });
    }
    await this.#sender.send(answer, this.#host.deadlineMs);
    watch.lap(this.#host.openHop === null ? "send" : "relay");
    const num_tokens = request.envelope.lm?.num_tokens ?? 0;
    this.#host.done({ rank, lane: this.#number, call_id, num_tokens, spans: watch.spans });
  }

  async #answer({ header, envelope, tensors }: InferRequest, watch: Stopwatch): Promise<PreparedMessage<PpCallIds>> {
    const { wireDtype, digest } = this.#host;
    const { call_id, chunk_index, cache_epoch } = header;
    const ids = { call_id, chunk_index, cache_epoch };
    const hop = await this.#openHop();
    let answer: PpResultMessage;
    try {
      const output = await this.#forward(envelope, tensors, watch);
      const tensor = outputTensor(output, wireDtype);
      if (hop === null) {
        const compute = watch.spans.at(-1)!;
        const result = { ...ids, stage1_ms: compute.end - compute.start, tensors: [tensor] };
        return preparePpResult(digest ? withDigest(result, sha256) : result);
      }
      answer = await hop.infer(ids, envelope, [tensor], () => watch.lap("send"));
    } catch (error) {
      // The stages behind still have to see the call's ids and epoch, for the next hard cut to be one more there too.
      if (!(error instanceof StageLostError)) await hop?.pass({ ...ids, action: "NOOP" });
      throw error;
    }
    return preparePpResult({ ...answer.result, tensors: answer.tensors });
  }

  #forward({ lm }: InferRequest["envelope"], tensors: InferRequest["tensors"], watch: Stopwatch): Promise<StageOutput> {
    const { stage, turns } = this.#host;
    return turns.take(() => {
      watch.lap("queue");
      if (this.#host.ending !== null) throw this.#host.ending;
      if (lm === undefined) throw refusal("state", "expected a language-model step, a video step came");
      if (lm.init_cache) stage.reset(this.#number);
      const cached = stage.length(this.#number);
      if (lm.position !== cached) {
        throw refusal("state", `lm.position: expected ${cached}, the tokens in the cache, ${lm.position} came`);
      }
      const output = stage.forward(this.#number, stageInput(tensors, stage.config.n_embd));
      watch.lap("compute");
      return output;
    });
  }

  async #pass({ call_id, chunk_index, cache_epoch, action }: OnlyHeader): Promise<void> {
    try {
      await (await this.#openHop())?.pass({ call_id, chunk_index, cache_epoch, action });
    } catch (error) {
      if (!(error instanceof StageLostError)) throw error;
      this.#host.lose(error);
    }
  }

  async #openHop(): Promise<Hop | null> {
    if (this.#hop !== null || this.#host.openHop === null) return this.#hop;
    this.#hop = await this.#host.openHop(this.#number);
    // A lane that waits for its next call would not see it.
    void this.#hop.lost.then((error) => this.#host.lose(error));
    return this.#hop;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
