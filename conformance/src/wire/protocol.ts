import type { Event, Json, Limits } from "../protocol.ts";

/** The messages of level 2 (`spec/iut-protocol.md`, "Level 2"), as types. An IUT with the capability `wire` takes these requests too. */

/** What the IUT is on a connection. `peer` decodes what comes and encodes what it is asked to send; other roles may be declined. */
export type WireRole = string;

/** `HOST:PORT`, `[IPv6]:PORT`, or the path of a Unix socket, which begins with a slash. */
export type WireAddress = string;

/** What speaks on a connection: the profile with its limits, and the IUT's role. */
export interface Spoken {
  readonly profile: string;
  readonly role: WireRole;
  readonly limits: Limits;
}

/** Requests without their `seq`. Names of listeners and connections are the harness's. */
export type WireRequest =
  | ({ readonly op: "listen"; readonly listener: string; readonly address: WireAddress } & Spoken)
  | { readonly op: "accept"; readonly listener: string; readonly conn: string }
  | ({ readonly op: "dial"; readonly conn: string; readonly address: WireAddress } & Spoken)
  | { readonly op: "sync"; readonly conn: string; readonly n: number; readonly end?: true }
  | { readonly op: "send"; readonly conn: string; readonly value: Json; readonly count?: number }
  | { readonly op: "pause" | "resume"; readonly conn: string }
  | { readonly op: "close"; readonly conn: string; readonly how: "end" | "reset" }
  | { readonly op: "clear" };

/** What an IUT has to say of a connection, beside what a decoder says: the peer has reset it. */
export type WireEvent = Event | { readonly event: "reset"; readonly at: string };

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

export interface Cleared {
  readonly op: "cleared";
  readonly seq: number;
}

export type WireAnswer = Listening | State | Cleared;
export type WireOp = WireRequest["op"];

/** Which answer belongs to which request. r[iut.wire.answers] */
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
