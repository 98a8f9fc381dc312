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
  FileOutcome,
  FileSegment,
  FileVector,
  ProbeShows,
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
  /** The same for what only a probe shows: the vector's own say nothing of that. */
  probeRulesFor(shows: ProbeShows): readonly string[];
}

export interface DecodeVector extends VectorBase {
  readonly role: "decode";
  readonly stream: Stream;
  /** The same bytes with other outcomes that the specification allows. */
  readonly alternatives: readonly { readonly reason: string; readonly stream: Stream }[];
  /** The type of each field of the profile. */
  readonly fields: ProfileFile["fields"];
  readonly sweeps: DecodeSweeps;
}

export interface EncodeVector extends VectorBase {
  readonly role: "encode";
  readonly step: Step;
  readonly answer: Event;
  /** What is emitted; null when the encode is refused. */
  readonly bytes: Uint8Array | null;
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
    probeRulesFor: (shows) => profile.derived[shows] ?? [],
  };
  return file.role === "decode"
    ? { ...base, role: "decode", fields: profile.fields, sweeps: file.sweeps, ...streamsOf(file, profile, bins) }
    : { ...base, role: "encode", sweeps: file.sweeps, ...encodingOf(file, bins) };
}

/** Sweeps that join streams: what such a row gives depends on which outcome each stream had. */
const JOINING = ["glue", "repeat", "ladder", "after"] as const;

function streamsOf(
  file: FileDecodeVector,
  profile: ProfileFile,
  bins: Bins,
): Pick<DecodeVector, "stream" | "alternatives"> {
  const { alternatives = [], sweeps } = file;
  if (alternatives.length > 0 && JOINING.some((name) => sweeps[name] !== undefined)) {
    throw new CorpusDefect(`${file.id}: a vector with alternatives has no sweep of ${JOINING.join(", ")}`);
  }
  const make = streamMaker(file, profile, bins);
  return {
    stream: make(file),
    alternatives: alternatives.map(({ reason, ...outcome }) => ({ reason, stream: make(outcome) })),
  };
}

function streamMaker(file: FileDecodeVector, profile: ProfileFile, bins: Bins): (outcome: FileOutcome) => Stream {
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
  return (outcome) => {
    checkOutcome(file.id, outcome, bytes.length);
    const events = outcome.events.flatMap((event): PlacedEvent[] => {
      if (event.event === "dropped") return [];
      if (event.event === "error") return [{ at: event.at, event: fatalError(event.class, event.at) }];
      return [{ at: event.at, event: { event: "message", value: resolveValue(event.value, bins, "event") } }];
    });
    const borders = outcome.events.filter(({ event }) => event !== "error").map(({ at }) => at);
    return new Stream(bytes, segments, events, outcome.at_eof ?? null, borders);
  };
}

/** The marks and the events decide most expectations, so they must agree with each other. */
function checkOutcome(id: string, { events, at_eof }: FileOutcome, length: number): void {
  const beyond = events.find(({ at }) => at > length);
  if (beyond) throw new CorpusDefect(`${id}: an event at ${beyond.at} of ${length} bytes`);
  const failed = events.findIndex(({ event }) => event === "error");
  if (failed >= 0 && failed < events.length - 1) throw new CorpusDefect(`${id}: an event after a fatal error`);
  if (failed >= 0 !== (at_eof === undefined)) {
    throw new CorpusDefect(`${id}: at_eof must be there, and only be there, when no event is an error`);
  }
  if (events.some(({ at }, i) => i > 0 && at < events[i - 1]!.at)) {
    throw new CorpusDefect(`${id}: the events do not ascend`);
  }
  const border = length === 0 || events.at(-1)?.at === length;
  if (at_eof !== undefined && (at_eof === "end") !== border) {
    throw new CorpusDefect(`${id}: at_eof is "${at_eof}", but the last message ends elsewhere than the bytes`);
  }
}

function encodingOf(file: FileEncodeVector, bins: Bins): Pick<EncodeVector, "step" | "answer" | "bytes"> {
  const step: Step = { encode: resolveValue(file.value as Json, bins, "request") };
  const bytes = file.bytes ? joined(file.bytes, bins).bytes : null;
  return {
    step,
    bytes,
    answer: bytes
      ? bytesEvent(bytes)
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
