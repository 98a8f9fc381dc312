import { WireError } from "@tensorwire/framing";
import { chooseBackend, openModel, Stage, type WireDtype } from "@tensorwire/tensor-stage";
import {
  type Clock,
  type Connection,
  checkDeadlines,
  checkDial,
  formatAddress,
  type Listener,
  listen,
  systemClock,
} from "@tensorwire/transport";
import { Admission, DEFAULT_MAX_PENDING } from "./admission/admission.ts";
import type { Identity, Peer } from "./admission/identity.ts";
import { pipelineIdentity } from "./admission/pipeline-identity.ts";
import { DEFAULT_HANDSHAKE_DEADLINE_MS, drop } from "./admission/receive-hello.ts";
import { Roster } from "./admission/roster.ts";
import { Alarm } from "./alarm.ts";
import { Hop } from "./hop.ts";
import { splitLayers } from "./layers.ts";
import {
  DEFAULT_DEADLINE_MS,
  DEFAULT_IDLE_DEADLINE_MS,
  DEFAULT_JOB,
  DEFAULT_START_DEADLINE_MS,
  MAX_LANES,
  type StageOptions,
  type StageReady,
} from "./options.ts";
import { protectionOf } from "./protection.ts";
import { type LaneEnd, type LaneHost, StageLane } from "./stage-lane.ts";
import type { StageLostError } from "./stage-lost.ts";
import type { CallRecord } from "./trace.ts";
import { Turns } from "./turns.ts";

/** A stage that takes connections, one for each lane. */
export interface RunningStage {
  readonly ready: StageReady;
  /** What it says of itself in the handshake. */
  readonly identity: Identity;
  /**
   * Resolves after every lane was shut down, or after `stop`. Rejects when the next stage or an upstream was lost, or nothing came for
   * `idleDeadlineMs`; every call that was in flight has its error result then.
   */
  readonly ended: Promise<void>;
  /** Bytes of requests to the next stage, and of its results. */
  readonly hopBytes: { readonly out: number; readonly in: number };
  /** Ends the stage: calls in flight get an error result with this reason. */
  stop(why: string): void;
}

export interface StageObserver {
  /** Gets each call once its result has been written. */
  readonly onCall?: (call: CallRecord) => void;
  /** Gets the reason why a connection was refused before it was a lane. */
  readonly onRefused?: (why: Error) => void;
  /** Tells when nothing has come for too long. */
  readonly clock?: Clock;
}

/**
 * Starts a stage in this process: chooses the backend, loads the layers, listens. Rejects with Error when the options, the
 * backend, the model or the address do not allow it.
 */
export async function runStage(options: StageOptions, observer: StageObserver = {}): Promise<RunningStage> {
  const { rank, stages, next, requireGpu = false } = options;
  const { deadlineMs, startDeadlineMs, handshakeMs, idleDeadlineMs } = options;
  checkDeadlines({ deadlineMs, startDeadlineMs, handshakeMs, idleDeadlineMs });
  if (!(Number.isInteger(rank) && rank >= 0 && rank < stages)) {
    throw new RangeError(`rank: expected from 0 to ${stages - 1}, since there are ${stages} stages, ${rank} came`);
  }
  if (rank < stages - 1 && next === undefined) {
    throw new Error(`rank ${rank} of ${stages} needs the address of rank ${rank + 1}: none came`);
  }
  if (rank < stages - 1 && next !== undefined) checkDial(next, protectionOf(next, options));
  const model = await openModel(options.model);
  const split = splitLayers(model.config.n_layer, stages, options.split);
  const layers = split[rank]!;
  const backend = await chooseBackend(options.backend, { requireGpu });
  const shared = await pipelineIdentity(options.job ?? DEFAULT_JOB, model, split);
  const identity: Identity = { ...shared, role: "PP_STAGE", rank };
  const stage = await Stage.load(model, { ...layers, maxLanes: MAX_LANES });
  try {
    const server = new StageServer(stage, options, identity, observer);
    const address = await server.listen();
    const ready: StageReady = { event: "ready", rank, stages, layers, address, backend, pid: process.pid };
    return {
      ready,
      identity,
      ended: server.ended,
      get hopBytes() {
        return server.hopBytes;
      },
      stop: (why) => server.stop(why),
    };
  } catch (error) {
    stage.dispose();
    throw error;
  }
}

class StageServer implements LaneHost {
  readonly rank: number;
  readonly stage: Stage;
  readonly turns = new Turns();
  readonly wireDtype: WireDtype;
  readonly digest: boolean;
  readonly openHop: ((lane: number) => Promise<Hop>) | null;
  readonly ended: Promise<void>;
  ending: Error | null = null;
  readonly #options: StageOptions;
  readonly #observer: StageObserver;
  readonly #admission: Admission;
  readonly #lanes = new Map<number, StageLane>();
  /** Fires when the stage ends, for a lane that still waits for the next stage to listen. */
  readonly #stopped = new AbortController();
  readonly #settle: { resolve: () => void; reject: (error: Error) => void };
  #listener: Listener | null = null;
  readonly #idle: Alarm;
  #failure: Error | null = null;
  #finished = false;
  #pastBytes = { out: 0, in: 0 };

  constructor(stage: Stage, options: StageOptions, identity: Identity, observer: StageObserver) {
    const { rank, stages, next, wireDtype = "float32", startDeadlineMs = DEFAULT_START_DEADLINE_MS } = options;
    const { handshakeMs = DEFAULT_HANDSHAKE_DEADLINE_MS } = options;
    this.rank = rank;
    this.stage = stage;
    this.wireDtype = wireDtype;
    this.#options = options;
    this.#observer = observer;
    this.#idle = new Alarm(observer.clock ?? systemClock, (why) => this.#end(why, true));
    const upstream: Peer = rank === 0 ? { role: "PP_DRIVER", rank: 0 } : { role: "PP_STAGE", rank: rank - 1 };
    this.#admission = new Admission(identity, [upstream], { maxLanes: MAX_LANES, deadlineMs: handshakeMs });
    const address = rank < stages - 1 ? next : undefined;
    const { deadlineMs } = this;
    const { signal } = this.#stopped;
    const patience = { deadlineMs, startDeadlineMs, signal };
    const { checkDigest = false } = options;
    this.digest = checkDigest;
    const about = { ...protectionOf(next, options), rank: rank + 1, checkDigest };
    const hop = { ...about, identity, roster: new Roster(), ...patience };
    this.openHop = address === undefined ? null : (lane) => Hop.open({ ...hop, address, lane });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = promise;
    // Whoever started the stage may look at it later only.
    promise.catch(() => {});
    this.#settle = { resolve, reject };
  }

  get hopBytes() {
    const live = [...this.#lanes.values()].map(({ hopBytes }) => hopBytes);
    return [this.#pastBytes, ...live].reduce((sum, each) => ({ out: sum.out + each.out, in: sum.in + each.in }));
  }

  async listen(): Promise<string> {
    const { listen: address, handshakeMs = DEFAULT_HANDSHAKE_DEADLINE_MS } = this.#options;
    const { onRefused } = this.#observer;
    this.#listener = await listen(address, {
      ...protectionOf(address, this.#options),
      handshakeMs,
      ...(onRefused && { onRefused }),
      // Those that are not admitted take no lane's place; Admission bounds them, once it has seen one too many.
      maxConnections: MAX_LANES + DEFAULT_MAX_PENDING + 1,
      limits: { deadlineMs: this.deadlineMs },
      onConnection: (connection) => this.#take(connection),
    });
    this.active();
    return formatAddress(this.#listener.address);
  }

  active(): void {
    const { idleDeadlineMs = DEFAULT_IDLE_DEADLINE_MS } = this.#options;
    this.#idle.set(idleDeadlineMs, `rank ${this.rank} got no message for ${idleDeadlineMs} ms`);
  }

  lose(error: StageLostError): void {
    this.#end(error, true);
  }

  stop(why: string): void {
    this.#end(new Error(`rank ${this.rank} ends: ${why}`), false);
  }

  done(call: CallRecord): void {
    this.#observer.onCall?.(call);
  }

  /** What the stages behind this one may take together, and at least what one may. */
  get deadlineMs(): number {
    const { rank, stages, deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    return deadlineMs * Math.max(1, stages - 1 - rank);
  }

  async #take(connection: Connection): Promise<void> {
    const admitted = await this.#admission.admit(connection).catch((why: Error) => {
      if (!this.#finished) this.#observer.onRefused?.(why);
      return null;
    });
    if (admitted === null) return;
    const number = admitted.hello.lane;
    if (this.#finished) return connection.abort("the stage has ended");
    if (this.#lanes.has(number)) return this.#refuse(connection, number);
    const lane = new StageLane(number, admitted.connection, this);
    this.#lanes.set(number, lane);
    if (this.ending !== null) lane.release();
    const end = await lane.serve(this.deadlineMs);
    const { out, in: came } = lane.hopBytes;
    this.#pastBytes = { out: this.#pastBytes.out + out, in: this.#pastBytes.in + came };
    this.#lanes.delete(number);
    this.#left(end);
  }

  /** A lane whose connection is gone may still be at its last call. r[link.hello.refusal.told] */
  #refuse(connection: Connection, lane: number): void {
    const message = `Hello.lane: expected one that is free, lane ${lane} is still at its last call`;
    const why = new WireError({ code: "sequence", message, offset: connection.counters.bytesIn });
    this.#observer.onRefused?.(drop(connection, why));
  }

  #left(end: LaneEnd): void {
    if (end instanceof Error && this.ending === null) this.#failure ??= end;
    if (this.#lanes.size === 0 && (end !== "unused" || this.ending !== null)) this.#finish();
  }

  #end(why: Error, failed: boolean): void {
    if (this.ending !== null) return;
    this.ending = why;
    if (failed) this.#failure = why;
    this.#stopped.abort(why);
    for (const lane of this.#lanes.values()) lane.release();
    if (this.#lanes.size === 0) this.#finish();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#idle.clear();
    this.#listener?.stop();
    // Those whose Hello is still awaited.
    for (const connection of this.#listener?.connections ?? []) connection.abort("the stage has ended");
    this.stage.dispose();
    if (this.#failure === null) this.#settle.resolve();
    else this.#settle.reject(this.#failure);
  }
}
