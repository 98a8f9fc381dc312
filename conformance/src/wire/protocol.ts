import type { Event, Json, Limits } from "../protocol.ts";

/** The messages of level 2 (`spec/iut-protocol.md`, "Level 2"), as types. An IUT with the capability `wire` takes these requests too. */

/** What the IUT is on a connection. `peer` decodes what comes and encodes what it is asked to send; other roles may be declined. */
export type WireRole = string;

/** The roles of an IUT with the capability `ranks` too (`spec/iut-protocol.md`, "Ranks"). */
export type RankRole = "tp-leader" | "tp-worker" | "pp-driver" | "pp-stage";

/** What an IUT says of itself in the handshake (`spec/handshake.md`), by its field names. Digest and instance are hex. */
export interface Identity {
  readonly job: string;
  readonly role: "TP_LEADER" | "TP_WORKER" | "PP_DRIVER" | "PP_STAGE";
  readonly rank: number;
  readonly peer_rank: number;
  readonly plan: string;
  readonly weights_digest: string;
  readonly instance: string;
  readonly lane: number;
}

/** `HOST:PORT`, `[IPv6]:PORT`, or the path of a Unix socket, which begins with a slash. */
export type WireAddress = string;

/** What speaks on a connection: the profile with its limits, and the IUT's role. */
export interface Spoken {
  readonly profile: string;
  readonly role: WireRole;
  readonly limits: Limits;
  /** Of the roles of ranks: the rank that the harness plays, the TP group, and what the IUT says in the handshake. */
  readonly rank?: number;
  readonly group?: string;
  readonly identity?: Identity;
}

/** Requests without their `seq`. Names of listeners and connections are the harness's. */
export type WireRequest =
  | ({ readonly op: "listen"; readonly listener: string; readonly address: WireAddress } & Spoken)
  | { readonly op: "accept"; readonly listener: string; readonly conn: string }
  | ({ readonly op: "dial"; readonly conn: string; readonly address: WireAddress } & Spoken)
  | { readonly op: "sync"; readonly conn: string; readonly n: number; readonly end?: true }
  | { readonly op: "send"; readonly conn: string; readonly value: Json; readonly count?: number }
  | GroupSend
  | { readonly op: "pause" | "resume"; readonly conn: string }
  | { readonly op: "close"; readonly conn: string; readonly how: "end" | "reset" }
  | { readonly op: "clear" };

/** A broadcast, to every connection of the group. r[iut.rank.send-group] */
export interface GroupSend {
  readonly op: "send";
  readonly group: string;
  readonly value: Json;
}

/**
 * What an IUT has to say of a connection, beside what a decoder says: the peer has reset it; a driver has dropped a result; the rank
 * at the other end is lost, with the call_ids that were under way. r[iut.rank.lost]
 */
export type WireEvent =
  | Event
  | { readonly event: "reset"; readonly at: string }
  | { readonly event: "dropped"; readonly reason: "stale" | "late"; readonly call_id: string }
  | { readonly event: "lost"; readonly calls: readonly string[]; readonly text?: string };

/** True for the events of level 1. */
export const isDecoded = (event: WireEvent): event is Event =>
  event.event !== "reset" && event.event !== "dropped" && event.event !== "lost";

export interface Listening {
  readonly op: "listening";
  readonly seq: number;
  readonly address: WireAddress;
}

export interface State {
  readonly op: "state";
  readonly seq: number;
  readonly conn: string;
  /** Bytes of the peer's that the decoder has had. */
  readonly read: number;
  /** Bytes that the operating system has taken, and bytes that `send` has accepted and that wait in the IUT. */
  readonly written: number;
  readonly buffered: number;
  /** False once nothing more will be read: the peer's end, a reset, or a fatal error. */
  readonly reading: boolean;
  /** What came about since the last answer about this connection. */
  readonly events: readonly WireEvent[];
}

/** The answer to a broadcast: every connection has taken it or holds it back, or it was refused. */
export interface Sent {
  readonly op: "sent";
  readonly seq: number;
  readonly group: string;
  readonly events: readonly Event[];
}

export interface Cleared {
  readonly op: "cleared";
  readonly seq: number;
}

export type WireAnswer = Listening | State | Sent | Cleared;
export type WireOp = WireRequest["op"];

/** Which answer belongs to which request; a `send` to a group is answered by `sent`. r[iut.wire.answers] */
export const ANSWER_OF: Readonly<Record<WireOp, WireAnswer["op"]>> = {
  listen: "listening",
  accept: "state",
  dial: "state",
  sync: "state",
  send: "state",
  pause: "state",
  resume: "state",
  close: "state",
  clear: "cleared",
};
