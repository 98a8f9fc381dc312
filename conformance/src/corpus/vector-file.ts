import type { EventClass, Json, Limits } from "../protocol.ts";
import type { Level } from "./types.ts";

/** What the files of `vectors/` hold: the shapes of `vectors/schema`, which says what each part means. */

export interface Slice {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

export interface FileSegment {
  readonly field: string;
  readonly note?: string;
  readonly hex?: string;
  readonly fill?: { readonly byte: number; readonly count: number };
  readonly bin?: Slice;
}

export type FileEvent =
  | { readonly at: number; readonly event: "message"; readonly value: Json }
  | { readonly at: number; readonly event: "error"; readonly class: EventClass }
  | { readonly at: number; readonly event: "dropped" };

/** What a stream gives: its events, and what its end gives where none of them is an error. */
export interface FileOutcome {
  readonly events: readonly FileEvent[];
  readonly at_eof?: "end" | EventClass;
}

interface FileVectorBase {
  readonly id: string;
  readonly rules: readonly string[];
  readonly level: Level;
  readonly limits: Limits;
  readonly why: string;
  readonly sibling?: string;
  readonly defects?: readonly string[];
}

export interface DecodeSweeps {
  readonly cuts?: true;
  readonly pairs?: number;
  readonly prefix?: readonly { readonly from: number; readonly width: number }[];
  readonly chunks?: true | readonly number[];
  readonly eof?: true;
  readonly empty?: true;
  readonly reset?: true;
  readonly glue?: true;
  readonly repeat?: readonly number[];
  /** The frame's length; or the lengths of records, by their fields. */
  readonly ladder?: true | readonly string[];
  readonly after?: true;
}

export interface EncodeSweeps {
  readonly again?: true;
  readonly glue?: true;
  readonly after?: true;
}

export interface FileDecodeVector extends FileVectorBase, FileOutcome {
  readonly role: "decode";
  readonly bytes: readonly FileSegment[];
  /** Each with the reason why the specification allows it too. */
  readonly alternatives?: readonly (FileOutcome & { readonly reason: string })[];
  readonly position_proof?: true;
  readonly noncanonical?: true;
  readonly sweeps: DecodeSweeps;
}

export interface FileEncodeVector extends FileVectorBase {
  readonly role: "encode";
  readonly value: Json;
  readonly bytes?: readonly FileSegment[];
  readonly refusal?: EventClass;
  readonly sweeps: EncodeSweeps;
}

export type FileVector = FileDecodeVector | FileEncodeVector;

/** Ids of rules about an end inside a message: `len64.eof.mid-body`, `tp.header.cut`, `tp.infer.cut-before-prefix`. */
const OF_ENDS = /\.eof\.|\.cut(-|$)/;

/**
 * True where something is refused: by an error, or by an end where that is what the vector is about. Another whose bytes end inside a
 * message shows that a length is accepted, and brings no body because it would be gigabytes.
 */
export function refuses(vector: FileVector): boolean {
  if (vector.role === "encode") return vector.refusal !== undefined;
  if (vector.at_eof === undefined) return true;
  return vector.at_eof !== "end" && vector.rules.some((rule) => OF_ENDS.test(rule));
}

export interface VectorFile {
  readonly family: string;
  readonly profile: string;
  readonly about: string;
  readonly vectors: readonly FileVector[];
}

export type FieldType = "u8" | "u32be" | "u56be" | "u64be" | "i64le" | "bytes";

/** What a case of a sweep shows: the key under which a profile lists the rules that such a case names. */
export type Shows =
  | "chunking"
  | "glued"
  | "end"
  | "eof.in-prefix"
  | "eof.in-header"
  | "eof.in-body"
  | "sticky"
  | "delivered"
  | "isolation"
  | "limit.accept"
  | "limit.refuse"
  | "limit.wide"
  | "record.cut"
  | "record.wide"
  | "record.top-bit"
  | "record.hash-cut"
  | "encode.again"
  | "encode.after";

/** What only a case of level 3 shows. */
export type ProbeShows = "memory" | "write.given-up";

export interface ProfileFile {
  readonly profile: string;
  readonly about: string;
  readonly fields: Readonly<
    Record<
      string,
      { readonly type: FieldType; readonly eof: EventClass; readonly opaque?: true; readonly about: string }
    >
  >;
  readonly derived: Readonly<Partial<Record<Shows | ProbeShows, readonly string[]>>>;
}
