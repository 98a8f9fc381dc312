import { refusal, WireError } from "@tensorwire/framing";
import { type PpRequest, PpSession } from "@tensorwire/pp-contract";
import { type Clock, type Connection, checkCounts, checkDeadlines, systemClock } from "@tensorwire/transport";
import { Alarm } from "../alarm.ts";
import { MessageSender } from "../message-sender.ts";
import { DEFAULT_DEADLINE_MS, DEFAULT_GRACE_MS } from "../options.ts";
import { messageOf, RankLostError } from "../stage-lost.ts";
import { Answers } from "./answers.ts";
import type { GroupStageOptions, InferRequest } from "./group-stage-options.ts";
import type { TpLeader } from "./leader.ts";

/**
 * A pipeline stage that leads a TP group, which may be empty: takes requests from upstream, broadcasts each to the group with the ids
 * that it has, and answers each INFER with one result, in order. However the stage ends, the group ends with it: with SHUTDOWN, or
 * with a reset where that does not pass.
 *
 * @throws RankLostError that names the rank at fault: the one upstream, a worker of the group, or the stage itself when its work is not
 *   done in time.
 * @throws WireError refusal `state` for a leader whose ids are not given, a wait that is no deadline, and a `maxOwed` that is no count.
 */
export async function serveGroupStage(
  upstream: Connection,
  leader: TpLeader,
  options: GroupStageOptions,
): Promise<void> {
  if (!leader.givenIds) throw refusal("state", "expected a leader whose ids are given, since upstream gives them");
  const { silenceMs, deadlineMs, workMs, graceMs, maxOwed = DEFAULT_MAX_OWED } = options;
  checkDeadlines({ silenceMs, deadlineMs, workMs, graceMs });
  checkCounts({ maxOwed });
  const stage = new GroupStage(upstream, leader, options);
  try {
    await stage.run();
  } catch (error) {
    const lost = upstreamLost(options, error);
    // r[pp-session.rebroadcast]: a bad envelope, or no upstream any more, is the group's end.
    await Promise.all([leader.terminate(lost), stage.end(lost)]);
    throw lost;
  } finally {
    stage.dispose();
  }
}

const DEFAULT_MAX_OWED = 64;

/** Who is lost, where nobody has been named yet. */
function upstreamLost({ rank }: GroupStageOptions, error: unknown): RankLostError {
  return error instanceof RankLostError ? error : new RankLostError(rank - 1, [], messageOf(error), { cause: error });
}

class GroupStage {
  readonly #upstream: Connection;
  readonly #leader: TpLeader;
  readonly #options: GroupStageOptions;
  readonly #deadlineMs: number;
  readonly #clock: Clock;
  readonly #sender: MessageSender;
  readonly #session: PpSession;
  readonly #answers: Answers;
  readonly #alarm: Alarm;
  /** Fires when nothing more is done, with the reason. */
  readonly #over = new AbortController();
  /** Why this side cannot go on, while upstream is there. */
  #lost: RankLostError | null = null;
  #failure: { readonly error: unknown } | null = null;
  /** Ends the one wait of `run`. */
  #stop: (why: unknown) => void = () => {};
  /** The calls without a result, oldest first; each settles with its answer. */
  readonly #owed: Promise<void>[] = [];
  /** When the message that is being received has to be whole. */
  #until = 0;
  /** The next chunk, once it is asked for. */
  #ahead: Promise<Uint8Array | null> | null = null;
  /** The read waits. Else upstream waits for this side. */
  #reading = false;
  #finishing: Promise<void> | null = null;

  constructor(upstream: Connection, leader: TpLeader, options: GroupStageOptions) {
    const { rank, limits, clock = systemClock, deadlineMs = DEFAULT_DEADLINE_MS } = options;
    this.#upstream = upstream;
    this.#leader = leader;
    this.#options = options;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#sender = new MessageSender(upstream, rank - 1);
    this.#session = new PpSession(limits);
    this.#answers = new Answers(options, this.#over.signal, (why, calls) => this.#lose(why, calls));
    this.#alarm = new Alarm(clock, (why) => this.#fail(why));
    void leader.lost.then((why) => this.#lose(why));
  }

  async run(): Promise<void> {
    for (let chunk = await this.#read(); chunk !== null; chunk = await this.#read()) {
      const { inside } = this.#session;
      const { messages, error } = this.#session.push(chunk);
      if (!inside || messages.length > 0) this.#until = this.#clock.now() + this.#deadlineMs;
      // r[pp-session.rebroadcast]: the session hands out what is judged as a whole, so nothing else reaches the group.
      if (error === null) this.#ahead = this.#next();
      for (const message of messages) await this.#take(message);
      if (error !== null) throw error;
    }
    await this.#finishing;
  }

  /** What is left to do for upstream once `why` is the end: it gets what it is owed, unless it is the one that is lost. */
  async end(why: RankLostError): Promise<void> {
    const { graceMs = DEFAULT_GRACE_MS } = this.#options;
    const drop = () => this.#upstream.abort(why.message, why);
    this.#over.abort(why);
    if (why === this.#lost) {
      const timer = this.#clock.setTimeout(drop, graceMs);
      await Promise.all(this.#owed).catch(() => {});
      await this.#upstream.close(graceMs).catch(() => {});
      this.#clock.clearTimeout(timer);
    }
    drop();
  }

  dispose(): void {
    this.#alarm.clear();
    this.#over.abort();
  }

  async #read(): Promise<Uint8Array | null> {
    this.#reading = true;
    this.#watch();
    try {
      return await this.#unlessFailed(this.#ahead ?? this.#next());
    } finally {
      this.#reading = false;
      if (this.#finishing === null) this.#alarm.clear();
    }
  }

  /** Looks one chunk ahead, so that an upstream that is gone is seen while a worker takes its time: nobody waits for that then. */
  async #next(): Promise<Uint8Array | null> {
    try {
      const chunk = await this.#upstream.read(Number.POSITIVE_INFINITY);
      if (chunk !== null || this.#session.closed) return chunk;
      const message = `${this.#upstream.peer} hung up without SHUTDOWN`;
      throw this.#session.end() ?? new WireError({ code: "transport.closed", message, fault: "transport" });
    } catch (error) {
      // Nothing else is wrong, so that this is no read that the stage itself has ended.
      if (this.#failure === null) {
        const lost = upstreamLost(this.#options, error);
        this.#fail(lost);
        void this.#leader.terminate(lost);
      }
      return null;
    }
  }

  #unlessFailed<T>(wait: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#stop = reject;
    if (this.#failure !== null) reject(this.#failure.error);
    wait.then(resolve, reject);
    return promise;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stop(error);
  }

  /** Upstream has a deadline where it is its turn: inside a message, and while it is owed nothing. */
  #watch(): void {
    const { silenceMs = 600_000 } = this.#options;
    if (!this.#reading || this.#finishing !== null) return;
    const { peer } = this.#upstream;
    if (this.#session.inside) {
      const left = Math.max(0, this.#until - this.#clock.now());
      this.#alarm.set(left, `no whole message of ${peer} in ${this.#deadlineMs} ms`);
    } else if (this.#owed.length === 0) {
      this.#alarm.set(silenceMs, `no message of ${peer} in ${silenceMs} ms`);
    }
  }

  async #take(request: PpRequest): Promise<void> {
    const { header } = request;
    this.#options.taken?.(request);
    if ("envelope" in request) return this.#infer(request);
    if (header.action === "NOOP") {
      await this.#leader.broadcast({ header }).catch((error) => Promise.reject(this.#lose(error)));
      return;
    }
    // It waits for the answers, since the group may be at work with the leader; the read does not.
    this.#finishing = this.#finish(header);
    this.#finishing.catch((error) => this.#fail(error));
  }

  async #infer(request: InferRequest): Promise<void> {
    const { maxOwed = DEFAULT_MAX_OWED } = this.#options;
    const refused = await this.#broadcast(request);
    const before = this.#owed.at(-1);
    const answered = Promise.resolve(before)
      .then(() => this.#answer(request, refused))
      .finally(() => {
        this.#owed.shift();
        this.#watch();
      });
    answered.catch((error) => this.#fail(error));
    this.#owed.push(answered);
    if (this.#owed.length >= maxOwed) await this.#unlessFailed(this.#owed[0]!);
  }

  /** What the call's error result is to say, where the group did not get it. */
  async #broadcast(request: InferRequest): Promise<unknown> {
    const { header, tensors } = request;
    const { callOf = () => ({ manifest: {}, tensors }) } = this.#options;
    try {
      await this.#leader.broadcast({ header, ...callOf(request) });
      return null;
    } catch (error) {
      // The group has to see the ids all the same, for the next ones to follow. One that takes not even those is lost.
      if (error instanceof RankLostError) this.#lose(error);
      else await this.#leader.broadcast({ header: { ...header, action: "NOOP" } }).catch((why) => this.#lose(why));
      return error;
    }
  }

  /** r[pp.result.exactly-one] */
  async #answer(request: InferRequest, refused: unknown): Promise<void> {
    await this.#sender.send(await this.#answers.make(request, refused), this.#deadlineMs);
  }

  /** A worker is lost, or this rank itself: upstream is still there and is told. */
  #lose(why: unknown, calls: readonly bigint[] = []): RankLostError {
    const lost =
      why instanceof RankLostError ? why : new RankLostError(this.#options.rank, calls, messageOf(why), { cause: why });
    // A group that ends because upstream is gone has lost nobody.
    if (this.#failure === null) this.#lost = lost;
    this.#over.abort(lost);
    this.#fail(lost);
    return this.#lost ?? lost;
  }

  /** Upstream gets what it is owed. Then nobody waits for another: the group gets SHUTDOWN, upstream the end of this side. */
  async #finish(header: PpRequest["header"]): Promise<void> {
    await this.#owed.at(-1);
    const group = this.#leader.broadcast({ header }).catch((error) => Promise.reject(this.#lose(error)));
    await Promise.all([group, this.#endSide()]);
  }

  async #endSide(): Promise<void> {
    await this.#upstream.end(this.#deadlineMs);
    this.#alarm.set(this.#deadlineMs, `${this.#upstream.peer} did not end its side in ${this.#deadlineMs} ms`);
  }
}
