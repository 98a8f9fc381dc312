import { refusal, WireError } from "@tensorwire/framing";
import type { PreparedMessage } from "@tensorwire/tensor-spec";
import { prepareTp, SessionOrder, type TpHeader, type TpMessageInit } from "@tensorwire/tp-control";
import { type Clock, checkDeadlines, systemClock } from "@tensorwire/transport";
import { DEFAULT_DEADLINE_MS, DEFAULT_GRACE_MS } from "../options.ts";
import { messageOf, RankLostError } from "../stage-lost.ts";
import type { TpCall, TpLeaderOptions } from "./leader-options.ts";
import { FIRST, MemberLink, type TpMember } from "./member.ts";

/**
 * The leader of a tensor-parallel group: sends each message to every worker, one at a time, and keeps call_id, control_epoch and
 * cache_epoch. A message is encoded once, and its tensors go to every connection by reference. What each connection holds is
 * bounded by its `maxBufferedWrite`: a slow worker makes the broadcast wait, until its deadline.
 *
 * A broadcast that is refused leaves no byte on any connection. Once one connection took a byte, a worker that cannot be reached ends
 * the group: the others get SHUTDOWN, or a reset where even that does not pass.
 */
export class TpLeader {
  /** Resolves when a worker is lost, at once: the others are still being ended then. */
  readonly lost: Promise<RankLostError>;
  /** How the group ended: null after `shutdown`, or the worker that was lost. Settles once, never rejects. */
  readonly ended: Promise<RankLostError | null>;
  readonly #options: TpLeaderOptions;
  readonly #clock: Clock;
  readonly #members: MemberLink[] = [];
  readonly #settle: (how: RankLostError | null) => void;
  readonly #settleLost: (why: RankLostError) => void;
  #last: TpHeader = FIRST;
  #order = new SessionOrder();
  #tail: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #over: RankLostError | "shutdown" | null = null;
  #heart: unknown = null;

  /** @throws WireError refusal `state` for a wait that is no deadline, or a heartbeat without a pause. */
  constructor(members: readonly TpMember[], options: TpLeaderOptions = {}) {
    const { deadlineMs, graceMs, heartbeatMs } = options;
    checkDeadlines({ deadlineMs, graceMs, heartbeatMs });
    // Below that a leader would do nothing but say that it lives.
    if (heartbeatMs !== undefined && heartbeatMs < 1) {
      throw refusal("state", `heartbeatMs: expected 1 or more milliseconds, or Infinity, ${heartbeatMs} came`);
    }
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { promise, resolve } = Promise.withResolvers<RankLostError | null>();
    this.ended = promise;
    this.#settle = resolve;
    const lost = Promise.withResolvers<RankLostError>();
    this.lost = lost.promise;
    this.#settleLost = lost.resolve;
    for (const member of members) this.join(member);
    this.#beat();
  }

  /**
   * One more worker. The group is complete with its first broadcast; one that is over already ends the worker too.
   *
   * @throws WireError refusal `state` behind the first broadcast.
   */
  join(member: TpMember): void {
    if (this.#last !== FIRST)
      throw refusal("state", `expected no worker behind the first broadcast, rank ${member.rank} came`);
    const link = new MemberLink(member);
    this.#members.push(link);
    link.watch((why) => this.#lose(link, why));
    if (this.#over !== null) void link.terminate(this.#graceMs);
  }

  get givenIds(): boolean {
    return this.#options.givenIds ?? false;
  }

  /** The header of the last broadcast that left. */
  get last(): TpHeader {
    return this.#last;
  }

  /**
   * Broadcasts an INFER. Resolves with its header when every worker's connection took all of it.
   *
   * @throws WireError refusals, and `transport.deadline` where no connection took a byte: nothing left, and the ids are free.
   * @throws RankLostError when a worker is lost; the group has ended then.
   */
  infer({ chunk_index, hard_cut = false, manifest, tensors = [] }: TpCall): Promise<TpHeader> {
    return this.#turn(() => {
      const next = this.#next("INFER");
      const cache_epoch = next.cache_epoch + (hard_cut ? 1n : 0n);
      return this.#send({ header: { ...next, chunk_index, cache_epoch }, manifest, tensors });
    });
  }

  /** Broadcasts a NOOP: the header alone. */
  noop(): Promise<TpHeader> {
    return this.#turn(() => this.#send({ header: this.#next("NOOP") }));
  }

  /**
   * Broadcasts a message with the ids that it has; for a leader whose ids are given. Its tensors must not change until it is done.
   * Behind SHUTDOWN it resolves as `shutdown` does.
   *
   * @throws WireError `sequence` for ids that the workers would refuse, and what `infer` throws.
   */
  async broadcast(message: TpMessageInit): Promise<TpHeader> {
    if (message.header.action !== "SHUTDOWN") return this.#turn(() => this.#send(message));
    await this.#end(() => message);
    return this.#last;
  }

  /**
   * Broadcasts SHUTDOWN, after what waits, and resolves when every worker ended its side. Over a Unix socket a worker that has read
   * everything and then aborts cannot be told from one that ends: see `CloseReason`.
   *
   * @throws RankLostError for a worker that does not end its side, or resets the connection behind SHUTDOWN.
   */
  async shutdown(): Promise<void> {
    if (this.#over !== "shutdown") return this.#end(() => ({ header: this.#next("SHUTDOWN") }));
    const lost = await this.ended;
    if (lost !== null) throw lost;
  }

  async #end(make: () => TpMessageInit): Promise<void> {
    await this.#turn(() => this.#send(make()));
    this.#finish("shutdown");
    const { deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    const closing = this.#members.map(async (member) => {
      try {
        await member.close(deadlineMs);
      } catch (error) {
        throw this.#lostBy(member, error);
      }
    });
    const failed = (await Promise.allSettled(closing)).find(({ status }) => status === "rejected");
    if (failed?.status !== "rejected") return this.#settle(null);
    this.#settle(failed.reason);
    throw failed.reason;
  }

  /**
   * Ends the group at once, because of something outside of it: SHUTDOWN behind what is under way, or a reset. Resolves when
   * every worker has ended or was reset; never rejects.
   */
  async terminate(why: RankLostError): Promise<void> {
    if (this.#over === null) this.#finish(why);
    await this.#terminateAll(this.#members);
    this.#settle(why);
  }

  #next(action: TpHeader["action"]): TpHeader {
    const { call_id, control_epoch, ...ids } = this.#last;
    return { ...ids, call_id: call_id + 1n, control_epoch: control_epoch + 1n, action };
  }

  /** One broadcast at a time; a bounded number waits. What is refused in its turn has used no ids. */
  #turn(work: () => Promise<void>): Promise<TpHeader> {
    const { maxQueued = 16 } = this.#options;
    if (this.#queued > maxQueued)
      return Promise.reject(refusal("transport.full", `${maxQueued} broadcasts wait already`));
    this.#queued++;
    const turn = this.#tail
      .then(() => {
        this.#refuseIfOver();
        return work();
      })
      .then(() => this.#last)
      .finally(() => {
        this.#queued--;
        this.#beat();
      });
    this.#tail = turn.catch(() => {});
    return turn;
  }

  #refuseIfOver(): void {
    if (this.#over === "shutdown") throw refusal("state", "expected no broadcast after SHUTDOWN");
    if (this.#over !== null) throw this.#over;
  }

  /** Nothing leaves that a worker's session would refuse: it would end the group for a mistake of the caller. */
  async #send(init: TpMessageInit): Promise<void> {
    const message = prepareTp(init, this.#options.limits);
    const order = this.#order.copy();
    order.follow(message.subject, refusal);
    const { video } = init.manifest ?? {};
    if (video !== undefined) order.checkInit(video.init_cache, refusal);
    await this.#broadcast(message);
    this.#order = order;
  }

  async #broadcast(message: PreparedMessage<TpHeader>): Promise<void> {
    const { deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    const before = this.#last;
    // Before the first write: a worker that is lost meanwhile is reported with this call.
    this.#last = message.subject;
    const outcomes = await Promise.all(
      this.#members.map(async (member) => {
        try {
          await member.send(message, deadlineMs);
          return null;
        } catch (error) {
          if (!(error instanceof WireError)) this.#lose(member, error);
          return { member, error };
        }
      }),
    );
    if (this.#over instanceof RankLostError) throw this.#over;
    const missed = outcomes.filter((outcome) => outcome !== null);
    if (missed.length === 0) return;
    if (missed.length === outcomes.length) {
      // r[tp.send.nothing]: withdrawn from every connection.
      this.#last = before;
      throw missed[0]!.error;
    }
    // Some have it and some will not: these can never follow again.
    for (const { member, error } of missed) this.#lose(member, error);
    throw this.#over;
  }

  /** r[tp.send.poison]: names the rank and the call, and ends the others. */
  #lose(member: MemberLink, why: unknown): void {
    if (this.#over !== null) return;
    const lost = why instanceof RankLostError ? why : this.#lostBy(member, why);
    this.#finish(lost);
    this.#settleLost(lost);
    member.drop(lost.message, why);
    void this.#terminateAll(this.#members.filter((other) => other !== member)).then(() => this.#settle(lost));
  }

  #lostBy({ rank }: MemberLink, why: unknown): RankLostError {
    const calls = this.#last === FIRST ? [] : [this.#last.call_id];
    return new RankLostError(rank, calls, messageOf(why), { cause: why });
  }

  get #graceMs(): number {
    return this.#options.graceMs ?? DEFAULT_GRACE_MS;
  }

  async #terminateAll(members: readonly MemberLink[]): Promise<void> {
    await Promise.all(members.map((member) => member.terminate(this.#graceMs)));
  }

  #finish(how: RankLostError | "shutdown"): void {
    this.#over = how;
    this.#clock.clearTimeout(this.#heart);
  }

  #beat(): void {
    const { heartbeatMs = 20_000 } = this.#options;
    if (heartbeatMs === Number.POSITIVE_INFINITY || this.#over !== null) return;
    this.#clock.clearTimeout(this.#heart);
    this.#heart = this.#clock.setTimeout(() => {
      // Nothing but a lost worker can fail it, and `ended` tells that.
      if (this.#queued === 0) this.#sign()?.catch(() => {});
    }, heartbeatMs);
  }

  /** A sign of life. Where the ids are given there is none for a NOOP, and nothing to repeat before the first message. */
  #sign(): Promise<TpHeader> | undefined {
    if (!this.givenIds) return this.noop();
    return this.#last === FIRST ? undefined : this.#turn(() => this.#signAll());
  }

  async #signAll(): Promise<void> {
    const { deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    const sign = (member: MemberLink) => member.sign(deadlineMs).catch((error) => this.#lose(member, error));
    await Promise.all(this.#members.map(sign));
  }
}
