import { refusal, WireError } from "@tensorwire/framing";
import type { MessageLimits, PreparedMessage, TensorSource } from "@tensorwire/tensor-spec";
import { prepareTp, type TpHeader, type TpManifestInit } from "@tensorwire/tp-control";
import { type Clock, systemClock } from "@tensorwire/transport";
import { DEFAULT_DEADLINE_MS } from "../options.ts";
import { messageOf, RankLostError } from "../stage-lost.ts";
import { FIRST, MemberLink, type TpMember } from "./member.ts";

export interface TpLeaderOptions {
  /** For every worker to take one broadcast, in milliseconds. 30,000 unless told. */
  readonly deadlineMs?: number;
  /** For a worker to take SHUTDOWN and to end, when another one is lost, in milliseconds. 1,000 unless told. */
  readonly graceMs?: number;
  /**
   * A NOOP goes out after so many milliseconds without a broadcast, so that an idle group is not a silent one: well below the
   * workers' `silenceMs`. 20,000 unless told; Infinity for never.
   */
  readonly heartbeatMs?: number;
  /** Broadcasts that may wait for their turn; one more is refused with `transport.full`. 16 unless told. */
  readonly maxQueued?: number;
  readonly limits?: Partial<MessageLimits>;
  readonly clock?: Clock;
}

/** An INFER for the group. call_id and the epochs are the leader's own: its heartbeats count among them. */
export interface TpCall {
  readonly chunk_index: bigint;
  /** Empties the workers' caches: cache_epoch grows by one. */
  readonly hard_cut?: boolean;
  readonly manifest: TpManifestInit;
  /** Must not change until the broadcast is done. */
  readonly tensors?: readonly TensorSource[];
}

/**
 * The leader of a tensor-parallel group: sends each message to every worker, one at a time, and keeps call_id, control_epoch and
 * cache_epoch. A message is encoded once, and its tensors go to every connection by reference. What each connection holds is
 * bounded by its `maxBufferedWrite`: a slow worker makes the broadcast wait, until its deadline.
 *
 * A broadcast that is refused leaves no byte on any connection. Once one connection took a byte, a worker that cannot be reached ends
 * the group: the others get SHUTDOWN, or a reset where even that does not pass.
 */
export class TpLeader {
  /** How the group ended: null after `shutdown`, or the worker that was lost. Settles once, never rejects. */
  readonly ended: Promise<RankLostError | null>;
  readonly #options: TpLeaderOptions;
  readonly #clock: Clock;
  readonly #members: readonly MemberLink[];
  readonly #settle: (how: RankLostError | null) => void;
  #last: TpHeader = FIRST;
  /** chunk_index of the last INFER of this cache epoch. */
  #chunk: bigint | null = null;
  #inferred = false;
  #tail: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #over: RankLostError | "shutdown" | null = null;
  #heart: unknown = null;

  constructor(members: readonly TpMember[], options: TpLeaderOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { promise, resolve } = Promise.withResolvers<RankLostError | null>();
    this.ended = promise;
    this.#settle = resolve;
    this.#members = members.map((member) => new MemberLink(member));
    for (const member of this.#members) member.watch((why) => this.#lose(member, why));
    this.#beat();
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
  infer(call: TpCall): Promise<TpHeader> {
    return this.#turn(() => {
      const header = this.#inferHeader(call);
      const { manifest, tensors = [] } = call;
      return this.#broadcast(prepareTp({ header, manifest, tensors }, this.#options.limits)).then(() => {
        this.#inferred = true;
        this.#chunk = header.chunk_index;
      });
    });
  }

  /** Broadcasts a NOOP: the header alone. */
  noop(): Promise<TpHeader> {
    return this.#turn(() => this.#broadcast(prepareTp({ header: this.#next("NOOP") })));
  }

  /** Broadcasts SHUTDOWN, after what waits, and resolves when every worker ended its side. */
  async shutdown(): Promise<void> {
    if (this.#over === "shutdown") return;
    await this.#turn(() => this.#broadcast(prepareTp({ header: this.#next("SHUTDOWN") })));
    this.#finish("shutdown");
    const { deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    const closing = this.#members.map(async (member) => {
      try {
        await member.close(deadlineMs);
      } catch (error) {
        throw new RankLostError(member.rank, [this.#last.call_id], messageOf(error), { cause: error });
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

  #inferHeader({ chunk_index, hard_cut = false, manifest: { video } }: TpCall): TpHeader {
    const next = this.#next("INFER");
    // What a worker's session would refuse must not leave: it would end the group for a mistake of the caller.
    const least = hard_cut ? 0n : (this.#chunk ?? 0n);
    if (chunk_index < least) throw refusal("sequence", `chunk_index: expected at least ${least}, ${chunk_index} came`);
    const initialises = hard_cut || !this.#inferred;
    if (video !== undefined && video.init_cache !== initialises) {
      throw refusal("sequence", `init_cache: expected ${initialises}, ${video.init_cache} came`);
    }
    const cache_epoch = next.cache_epoch + (hard_cut ? 1n : 0n);
    return { ...next, chunk_index, cache_epoch };
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
    const lost =
      why instanceof RankLostError
        ? why
        : new RankLostError(member.rank, [this.#last.call_id], messageOf(why), { cause: why });
    this.#finish(lost);
    member.drop(lost.message, why);
    void this.#terminateAll(this.#members.filter((other) => other !== member)).then(() => this.#settle(lost));
  }

  async #terminateAll(members: readonly MemberLink[]): Promise<void> {
    const { graceMs = 1000 } = this.#options;
    await Promise.all(members.map((member) => member.terminate(graceMs)));
  }

  #finish(how: RankLostError | "shutdown"): void {
    this.#over = how;
    this.#clock.clearTimeout(this.#heart);
  }

  #beat(): void {
    const { heartbeatMs = 20_000 } = this.#options;
    if (heartbeatMs === Number.POSITIVE_INFINITY || this.#over !== null) return;
    this.#clock.clearTimeout(this.#heart);
    // Nothing but a lost worker can fail a NOOP, and `ended` tells that.
    this.#heart = this.#clock.setTimeout(() => this.#queued === 0 && this.noop().catch(() => {}), heartbeatMs);
  }
}
