import { refusal, WireError } from "@tensorwire/framing";
import {
  PpAcceptance,
  type PpHeader,
  PpResultDecoder,
  type PpResultMessage,
  type PpStep,
  type Verdict,
} from "@tensorwire/pp-contract";
import type { MessageLimits, PreparedMessage, TensorSource } from "@tensorwire/tensor-spec";
import { type Connection, type ConnectionCounters, checkCounts, checkDeadlines } from "@tensorwire/transport";
import { type Call, CallQueue, type Job } from "./call-queue.ts";
import { type DialOptions, dial } from "./dial.ts";
import { MessageSender } from "./message-sender.ts";
import { PendingCalls } from "./pending-calls.ts";
import { type About, type HopIds, RequestOrder } from "./request-order.ts";
import { sha256 } from "./sha256.ts";
import { messageOf, RankLostError, StageLostError } from "./stage-lost.ts";
import { within } from "./within.ts";

export interface HopOptions {
  /** Rank of the stage at the other end. */
  readonly rank: number;
  /** For a whole call: what this stage and all behind it may take. */
  readonly deadlineMs: number;
  /** Calls in flight at a time. 1 unless told. */
  readonly window?: number;
  /** Calls that may wait for room in the window. 64 unless told. */
  readonly maxQueued?: number;
  /** Refuses an ok result without the digest of its tensors. r[pp.acceptance.digest] */
  readonly checkDigest?: boolean;
  /** Told of each result in the order in which they came, once it is known what becomes of it. */
  readonly judged?: (message: PpResultMessage, verdict: Verdict) => void;
  readonly limits?: Partial<MessageLimits>;
}

const DEFAULT_MAX_QUEUED = 64;

/**
 * One lane to the next stage: the client's side of a PP session, with a bounded number of calls in flight. Every call comes to one
 * end: its result, which may be an error result; a refusal, when it could not be made or a hard cut made it stale; or a StageLostError,
 * which is the end of the hop and of every call on it.
 */
export class Hop {
  /** Resolves when the stage is lost, also while no call is in flight; never when this side aborts. */
  readonly lost: Promise<StageLostError>;
  readonly #connection: Connection;
  /** The handshake's share. */
  readonly #before: ConnectionCounters;
  readonly #options: HopOptions;
  readonly #sender: MessageSender;
  readonly #results: PpResultDecoder;
  readonly #acceptance: PpAcceptance;
  readonly #queue = new CallQueue();
  readonly #pending = new PendingCalls();
  readonly #settleLost: (error: StageLostError) => void;
  /** Resolves when nothing more is received. */
  readonly #received: Promise<void>;
  readonly #order: RequestOrder;
  #pumping = false;
  #ending = false;
  #lost: StageLostError | null = null;

  /** @throws WireError refusal `state` for a deadline that is none, and for bounds that are no counts. */
  constructor(connection: Connection, options: HopOptions) {
    const { deadlineMs, maxQueued = DEFAULT_MAX_QUEUED } = options;
    checkDeadlines({ deadlineMs });
    checkCounts({ maxQueued });
    this.#connection = connection;
    this.#before = connection.counters;
    this.#options = options;
    this.#sender = new MessageSender(connection, options.rank);
    this.#order = new RequestOrder(options.limits);
    this.#results = new PpResultDecoder(options.limits);
    this.#acceptance = new PpAcceptance({ window: options.window ?? 1, ...(options.checkDigest && { sha256 }) });
    const { promise, resolve } = Promise.withResolvers<StageLostError>();
    this.lost = promise;
    this.#settleLost = resolve;
    this.#received = this.#receive().catch((error: unknown) => {
      // A stage that is cut off after SHUTDOWN and its last result owes nothing, but it must not have sent anything wrong.
      const owes = this.#pending.size > 0 || (error instanceof WireError && error.fault === "peer");
      if (!this.#ending || owes) this.#lose(error);
    });
  }

  /** Connects, and tries again while nobody listens. Rejects with StageLostError, and as the constructor throws. */
  static async open(options: HopOptions & DialOptions): Promise<Hop> {
    const connection = await dial(options);
    try {
      return new Hop(connection, options);
    } catch (error) {
      connection.abort(messageOf(error), error);
      throw error;
    }
  }

  /** Bytes of requests, and of results. */
  get bytes(): { readonly out: number; readonly in: number } {
    const { bytesOut, bytesIn } = this.#connection.counters;
    return { out: bytesOut - this.#before.bytesOut, in: bytesIn - this.#before.bytesIn };
  }

  /** Results that answered no call that is due, by reason. */
  get dropped(): Readonly<PpAcceptance["dropped"]> {
    return this.#acceptance.dropped;
  }

  /** The calls that the stage owes a result for, oldest first; after a hard cut the stale ones too. */
  get inFlight(): readonly bigint[] {
    return this.#acceptance.inFlight.map(({ call_id }) => call_id);
  }

  /**
   * Sends a call as soon as the window has room, and waits for its result, which may be an error result. `sent` is called once the
   * request has left. A call with a new cache_epoch is a hard cut: every call of an older one ends here and now, and what of them is in
   * flight is received and dropped.
   *
   * @throws WireError refusal when the request cannot be made, its ids do not follow, or too many wait: no byte leaves then, and the
   *   ids are free. r[pp.send.nothing] And when a hard cut made it stale: one that was not sent goes as a NOOP with its ids, so that
   *   the stages behind see every cache_epoch, and the next hard cut is one more for all of them.
   * @throws StageLostError when the connection, the deadline or the peer's bytes fail.
   */
  infer(
    ids: HopIds,
    step: PpStep,
    tensors: readonly TensorSource[],
    sent: () => void = () => {},
  ): Promise<PpResultMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<PpResultMessage>();
    return this.#add(promise, () => {
      this.#checkRoom(ids);
      const message = this.#prepare(ids, { action: "INFER", step, tensors });
      return { call: { message, step, sent, resolve, reject } };
    });
  }

  /**
   * Sends a NOOP or SHUTDOWN behind the calls that wait; nothing answers it. One with a new cache_epoch is a hard cut too.
   *
   * @throws WireError refusal when its ids do not follow.
   * @throws StageLostError
   */
  pass({ action, ...ids }: HopIds & { readonly action: "NOOP" | "SHUTDOWN" }): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return this.#add(promise, () => ({ message: this.#prepare(ids, { action }), resolve, reject }));
  }

  /** After SHUTDOWN: ends this side, takes the results that are due, and waits for the stage to end its own. */
  async close(): Promise<void> {
    if (this.#lost !== null) throw this.#lost;
    const { deadlineMs } = this.#options;
    this.#ending = true;
    // Each call in flight has its own deadline, and is over by the first of these two.
    const waits = this.#pending.size > 0 ? 2 * deadlineMs : deadlineMs;
    try {
      await this.#connection.end(deadlineMs);
      await within(this.#received, waits, `${this.#connection.peer} did not end its side`);
      await this.#connection.close(deadlineMs);
    } catch (error) {
      throw this.#lose(error);
    }
    if (this.#lost !== null) throw this.#lost;
  }

  abort(why: string): void {
    this.#ending = true;
    this.#lose(new WireError({ code: "transport.closed", message: why, fault: "transport" }));
  }

  #add<T>(promise: Promise<T>, make: () => Job): Promise<T> {
    try {
      if (this.#lost !== null) throw this.#lost;
      this.#queue.add(make());
    } catch (error) {
      return Promise.reject(error);
    }
    void this.#pump();
    return promise;
  }

  /** A cut is there to empty the queue: it finds room for itself and for the NOOPs that it leaves. */
  #checkRoom({ call_id, cache_epoch }: HopIds): void {
    const { maxQueued = DEFAULT_MAX_QUEUED } = this.#options;
    const most = this.#order.isCut(cache_epoch) ? 2 * maxQueued : maxQueued;
    if (this.#queue.length < most) return;
    throw refusal("transport.full", `${maxQueued} calls wait already, call ${call_id} came`);
  }

  #prepare(ids: HopIds, about: About): PreparedMessage<PpHeader> {
    const cut = this.#order.isCut(ids.cache_epoch);
    const message = this.#order.prepare(ids, about);
    // By a NOOP too, where the first call of an epoch could not be made: the stages behind must see it all the same.
    if (cut) this.#cut(ids.cache_epoch);
    return message;
  }

  /** One sender: calls leave in their order, each as a whole. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    for (let job = this.#queue.first; job !== undefined && this.#lost === null; job = this.#queue.first) {
      // r[pp.acceptance.window]
      if ("call" in job && !this.#acceptance.open) break;
      this.#queue.take();
      try {
        await ("call" in job ? this.#sendCall(job.call) : this.#write(job.message).then(job.resolve));
      } catch (error) {
        const { reject } = "call" in job ? job.call : job;
        reject(this.#lose(error));
      }
    }
    this.#pumping = false;
  }

  async #sendCall(call: Call): Promise<void> {
    const { message, step, sent } = call;
    this.#acceptance.sent(message.subject, step);
    this.#pending.add(call, this.#options.deadlineMs, (why) => this.#lose(why));
    await this.#write(message);
    sent();
  }

  async #write(request: PreparedMessage<PpHeader>): Promise<void> {
    if (request.subject.action === "SHUTDOWN") this.#ending = true;
    // Not one byte in a whole deadline: the peer is as good as gone, whether or not the next message could be sent.
    await this.#sender.send(request, this.#options.deadlineMs);
  }

  /** r[pp.acceptance.hard-cut]: what was not sent goes as a NOOP, what is in flight is awaited and dropped. */
  #cut(epoch: bigint): void {
    this.#acceptance.cut(epoch);
    this.#pending.cut(epoch);
    this.#queue.cut(epoch);
  }

  async #receive(): Promise<void> {
    for (;;) {
      const chunk = await this.#connection.read(Number.POSITIVE_INFINITY);
      if (chunk === null) {
        const cut = this.#results.end();
        if (cut !== null) throw cut;
        if (this.#ending && this.#pending.size === 0) return;
        const message = `${this.#connection.peer} ended the connection before the result`;
        throw new WireError({ code: "transport.closed", message, fault: "transport" });
      }
      const { messages, ends, error } = this.#results.push(chunk);
      // What came before a wrong one counts, however the bytes were cut.
      for (const [i, message] of messages.entries()) this.#take(message, ends[i]!);
      if (error !== null) throw error;
      void this.#pump();
    }
  }

  #take(message: PpResultMessage, at: number): void {
    const verdict = this.#acceptance.judge(message.result, at, message.tensors);
    this.#options.judged?.(message, verdict);
    if (verdict.accepted) this.#pending.get(message.result.call_id)?.resolve(message);
    this.#pending.keep(this.inFlight);
  }

  /** r[pp.acceptance.exactly-one]: every call that has no end yet gets this one. */
  #lose(why: unknown): StageLostError {
    if (this.#lost !== null) return this.#lost;
    const calls = this.#acceptance.abandon().map(({ call_id }) => call_id);
    const message = why instanceof RankLostError ? why.why : messageOf(why);
    const lost = new StageLostError(this.#options.rank, calls, message, { cause: why });
    this.#lost = lost;
    this.#connection.abort(`the hop is lost: ${message}`);
    this.#pending.rejectAll(lost);
    this.#queue.rejectAll(lost);
    if (!this.#ending) this.#settleLost(lost);
    return lost;
  }
}
