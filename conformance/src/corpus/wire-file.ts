import type { BytesIn, Json, Limits } from "../protocol.ts";
import type { Identity, RankRole, WireEvent } from "../wire/protocol.ts";
import type { Level } from "./types.ts";

/** What the files of `vectors/wire/` hold: scenarios on real connections, in the shapes of `vectors/schema/wire-file.schema.json`. */

interface ScenarioBase {
  /** `wire/<profile>/<slug>`. */
  readonly id: string;
  readonly rules: readonly string[];
  readonly level: Level;
  readonly why: string;
  /** Who opens the connections. Default: the harness, so that the implementation listens. */
  readonly opened_by?: "iut";
  /** Default: loopback TCP. */
  readonly over?: "unix";
}

/** Cases of the corpus, each played on a connection of its own: a read becomes a write and a sync. */
export interface ReplayScenario extends ScenarioBase {
  /** Vector ids, or `<vector id>#<glob>` for the cases of a sweep. */
  readonly replay: readonly string[];
}

/** Lists of cases; those of one list are played side by side, a step of each in turn. */
export interface InterleaveScenario extends ScenarioBase {
  readonly interleave: readonly (readonly string[])[];
}

export interface StepsScenario extends ScenarioBase {
  readonly limits: Limits;
  /** Opened in this order before the first step. */
  readonly connections: readonly string[];
  readonly steps: readonly WireStep[];
}

/** The implementation is a rank on each connection, and the harness plays the others. */
export interface RanksScenario extends ScenarioBase {
  /** The scenario of the source that this is: `OM-01`. */
  readonly upstream?: string;
  readonly limits: Limits;
  /** Opened in this order before the first step. */
  readonly ranks: readonly FakeRank[];
  readonly steps: readonly RankStep[];
}

/** A rank that the harness plays. */
export interface FakeRank {
  readonly conn: string;
  /** What the implementation is: a leader or driver dials the harness, a worker or stage listens. */
  readonly role: RankRole;
  /** Of the harness. */
  readonly rank: number;
  readonly group?: string;
  readonly identity?: Identity;
  /** Beside those of the scenario. */
  readonly limits?: Limits;
}

export type WireScenario = ReplayScenario | InterleaveScenario | StepsScenario | RanksScenario;

/** The barrier: what the implementation has to say by then. `repeat`: the events, so many times over. */
export interface SyncStep {
  readonly sync: "read" | "end";
  readonly events: readonly WireEvent[];
  readonly repeat?: number;
}

/** `blocks`: the sender must stop before the last of `count`, with a bounded number of bytes in hand. */
export interface SendStep {
  readonly send: Json;
  readonly count?: number;
  readonly blocks?: true;
  readonly events?: readonly WireEvent[];
}

/** `bite`: at most so many at a time, with a barrier between; what is told meanwhile belongs to the next one. */
export interface WriteStep {
  readonly write: WireBytes;
  readonly bite?: number;
}

/** Exactly these bytes come next, `count` times. `bite`: at most so many at a time, with a barrier between. */
export interface ReceiveStep {
  readonly receive: WireBytes;
  readonly count?: number;
  readonly bite?: number;
}

/** Writes until the implementation takes no more: it must come to that. What is left goes out with `finish`. */
export interface FloodStep {
  readonly flood: WireBytes;
  readonly count: number;
}

/** One thing on one connection. `send`, `close`, `pause` and `resume` are asked of the implementation; the rest the harness does. */
export type WireStep = { readonly conn: string } & (
  | WriteStep
  | FloodStep
  | { readonly finish: true }
  | { readonly end: true }
  | { readonly reset: true }
  | { readonly stall: true }
  | SyncStep
  | SendStep
  | ReceiveStep
  | { readonly close: "end" | "reset" }
  /** How the implementation ends its direction; `close` is either. */
  | { readonly sees: "end" | "reset" | "close" }
  | { readonly pause: true }
  | { readonly resume: true }
);

/** A broadcast. */
export interface GroupStep {
  readonly group: string;
  readonly send: Json;
  readonly events?: readonly WireEvent[];
}

/**
 * How a connection ends. `end`: nothing more, in order. `close`: nothing more, either way. `shutdown`: SHUTDOWN, then in order.
 * `released`: that, or a reset. `cut`: anywhere in what may come, and no SHUTDOWN behind a cut.
 */
export type Over = "end" | "close" | "shutdown" | "released" | "cut";

export interface OverStep {
  readonly over: Over;
  /** Messages that may stand before the end: whole, in this order, from the first on. */
  readonly may?: readonly WireBytes[];
}

/** An error result of this call comes next, whatever its message. */
export interface ErrorResultStep {
  readonly error_result: { readonly call_id: string; readonly chunk_index: string; readonly cache_epoch: string };
}

/** `quiet`: nothing more has come, though the implementation has had its turn. */
export type RankStep =
  | WireStep
  | GroupStep
  | ({ readonly conn: string } & (OverStep | ErrorResultStep | { readonly quiet: true }));

/** Bytes that the harness writes or must receive: hex, a run, or several of these behind each other. */
export type WireBytes = BytesIn | { readonly parts: readonly BytesIn[] };

export interface WireFile {
  readonly profile: string;
  readonly about: string;
  readonly scenarios: readonly WireScenario[];
}
