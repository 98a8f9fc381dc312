import { Script } from "../corpus/script.ts";
import { fatalError, type PlacedEvent, type Segment, Stream } from "../corpus/stream.ts";
import type { Case, Mark } from "../corpus/types.ts";
import type { ProfileFile } from "../corpus/vector-file.ts";
import type { Event, EventClass, Step } from "../protocol.ts";

/** A message's bytes with their fields, and what they give; the last of a connection may be cut short. */
export interface Unit {
  readonly fields: readonly { readonly field: string; readonly bytes: Uint8Array; readonly eof: EventClass }[];
  /** Undefined where the unit is cut short, or stands behind an error. An error's `at` counts from the unit's start. */
  readonly event?: { readonly at: number; readonly event: Event };
}

export interface Connection {
  readonly units: readonly Unit[];
  /** Places between reads, ascending, and those with an empty read. */
  readonly cuts: readonly number[];
  readonly empties: readonly number[];
  /** What the end of the stream is called where the last unit is cut short. */
  readonly tail: EventClass | undefined;
  /** Whether the stream ends before the next connection. The last one's always does. */
  readonly ends: boolean;
}

/** A decode case, taken apart into what can be left out. */
export interface Scenario {
  readonly about: Case;
  readonly limits: Case["limits"];
  readonly connections: readonly Connection[];
  /** The same connections, with the events that the specification allows too. */
  readonly alternatives: readonly Alternative[];
}

export interface Alternative {
  readonly reason: string;
  readonly connections: readonly Connection[];
}

export const lengthOf = ({ fields }: Unit) => fields.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** Longer streams are not taken apart. */
const MOST = 1 << 20;

/**
 * Takes a decode case apart: its fields make units, and each event belongs to the unit whose end, or whose `at`, it stands at.
 * Undefined where that cannot be told for sure; what is returned gives the case's own expectation again when it is played.
 */
export function takeApart(about: Case, profile: Pick<ProfileFile, "fields">): Scenario | undefined {
  if (about.role !== "decode") return undefined;
  const connections = connectionsOf(about, about.expected, profile);
  if (connections === undefined) return undefined;
  const alternatives: Alternative[] = [];
  for (const { reason, expected } of about.alternatives ?? []) {
    const other = connectionsOf(about, expected, profile);
    if (other === undefined) return undefined;
    alternatives.push({ reason, connections: other });
  }
  return { about, limits: about.limits, connections, alternatives };
}

/** The connections of a case with one of the outcomes that it allows. */
function connectionsOf(
  about: Case,
  expected: Case["expected"],
  profile: Pick<ProfileFile, "fields">,
): readonly Connection[] | undefined {
  const connections: Connection[] = [];
  let rest = { steps: about.steps, expected, from: 0 };
  for (;;) {
    const border = rest.steps.findIndex((step) => "reset" in step);
    const steps = border === -1 ? rest.steps : rest.steps.slice(0, border);
    const taken = connectionOf(steps, rest.expected, about.marks, rest.from, profile.fields);
    if (taken === undefined) return undefined;
    connections.push(taken.connection);
    if (border === -1) break;
    const next = border + 1;
    rest = { steps: rest.steps.slice(next), expected: rest.expected.slice(next), from: rest.from + taken.length };
  }
  const again = play({ connections });
  return JSON.stringify(again.expected) === JSON.stringify(expected) ? connections : undefined;
}

function connectionOf(
  steps: readonly Step[],
  expected: readonly (readonly Event[])[],
  marks: readonly Mark[],
  from: number,
  fields: ProfileFile["fields"],
): { connection: Connection; length: number } | undefined {
  const chunks: Uint8Array[] = [];
  const cuts: number[] = [];
  const empties: number[] = [];
  let at = 0;
  for (const step of steps) {
    if ("eof" in step) continue;
    const chunk = bytesOf(step);
    if (chunk === undefined || at + chunk.length > MOST) return undefined;
    if (chunk.length === 0) empties.push(at);
    else if (at > 0 && cuts.at(-1) !== at) cuts.push(at);
    chunks.push(chunk);
    at += chunk.length;
  }
  const units = unitsOf(Buffer.concat(chunks), marks, from, fields);
  if (units === undefined) return undefined;
  const last = steps.at(-1);
  const ends = last !== undefined && "eof" in last;
  const [end] = ends ? (expected[steps.length - 1] ?? []) : [];
  const tail = end?.event === "error" ? (end.class as EventClass) : undefined;
  const placed = place(units, steps, expected);
  return placed && { connection: { units: placed, cuts, empties, tail, ends }, length: at };
}

function bytesOf(step: Step): Uint8Array | undefined {
  if ("feed" in step) return Uint8Array.fromHex(step.feed);
  if (!("feed_fill" in step) || step.feed_fill.count > MOST) return undefined;
  return new Uint8Array(step.feed_fill.count).fill(step.feed_fill.byte);
}

/** A unit begins at each field that has the name of the profile's first. */
function unitsOf(
  bytes: Uint8Array,
  marks: readonly Mark[],
  from: number,
  fields: ProfileFile["fields"],
): Unit[] | undefined {
  const [first] = Object.keys(fields);
  const units: Unit[] = [];
  let at = 0;
  for (const { field, start, end } of marks) {
    if (start < from || at >= bytes.length) continue;
    const about = fields[field];
    if (start - from !== at || about === undefined || end - from > bytes.length) return undefined;
    const piece = { field, bytes: bytes.subarray(at, end - from), eof: about.eof };
    const open = units.at(-1);
    if (open === undefined || field === first) units.push({ fields: [piece] });
    else units[units.length - 1] = { fields: [...open.fields, piece] };
    at = end - from;
  }
  return at === bytes.length ? units : undefined;
}

/** Gives each unit its event. Undefined where a step holds another number of messages than of units that end in it. */
function place(
  units: readonly Unit[],
  steps: readonly Step[],
  expected: readonly (readonly Event[])[],
): Unit[] | undefined {
  const placed = [...units];
  const starts = units.map((_, i) => units.slice(0, i).reduce((sum, unit) => sum + lengthOf(unit), 0));
  let fed = 0;
  let next = 0;
  for (const [i, step] of steps.entries()) {
    if ("eof" in step) break;
    fed += bytesOf(step)?.length ?? 0;
    for (const event of expected[i] ?? []) {
      const unit = units[next];
      const start = starts[next] ?? 0;
      if (unit === undefined) return undefined;
      const at = event.event === "error" ? Number(event.at) - start : lengthOf(unit);
      if (at > lengthOf(unit) || start + at > fed) return undefined;
      placed[next++] = { ...unit, event: { at, event } };
      if (event.event === "error") return placed;
    }
    const due = starts[next];
    const unit = units[next];
    if (due === undefined || unit === undefined) continue;
    // Whole by now, and without its message: only what is cut short may wait, and that is the last.
    if (due + lengthOf(unit) <= fed && next < units.length - 1) return undefined;
  }
  return placed;
}

/** What a scenario sends and must get: the expectation comes from the whole streams, whatever the reads are. */
export function play({ connections }: Pick<Scenario, "connections">): Pick<Case, "steps" | "expected" | "marks"> {
  const [head, ...others] = connections.map((connection) => ({ connection, stream: streamOf(connection) }));
  if (head === undefined) return { steps: [], expected: [], marks: [] };
  const script = new Script(head.stream);
  playReads(script, head.connection, head.stream.length);
  if (head.connection.ends || others.length === 0) script.eof();
  for (const [i, { connection, stream }] of others.entries()) {
    script.reset(stream);
    playReads(script, connection, stream.length);
    if (connection.ends || i === others.length - 1) script.eof();
  }
  return { steps: script.steps, expected: script.expected, marks: script.marks };
}

/** The scenario as a case. Of the outcomes that it allows no two are the same. */
export function caseOf(scenario: Scenario): Case {
  const { alternatives: _, ...about } = scenario.about;
  const played = play(scenario);
  const known = new Set([JSON.stringify(played.expected)]);
  const alternatives = scenario.alternatives.flatMap(({ reason, connections }) => {
    const { expected } = play({ connections });
    return known.size < known.add(JSON.stringify(expected)).size ? [{ reason, expected }] : [];
  });
  return { ...about, limits: scenario.limits, ...played, ...(alternatives.length > 0 && { alternatives }) };
}

function playReads(script: Script, { cuts, empties }: Connection, length: number): void {
  const ends = [...new Set([...cuts, ...empties, length])].filter((at) => at <= length).sort((a, b) => a - b);
  for (const at of ends) {
    if (at > 0) script.read(at);
    for (const _ of empties.filter((empty) => empty === at)) script.emptyRead();
  }
}

export function streamOf({ units, tail }: Connection): Stream {
  const segments: Segment[] = [];
  const events: PlacedEvent[] = [];
  const borders: number[] = [];
  let start = 0;
  for (const { fields, event } of units) {
    let at = start;
    for (const { field, bytes, eof } of fields) {
      segments.push({ field, start: at, end: at + bytes.length, eof });
      at += bytes.length;
    }
    if (event !== undefined) events.push(placedAt(event, start));
    if (event?.event.event === "message") borders.push(start + event.at);
    start = at;
  }
  const failed = events.some(({ event }) => event.event === "error");
  const whole = units.length === 0 || units.at(-1)?.event !== undefined;
  const bytes = Buffer.concat(units.flatMap(({ fields }) => fields.map((field) => field.bytes)));
  return new Stream(bytes, segments, events, failed ? null : whole ? "end" : (tail ?? lastEof(units)), borders);
}

const lastEof = (units: readonly Unit[]): EventClass => units.at(-1)?.fields.at(-1)?.eof ?? "eof.in-prefix";

function placedAt({ at, event }: NonNullable<Unit["event"]>, start: number): PlacedEvent {
  if (event.event !== "error") return { at: start + at, event };
  return { at: start + at, event: fatalError(event.class as EventClass, start + at) };
}
