import { createHash } from "node:crypto";
import { expand } from "../corpus/expand.ts";
import type { Case } from "../corpus/types.ts";
import { compileVector } from "../corpus/vector.ts";
import type {
  DecodeSweeps,
  FileDecodeVector,
  FileEvent,
  FileOutcome,
  FileSegment,
  FileVector,
  ProfileFile,
} from "../corpus/vector-file.ts";
import type { EventClass, Json } from "../protocol.ts";
import { type Connection, type Scenario, streamOf } from "./scenario.ts";

/** Bytes above this many that are all the same are written as a fill. */
const FILL = 32;

/** The scenario as a vector with the smallest sweep that holds it; undefined where no sweep does. */
export function vectorOf(
  { about, limits, connections, alternatives }: Scenario,
  why: string,
  sibling: string,
): FileDecodeVector | undefined {
  const connection = connections.at(-1);
  if (connection === undefined) return undefined;
  const sweeps = connections.length === 1 ? sweepsOf(connection) : resetSweep(connections);
  if (sweeps === undefined) return undefined;
  const bytes = connection.units.flatMap(({ fields }) => fields.map((field) => segment(field.field, field.bytes)));
  const outcome = outcomeOf(connection);
  const known = new Set([JSON.stringify(outcome)]);
  const others = alternatives.flatMap(({ reason, connections }) => {
    const other = outcomeOf(connections.at(-1) ?? connection);
    return known.size < known.add(JSON.stringify(other)).size ? [{ reason, ...other }] : [];
  });
  const body = {
    rules: about.rules,
    level: about.level,
    role: "decode" as const,
    why,
    limits,
    bytes,
    ...outcome,
    ...(others.length > 0 && { alternatives: others }),
    ...(outcome.at_eof !== "end" && { sibling }),
    sweeps,
  };
  return { id: idOf(about.profile, body), ...body };
}

function outcomeOf(connection: Connection): FileOutcome {
  const { events, atEof } = streamOf(connection);
  return {
    events: events.map(({ at, event }): FileEvent => {
      if (event.event === "error") return { at, event: "error", class: event.class as EventClass };
      return { at, event: "message", value: (event as { value: Json }).value };
    }),
    ...(atEof !== null && { at_eof: atEof }),
  };
}

/** The id follows from the content: the same failure shrinks to the same vector. */
export function idOf(profile: string, body: object): string {
  return `${profile}/shrunk-${createHash("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 8)}`;
}

export function segment(field: string, bytes: Uint8Array): FileSegment {
  const [byte = 0] = bytes;
  if (bytes.length > FILL && bytes.every((other) => other === byte)) {
    return { field, fill: { byte, count: bytes.length } };
  }
  return { field, hex: bytes.toHex() };
}

export function sweepsOf({ cuts, empties, units }: Connection): DecodeSweeps | undefined {
  const extra = cuts.filter((at) => !empties.includes(at));
  if (empties.length > 1 || (empties.length === 1 && extra.length > 0)) return undefined;
  if (empties.length === 1) return { empty: true };
  const [a, b, ...more] = cuts;
  if (a === undefined) return {};
  if (b === undefined) return { cuts: true };
  const total = units.reduce((sum, { fields }) => sum + fields.reduce((all, { bytes }) => all + bytes.length, 0), 0);
  const size = a;
  const even = cuts.every((at, i) => at === (i + 1) * size) && total - (cuts.at(-1) ?? 0) <= size;
  if (even) return { chunks: [size] };
  if (more.length === 0 && b < 64) return { pairs: b + 1 };
  const width = (cuts.at(-1) ?? 0) - a + 2;
  return width <= 10 ? { prefix: [{ from: a - 1, width }] } : undefined;
}

/** Two connections, the first a beginning of the second's stream or all of it. */
function resetSweep(connections: readonly Connection[]): DecodeSweeps | undefined {
  const [first, second, ...more] = connections;
  if (first === undefined || second === undefined || more.length > 0) return undefined;
  const plain = [first, second].every(({ cuts, empties }) => cuts.length + empties.length === 0);
  const [before, whole] = [streamOf(first).bytes, streamOf(second).bytes];
  const begins = Buffer.compare(before, whole.subarray(0, before.length)) === 0;
  return plain && begins ? { reset: true } : undefined;
}

/** The cases of a vector that stands alone: no sweep of it needs a neighbour. */
export function casesOf(vector: FileVector, profile: ProfileFile): Iterable<Case> {
  const noBins = () => new Uint8Array();
  return expand([compileVector(vector, profile, noBins)]);
}
