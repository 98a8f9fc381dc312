/** The messages of the IUT protocol, version 1 (`spec/iut-protocol.md`), as types. */

/** A line of the link, its LF included, is at most this long. r[iut.link.line-limit] */
export const LINE_LIMIT = 8 * 1024 * 1024;
/** Up to here bytes are hex in events, above it length and digest. r[iut.bytes.digest] */
export const HEX_LIMIT = 4096;

/** Lower-case, two digits for a byte. */
export type Hex = string;
/** Bytes in events: hex up to 4,096 bytes, length and digest above. r[iut.bytes.digest] */
export type Bytes = Hex | { readonly length: number; readonly sha256: string };
/** Bytes in requests may also be a long run of one byte. */
export type BytesIn = Hex | { readonly fill: { readonly byte: number; readonly count: number } };

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const EVENT_CLASSES = [
  "eof.in-prefix",
  "eof.in-header",
  "eof.in-body",
  "oversize.declared",
  "magic",
  "version",
  "flags.reserved",
  "header.length",
  "header.field",
  "codec.unsupported",
  "checksum",
  "spec.mismatch",
  "sequence",
  "trailing",
  "state",
] as const;
export type EventClass = (typeof EVENT_CLASSES)[number];

export type Step =
  | { readonly feed: Hex }
  | { readonly feed_fill: { readonly byte: number; readonly count: number } }
  | { readonly eof: true }
  | { readonly encode: Json }
  | { readonly reset: true }
  | ProbeStep;

/** Steps of level 3, each with the capability of its probe. */
export type ProbeStep =
  | { readonly poison: true }
  | { readonly recall: true }
  | { readonly quota: number }
  | { readonly drain: true }
  | { readonly cancel: true }
  | { readonly deadline: number }
  | { readonly advance: number }
  | { readonly memory: true }
  | { readonly trickle: { readonly byte: number; readonly count: number } }
  | { readonly on: number };

/** The capabilities of level 3, and the steps that each brings. r[iut.probe.capabilities] */
export const PROBES = ["poison", "quota", "cancel", "clock", "memory", "beside"] as const;
export type Probe = (typeof PROBES)[number];

export type Event =
  | { readonly event: "message"; readonly value: Json }
  | ({ readonly event: "bytes" } & ({ readonly hex: Hex } | { readonly length: number; readonly sha256: string }))
  | { readonly event: "end" }
  | {
      readonly event: "error";
      readonly class?: string;
      readonly at: string;
      readonly fatal: boolean;
      readonly text?: string;
    }
  /** A deadline passed after so many bytes of the connection. r[iut.probe.clock.expired] */
  | { readonly event: "expired"; readonly at: string }
  /** Bytes of buffers that are held, and bytes that were copied. An expected event has the most that is allowed. */
  | { readonly event: "memory"; readonly held: string; readonly copied?: string };

/** One list of events for each step, in order. */
export type Events = readonly (readonly Event[])[];

/** The part of a class before its dot, or the class itself: `eof.in-body` is of the stage `eof`. */
export const stageOf = (word: string): string => word.split(".", 1)[0] ?? word;

export type Role = "decode" | "encode";
/** Limits as decimal strings, by their names in the specification. */
export type Limits = Readonly<Record<string, string>>;
export type Granularity = "class" | "stage" | "none";

/** What an IUT says of a profile: its roles, and its largest limits by their names (`max_frame_length`, `max_parts`). */
export interface DeclaredProfile {
  readonly roles: readonly Role[];
  readonly max_frame_length?: string;
  readonly max_parts?: string;
}

export interface IutName {
  readonly name: string;
  readonly version: string;
  readonly language: string;
  /** What of its history was built, where that is known. */
  readonly commit?: string;
}

export interface Hello {
  readonly op: "hello";
  readonly protocol: 1;
  readonly token: string;
  readonly iut: IutName;
  readonly profiles: Readonly<Record<string, DeclaredProfile>>;
  readonly capabilities: readonly string[];
  readonly error_granularity: Granularity;
}

export interface Welcome {
  readonly op: "welcome";
  readonly protocol: 1;
  readonly corpus: string;
  readonly run: string;
  readonly seed: string;
}

export interface Bye {
  readonly op: "bye";
}

export interface CaseRequest {
  readonly op: "case";
  readonly seq: number;
  readonly id: string;
  readonly profile: string;
  readonly role: Role;
  readonly limits: Limits;
  readonly steps: readonly Step[];
}

export type DeclineReason = "profile" | "role" | "limit" | "step" | "operation";

export type Answer =
  | { readonly op: "result"; readonly seq: number; readonly steps: Events }
  | {
      readonly op: "declined";
      readonly seq: number;
      readonly reason: DeclineReason;
      readonly text?: string;
      readonly issue?: string;
    }
  | { readonly op: "errored"; readonly seq: number; readonly text: string };
