import type { Identity } from "@tensorwire/pipeline/ranks";
import { prepareHello, type Role } from "@tensorwire/tp-control";
import type { Quota } from "./limited-connection.ts";

/** Waits of the ranks, in milliseconds: short, for the faults to be seen soon, and well above a busy machine's hiccups. */
export const WAITS = {
  /** Of the driver for a result: above all that the leader waits. */
  resultMs: 3000,
  /** Of the leader for a broadcast. */
  deadlineMs: 1500,
  graceMs: 500,
  heartbeatMs: 400,
  /** Of a worker for a message to begin: above deadline and heartbeat together. */
  silenceMs: 2500,
  /** For a message to be whole. */
  messageMs: 1500,
} as const;

/** The driver is rank 0, the leader rank 1, the workers come after. */
export const LEADER = 1;

/** What a rank says of itself in the handshake. */
export function identityOf(role: Role, rank: number): Identity {
  return { job: "faults", role, rank, plan: "" };
}

/** Bytes of the Hello to the rank that listens: the faults are placed behind it. */
export function helloLength(listener: number): number {
  const dialler = listener === LEADER ? identityOf("PP_DRIVER", 0) : identityOf("TP_LEADER", LEADER);
  const random = { weights_digest: new Uint8Array(0), instance: new Uint8Array(16) };
  return prepareHello({ ...dialler, ...random, peer_rank: listener, lane: 0 }).length;
}

export interface RankConfig {
  readonly rank: number;
  /** The leader's workers, or the driver's leader: the address of each rank to connect to. */
  readonly connect: readonly { readonly rank: number; readonly address: string }[];
  /** Calls that the driver makes. */
  readonly calls: number;
  /** int64 values of each tensor. */
  readonly length: number;
  /** Every so many calls the driver makes a hard cut. */
  readonly cutEvery: number;
  readonly window: number;
  /** On the connection to `peer` the rank kills itself, or is stopped, when the quota is used up. */
  readonly fault?: { readonly peer: number; readonly quota: Quota; readonly act: "kill" | "stall" };
}

/** A line on a rank's stdout. */
export type RankLine =
  | { readonly event: "ready"; readonly address: string }
  | { readonly event: "stalled" }
  | ({ readonly event: "end" } & RankEnd);

export interface RankEnd {
  /** Short: `SHUTDOWN`, `done`, or the code of the error with the rank that is blamed. */
  readonly saw: string;
  /** The driver: calls sent. The others: tensors that came. */
  readonly calls: number;
  /** The driver: calls that got a good result, an error result, were cut off by a hard cut, or by the loss. */
  readonly answered?: { readonly ok: number; readonly error: number; readonly stale: number; readonly lost: number };
  /** Calls without any end: must be 0. */
  readonly open: number;
  readonly torn: number;
  readonly duplicated: number;
  /** The most that any connection of the rank held, in bytes, each way. */
  readonly peakRead: number;
  readonly peakWrite: number;
  /** Of the process, as it ended. */
  readonly rssMiB: number;
}
