import {
  type FamilyFiles,
  type FileDecodeVector,
  type ProfileFile,
  readCorpusFiles,
  resolveValue,
  segmentBytes,
} from "@tensorwire/conformance/corpus";
import { CORPUS } from "../vectors/verify.ts";
import { fieldsOf, isNumber, type Layout, WIDTHS } from "./layout.ts";

/** One field of a stream, by the offsets of its bytes. */
export interface Place {
  readonly field: string;
  readonly start: number;
  readonly end: number;
}

export interface StatedField extends Place {
  /** Of a number: as the generator wrote it down, or else by its bytes. */
  readonly value?: bigint;
}

/**
 * What the layout has to see of a vector. `end`: the stream is whole messages. `eof`: it ends inside one. `cut`: a frame ends inside one of
 * its records. `value`, `limit`: a number is refused for its value, or for a limit. `above`: the bytes are right, another layer refuses them.
 */
export type Ending = "end" | "eof" | "cut" | "value" | "limit" | "above";

export interface Stated {
  readonly id: string;
  readonly layout: Layout;
  readonly limits: FileDecodeVector["limits"];
  readonly bytes: Uint8Array;
  /** Those that are whole, up to where an error is decided. */
  readonly fields: readonly StatedField[];
  /** Where messages end that are delivered or dropped. */
  readonly ends: readonly number[];
  /** What each of these messages says, as far as it is told; null for one that is dropped. */
  readonly values: readonly unknown[];
  readonly ending: Ending;
  /** The class of the error or of the end, and where an error is decided. */
  readonly class?: string;
  readonly at: number;
}

/** r[tp-session.call-id.duplicate] r[pp-session.call-id.duplicate]: a session does not judge what these frames hold, a layout would. */
const UNJUDGED = ["tp-session/duplicate-record", "pp-session/duplicate-record"];

/** Every decode vector whose stream has one of these layouts, in the order of the corpus. */
export function statedBy(layouts: readonly Layout[]): Stated[] {
  return readCorpusFiles(CORPUS).families.flatMap((files) => {
    const layout = layouts.find(({ streams }) => streams.includes(files.profile.profile));
    if (layout === undefined) return [];
    return files.family.vectors.flatMap((vector) =>
      vector.role === "decode" && !UNJUDGED.includes(vector.id) ? [stated(vector, files, layout)] : [],
    );
  });
}

function stated(vector: FileDecodeVector, { profile, bins }: FamilyFiles, layout: Layout): Stated {
  const bytes = Buffer.concat(vector.bytes.map((segment) => segmentBytes(segment, bins)));
  const last = vector.events.at(-1);
  const error = last?.event === "error" ? last : undefined;
  const at = error?.at ?? bytes.length;
  const fields: StatedField[] = [];
  let start = 0;
  for (const segment of vector.bytes) {
    const end = start + segmentBytes(segment, bins).length;
    const place = { field: segment.field, start, end };
    // What a frame holds behind a record that is cut has no names.
    if (end > at || !isWhole(place, fields, profile, layout)) break;
    const value = numberOf(place, bytes, segment.note, profile, layout);
    fields.push(value === undefined ? place : { ...place, value });
    start = end;
  }
  const messages = vector.events.filter(({ event }) => event !== "error");
  return {
    id: vector.id,
    layout,
    limits: vector.limits,
    bytes,
    fields,
    ends: messages.map((event) => event.at),
    values: messages.map((event) => (event.event === "message" ? resolveValue(event.value, bins, "event") : null)),
    ...endingOf(vector, error, fields, layout),
    at,
  };
}

function isWhole({ field, start, end }: Place, before: readonly StatedField[], profile: ProfileFile, layout: Layout) {
  const { type } = profile.fields[field]!;
  if (type !== "bytes") return end - start === WIDTHS[type];
  const described = fieldsOf(layout.message).find((known) => known.field === field);
  if (described === undefined || isNumber(described)) return true;
  const length = before.findLast((known) => known.field === described.length);
  return length?.value === BigInt(end - start);
}

function numberOf(
  { field, start, end }: Place,
  bytes: Uint8Array,
  note: string | undefined,
  profile: ProfileFile,
  layout: Layout,
): bigint | undefined {
  const { type } = profile.fields[field]!;
  if (type === "bytes") return undefined;
  if (note !== undefined && /^-?\d+$/.test(note)) return BigInt(note);
  const known = fieldsOf(layout.message).find((described) => described.field === field);
  const flagged = known !== undefined && isNumber(known) && known.top_bit !== undefined;
  return numberAs(type, bytes.subarray(start, end), flagged);
}

/** Bytes as a number of the profile's own type, without the highest bit where that is a flag. */
function numberAs(type: keyof typeof WIDTHS, bytes: Uint8Array, flagged: boolean): bigint {
  const value = BigInt(`0x${(type === "i64le" ? bytes.toReversed() : bytes).toHex()}`);
  if (type === "i64le") return BigInt.asIntN(64, value);
  return flagged ? BigInt.asUintN(8 * bytes.length - 1, value) : value;
}

function endingOf(
  { at_eof, limits: { max_parts } }: FileDecodeVector,
  error: { readonly at: number; readonly class: string } | undefined,
  fields: readonly StatedField[],
  layout: Layout,
): Pick<Stated, "ending" | "class"> {
  if (error === undefined) return at_eof === "end" ? { ending: "end" } : { ending: "eof", class: at_eof! };
  const named = { class: error.class };
  if (error.class.startsWith("eof.")) return { ending: "cut", ...named };
  const decided = fields.at(-1);
  const field = fieldsOf(layout.message).find((known) => known.field === decided?.field);
  if (field === undefined || !isNumber(field) || decided?.end !== error.at) {
    // More parts than the limit is told at the end of the frame, and so behind bytes. A manifest's length is of another layer.
    return { ending: error.class === "oversize.declared" && max_parts !== undefined ? "limit" : "above", ...named };
  }
  const refusals = [field.others, ...Object.values(field.values ?? {}).map(({ refused }) => refused)];
  if (refusals.some((refusal) => refusal?.class === error.class)) return { ending: "value", ...named };
  return { ending: field.limit?.class === error.class ? "limit" : "above", ...named };
}

/** Streams that are whole, one after the other on one connection. */
export function joined(streams: readonly Stated[]): Stated {
  let shift = 0;
  const shifted = streams.map((stream) => {
    const by = shift;
    shift += stream.bytes.length;
    return {
      fields: stream.fields.map((field) => ({ ...field, start: field.start + by, end: field.end + by })),
      ends: stream.ends.map((end) => end + by),
    };
  });
  return {
    ...streams[0]!,
    id: streams.map(({ id }) => id).join(", "),
    bytes: Buffer.concat(streams.map(({ bytes }) => bytes)),
    fields: shifted.flatMap(({ fields }) => fields),
    ends: shifted.flatMap(({ ends }) => ends),
    values: streams.flatMap(({ values }) => values),
    at: shift,
  };
}
