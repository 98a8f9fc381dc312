import type { Event, EventClass, Json, Limits, Step } from "../protocol.ts";
import { type Bins, bytesEvent, resolveValue, segmentBytes } from "./bytes.ts";
import { CorpusDefect } from "./defect.ts";
import { fatalError, type PlacedEvent, type Segment, Stream } from "./stream.ts";
import type { Level } from "./types.ts";
import type {
  DecodeSweeps,
  EncodeSweeps,
  FileDecodeVector,
  FileEncodeVector,
  FileSegment,
  FileVector,
  ProfileFile,
  Shows,
} from "./vector-file.ts";

interface VectorBase {
  readonly id: string;
  /** The part of the id after the profile. */
  readonly slug: string;
  readonly profile: string;
  readonly rules: readonly string[];
  readonly level: Level;
  readonly limits: Limits;
  readonly why: string;
  readonly sibling?: string;
  /** The rules that a case of a sweep names: those of the profile for what it shows, else those of the vector. */
  rulesFor(shows: Shows): readonly string[];
}

export interface DecodeVector extends VectorBase {
  readonly role: "decode";
  readonly stream: Stream;
  /** The type of each field of the profile. */
  readonly fields: ProfileFile["fields"];
  readonly sweeps: DecodeSweeps;
}

export interface EncodeVector extends VectorBase {
  readonly role: "encode";
  readonly step: Step;
  readonly answer: Event;
  readonly sweeps: EncodeSweeps;
}

export type Vector = DecodeVector | EncodeVector;

export function compileVector(file: FileVector, profile: ProfileFile, bins: Bins): Vector {
  const base: VectorBase = {
    id: file.id,
    slug: file.id.slice(file.id.indexOf("/") + 1),
    profile: profile.profile,
    rules: file.rules,
    level: file.level,
    limits: file.limits,
    why: file.why,
    ...(file.sibling === undefined ? {} : { sibling: file.sibling }),
    rulesFor: (shows) => profile.derived[shows] ?? file.rules,
  };
  return file.role === "decode"
    ? { ...base, role: "decode", fields: profile.fields, sweeps: file.sweeps, stream: streamOf(file, profile, bins) }
    : { ...base, role: "encode", sweeps: file.sweeps, ...encodingOf(file, bins) };
}

function streamOf(file: FileDecodeVector, profile: ProfileFile, bins: Bins): Stream {
  const segments: Segment[] = [];
  const { bytes, starts } = joined(file.bytes, bins);
  for (const [i, segment] of file.bytes.entries()) {
    const field = profile.fields[segment.field];
    if (!field) throw new CorpusDefect(`${file.id}: profile ${profile.profile} has no field "${segment.field}"`);
    segments.push({
      field: segment.field,
      start: starts[i]!,
      end: starts[i + 1]!,
      eof: field.eof,
      ...(segment.fill ? { fill: segment.fill.byte } : {}),
    });
  }
  const events = file.events.map((event): PlacedEvent => {
    if (event.at > bytes.length) throw new CorpusDefect(`${file.id}: an event at ${event.at} of ${bytes.length} bytes`);
    if (event.event === "error") return { at: event.at, event: fatalError(event.class, event.at) };
    return { at: event.at, event: { event: "message", value: resolveValue(event.value, bins, "event") } };
  });
  checkEnd(file, events, bytes.length);
  return new Stream(bytes, segments, events, file.at_eof ?? null);
}

/** The marks and the events decide most expectations, so they must agree with each other. */
function checkEnd(file: FileDecodeVector, events: readonly PlacedEvent[], length: number): void {
  const failed = events.findIndex(({ event }) => event.event === "error");
  if (failed >= 0 && failed < events.length - 1) throw new CorpusDefect(`${file.id}: an event after a fatal error`);
  if (failed >= 0 !== (file.at_eof === undefined)) {
    throw new CorpusDefect(`${file.id}: at_eof must be there, and only be there, when no event is an error`);
  }
  if (events.some(({ at }, i) => i > 0 && at < events[i - 1]!.at)) {
    throw new CorpusDefect(`${file.id}: the events do not ascend`);
  }
  const border = length === 0 || events.at(-1)?.at === length;
  if (file.at_eof !== undefined && (file.at_eof === "end") !== border) {
    throw new CorpusDefect(
      `${file.id}: at_eof is "${file.at_eof}", but the last message ends elsewhere than the bytes`,
    );
  }
}

function encodingOf(file: FileEncodeVector, bins: Bins): { step: Step; answer: Event } {
  const step: Step = { encode: resolveValue(file.value as Json, bins, "request") };
  return {
    step,
    answer: file.bytes
      ? bytesEvent(joined(file.bytes, bins).bytes)
      : // A refused encode is not fatal, and the next one works.
        { event: "error", class: file.refusal as EventClass, at: "0", fatal: false },
  };
}

function joined(segments: readonly FileSegment[], bins: Bins): { bytes: Uint8Array; starts: number[] } {
  const parts = segments.map((segment) => segmentBytes(segment, bins));
  const starts = [0];
  for (const part of parts) starts.push(starts.at(-1)! + part.length);
  const bytes = new Uint8Array(starts.at(-1)!);
  for (const [i, part] of parts.entries()) bytes.set(part, starts[i]!);
  return { bytes, starts };
}
