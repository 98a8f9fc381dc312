import { refusal, WireError } from "@tensorwire/framing";
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
import type { Connection } from "@tensorwire/transport";
import { type Call, CallQueue, stale } from "./call-queue.ts";
import { type DialOptions, dial } from "./dial.ts";
import { MessageSender } from "./message-sender.ts";
import { messageOf, RankLostError, StageLostError } from "./stage-lost.ts";

export interface HopOptions {
  /** Rank of the stage at the other end. */
  readonly rank: number;
  /** For a whole call: what this stage and all behind it may take. */
  readonly deadlineMs: number;
  /** Calls in flight at a time. 1 unless told. */
  readonly window?: number;
  /** Calls that may wait for room in the window. 64 unless told. */
  readonly maxQueued?: number;
}

const DEFAULT_MAX_QUEUED = 64;

/** A call under way, and the timer that ends the hop when it gets no result. */
interface Pending {
  readonly call: Call;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * One lane to the next stage: the client's side of a PP session, with a bounded number of calls in flight. Every call comes to one
 * end: its result, which may be an error result; a refusal, when it could not be made or a hard cut made it stale; or a StageLostError,
 * which is the end of the hop and of every call on it.
 */
export class Hop {
  /** Resolves when the stage is lost, also while no call is in flight. */
  readonly lost: Promise<StageLostError>;
  readonly #connection: Connection;
  readonly #options: HopOptions;
  readonly #sender: MessageSender;
  readonly #results = new PpResultDecoder();
  readonly #acceptance: PpAcceptance;
  readonly #queue = new CallQueue();
  readonly #pending = new Map<bigint, Pending>();
  readonly #settleLost: (error: StageLostError) => void;
  #sequence = 0n;
  #epoch: bigint | null = null;
  #pumping = false;
  #ending = false;
  #lost: StageLostError | null = null;

  constructor(connection: Connection, options: HopOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#sender = new MessageSender(connection, options.rank);
    this.#acceptance = new PpAcceptance({ window: options.window ?? 1 });
    const { promise, resolve } = Promise.withResolvers<StageLostError>();
    this.lost = promise;
    this.#settleLost = resolve;
    void this.#receive().catch((error: unknown) => {
      // `close` stops the read that waits; without calls in flight that is no loss.
      if (!this.#ending || this.#pending.size > 0) this.#lose(error);
    });
  }

  /** Connects, and tries again while nobody listens. Rejects with StageLostError. */
  static async open(options: HopOptions & DialOptions): Promise<Hop> {
    return new Hop(await dial(options), options);
  }

  /** Bytes of requests, and of results. */
  get bytes(): { readonly out: number; readonly in: number } {
    const { bytesOut, bytesIn } = this.#connection.counters;
    return { out: bytesOut, in: bytesIn };
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
   * @throws WireError refusal when the request cannot be made, too many wait, or a hard cut made it stale. A call that was not sent
   *   goes as a NOOP with its ids, so that the stages behind see every cache_epoch, and the next hard cut is one more for all of them.
   * @throws StageLostError when the connection, the deadline or the peer's bytes fail.
   */
  infer(
    ids: PpCallIds,
    step: PpStep,
    tensors: readonly TensorSource[],
    sent: () => void = () => {},
  ): Promise<PpResultMessage> {
    const { maxQueued = DEFAULT_MAX_QUEUED } = this.#options;
    if (this.#lost !== null) return Promise.reject(this.#lost);
    const { cache_epoch } = ids;
    // r[pp-session.cache-epoch.step]: what a stage would refuse as fatal is refused here, without a byte.
    if (this.#epoch !== null && cache_epoch !== this.#epoch && cache_epoch !== this.#epoch + 1n) {
      const message = `cache_epoch: expected ${this.#epoch}, or ${this.#epoch + 1n} at a hard cut, ${cache_epoch} came`;
      return Promise.reject(refusal("sequence", message));
    }
    const cut = this.#epoch !== null && cache_epoch > this.#epoch;
    // A cut is there to empty the queue: it finds room for itself and for the NOOPs that it leaves.
    if (this.#queue.length >= (cut ? 2 * maxQueued : maxQueued)) {
      return Promise.reject(refusal("transport.full", `${maxQueued} calls wait already, call ${ids.call_id} came`));
    }
    if (cut) this.#cut(cache_epoch);
    this.#epoch = cache_epoch;
    const { promise, resolve, reject } = Promise.withResolvers<PpResultMessage>();
    this.#queue.add({ call: { ids, step, tensors, sent, resolve, reject } });
    void this.#pump();
    return promise;
  }

  /** Sends a NOOP or SHUTDOWN with the ids of `header`, behind the calls that wait; nothing answers it. */
  pass(header: PpHeader): Promise<void> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    // A hard cut whose first call could not be made: the stages behind must see it all the same.
    if (this.#epoch !== null && header.cache_epoch > this.#epoch) this.#cut(header.cache_epoch);
    this.#epoch = header.cache_epoch;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.add({ header, resolve, reject });
    void this.#pump();
    return promise;
  }

  /** After SHUTDOWN: waits for the stage to end its side. */
  async close(): Promise<void> {
    if (this.#lost !== null) throw this.#lost;
    this.#ending = true;
    try {
      await this.#connection.close(this.#options.deadlineMs);
    } catch (error) {
      throw this.#lose(error);
    }
  }

  abort(why: string): void {
    this.#lose(new WireError({ code: "transport.closed", message: why, fault: "transport" }));
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
        await ("call" in job ? this.#sendCall(job.call) : this.#sendHeader(job.header).then(job.resolve));
      } catch (error) {
        const { reject } = "call" in job ? job.call : job;
        reject(error instanceof WireError && !error.fatal ? error : this.#lose(error));
      }
    }
    this.#pumping = false;
  }

  async #sendCall(call: Call): Promise<void> {
    const { ids, step, tensors } = call;
    const header: PpHeader = { ...ids, control_epoch: this.#sequence + 1n, action: "INFER" };
    let request: PreparedMessage<PpHeader>;
    try {
      request = preparePpRequest({ header, step, tensors });
    } catch (error) {
      await this.#sendHeader({ ...header, action: "NOOP" });
      throw error;
    }
    this.#acceptance.sent(header, step);
    const { deadlineMs } = this.#options;
    const message = `no result of call ${ids.call_id} in ${deadlineMs} ms`;
    const late = () => this.#lose(new WireError({ code: "transport.deadline", message, fault: "transport" }));
    this.#pending.set(ids.call_id, { call, timer: setTimeout(late, deadlineMs) });
    await this.#write(request);
    call.sent();
  }

  async #sendHeader(header: PpHeader): Promise<void> {
    if (header.action === "SHUTDOWN") this.#ending = true;
    await this.#write(preparePpRequest({ header: { ...header, control_epoch: this.#sequence + 1n } }));
  }

  async #write(request: PreparedMessage<PpHeader>): Promise<void> {
    this.#sequence++;
    try {
      await this.#sender.send(request, this.#options.deadlineMs);
    } catch (error) {
      // Not one byte in a whole deadline: the peer is as good as gone, whether or not the next message could be sent.
      throw this.#lose(error);
    }
  }

  /** r[pp.acceptance.hard-cut]: what was not sent goes as a NOOP, what is in flight is awaited and dropped. */
  #cut(epoch: bigint): void {
    this.#acceptance.cut(epoch);
    for (const { call } of this.#pending.values()) call.reject(stale(call, epoch));
    this.#queue.cut(epoch);
  }

  async #receive(): Promise<void> {
    for (;;) {
      const chunk = await this.#connection.read(Number.POSITIVE_INFINITY);
      if (chunk === null) {
        if (this.#ending && this.#pending.size === 0) return;
        const message = `${this.#connection.peer} ended the connection before the result`;
        throw this.#results.end() ?? new WireError({ code: "transport.closed", message, fault: "transport" });
      }
      const { messages, error } = this.#results.push(chunk);
      // All of them are judged before one is handed out: a wrong one may stand behind the one that is due.
      const accepted = messages.filter(({ result }) => this.#acceptance.judge(result, this.bytes.in).accepted);
      if (error !== null) throw error;
      const answered = new Set(this.inFlight);
      for (const message of accepted) this.#pending.get(message.result.call_id)?.call.resolve(message);
      for (const [id, { timer }] of this.#pending) {
        if (answered.has(id)) continue;
        clearTimeout(timer);
        this.#pending.delete(id);
      }
      void this.#pump();
    }
  }

  /** r[pp.acceptance.exactly-one]: every call that has no end yet gets this one. */
  #lose(why: unknown): StageLostError {
    if (this.#lost !== null) return this.#lost;
    const calls = this.#acceptance.abandon().map(({ call_id }) => call_id);
    const message = why instanceof RankLostError ? why.why : messageOf(why);
    const lost = new StageLostError(this.#options.rank, calls, message, { cause: why });
    this.#lost = lost;
    this.#connection.abort(`the hop is lost: ${message}`);
    for (const { call, timer } of this.#pending.values()) {
      clearTimeout(timer);
      call.reject(lost);
    }
    this.#pending.clear();
    this.#queue.rejectAll(lost);
    if (!this.#ending) this.#settleLost(lost);
    return lost;
  }
}
