import { createHash } from "node:crypto";
import { basename } from "node:path";
import { readCorpusFiles } from "../corpus/files.ts";
import { Script } from "../corpus/script.ts";
import { sameLimits } from "../corpus/sweeps/plan.ts";
import type { Case } from "../corpus/types.ts";
import { compileVector } from "../corpus/vector.ts";
import type { DecodeSweeps, FileDecodeVector, FileEvent, ProfileFile, VectorFile } from "../corpus/vector-file.ts";
import type { Way } from "../link/ways.ts";
import { DEFAULT_CORPUS, DEFAULT_SPEC, UsageError } from "../options.ts";
import type { Answer, CaseRequest, Event, EventClass, Limits } from "../protocol.ts";
import { segment, sweepsOf } from "../shrink/vector.ts";
import type { End } from "./conversation.ts";
import { outcomesOf, placed, stepsOf } from "./expectation.ts";
import { CaptureError } from "./read-file.ts";
import type { SentBy } from "./reassemble.ts";
import { type Refusals, refusalsOf } from "./refusals.ts";
import { chosen, countOf, streamsOf, withoutHello } from "./streams.ts";
import { type Apart, IMPORT_PROFILES, takeApart } from "./take-apart.ts";

export interface ImportOptions {
  readonly profile: string;
  /** Which stream, from 0. May be left out where there is one. */
  readonly stream?: number;
  /** Only what this end sent. */
  readonly from?: End;
  /** The limit to judge by. Default: the least of the profile's vectors in which everything fits. */
  readonly maxFrameLength?: number;
  /** Each direction begins with a Hello (`spec/handshake.md`), which is no part of the profile: it is left out. */
  readonly handshake?: boolean;
  /** Of long streams: these messages alone, from the first on. */
  readonly messages?: number;
  /**
   * An implementation that shares no code with the reference. What protobuf bodies and sessions give is what both say; where they do not say the same,
   * nothing is imported.
   */
  readonly second?: Way;
  /**
   * The reference as a function: its words tell apart what rule a refusal is of, where the class does not. What is expected does not come from it.
   */
  readonly words?: (request: CaseRequest) => Answer;
  /** In the place of the reference: for tests. */
  readonly first?: Way;
  /** What an implementation prints. */
  readonly log?: (line: string) => void;
}

/** What became of one direction of a stream. */
export interface Imported {
  readonly vector: FileDecodeVector;
  /** The very reads of the capture, where no sweep of a vector has them. */
  readonly exact: Case | undefined;
  /** Something that whoever commits it should know. */
  readonly notes: readonly string[];
}

/** Bytes of a direction, at most: a vector is read by people, and its sweeps send it many times over. */
const MOST = 1 << 20;
/** A stream of so many bytes is cut at every place, where its own reads cannot be said. */
const SWEPT = 2048;
/** A stream of a capture as a file of vectors. Throws `CaptureError`, or `UsageError` for what was asked. */
export async function importCapture(
  path: string,
  file: Uint8Array,
  options: ImportOptions,
): Promise<{ readonly file: VectorFile; readonly imported: readonly Imported[] }> {
  const { profile: name, from } = options;
  if (!IMPORT_PROFILES.includes(name)) {
    throw new UsageError(`expected a profile of ${IMPORT_PROFILES.join(", ")}, got "${name}"`);
  }
  const passed: string[] = [];
  const streams = streamsOf(file, (note) => passed.push(note));
  const { number, dialler, listener } = chosen(streams, options.stream, passed).stream();
  const sides = [dialler, listener].filter(
    (side) => from === undefined || side === (from === "dialler" ? dialler : listener),
  );
  const spoken = sides.filter(({ length }) => length > 0);
  if (spoken.length === 0)
    throw new CaptureError(`stream ${number}: no byte came ${from === undefined ? "" : `from the ${from}`}`.trim());
  const files = readCorpusFiles(DEFAULT_CORPUS);
  const profile = files.profiles.find((one) => one.profile === name) as ProfileFile;
  const vectors = files.families
    .filter(({ family }) => family.profile === name)
    .flatMap(({ family }) => family.vectors)
    .filter((vector) => vector.role === "decode");
  const { words } = options;
  const refusals = refusalsOf({ corpus: files, spec: DEFAULT_SPEC, profiles: [name], ...(words && { answer: words }) });
  const imported: Imported[] = [];
  for (const side of spoken) {
    const what = `stream ${number} of ${basename(path)}, ${side.from} → ${side.to}`;
    const behind = options.handshake === true ? withoutHello(side, what) : side;
    const made = await importSide(behind, { ...options, what, profile, vectors, refusals });
    imported.push({ ...made, notes: [...made.notes, ...passed] });
  }
  const about = `Captured: stream ${number} of ${basename(path)}.`;
  return {
    file: { family: "imported", profile: name, about, vectors: imported.map(({ vector }) => vector) },
    imported,
  };
}

interface Context extends Omit<ImportOptions, "profile" | "stream" | "from"> {
  readonly what: string;
  readonly profile: ProfileFile;
  readonly vectors: readonly FileDecodeVector[];
  readonly refusals: Refusals;
}

async function importSide(side: SentBy, context: Context): Promise<Imported> {
  const { profile, vectors, what } = context;
  const limits = limitsFor(side, context);
  const whole = takeApart(
    profile.profile,
    Buffer.concat(side.reads),
    BigInt(limits.max_frame_length as string),
  ) as Apart;
  const apart = shortened(whole, context);
  const length = apart.messages.reduce((sum, message) => sum + message.length, 0);
  if (length > MOST) {
    throw new CaptureError(
      `${what}: ${length} bytes are more than a vector may have, ${MOST}; take the first of them with --messages`,
    );
  }
  const { given, from } = await outcomesOf(apart, limits, context);
  const cuts = cutsOf(side.reads, length);
  const events = placed(apart.messages, given);
  const failed = events.some(({ event }) => event === "error");
  const last = apart.messages.at(-1);
  const at_eof = failed ? undefined : ((last?.missing ?? "end") as "end" | EventClass);
  const units = apart.messages.map(({ pieces }) => ({ fields: pieces }));
  const said = sweepsOf({ units, cuts, empties: [], tail: undefined, ends: true });
  const refuses = at_eof !== "end";
  const sibling = refuses ? siblingOf(vectors, limits) : undefined;
  const body = {
    rules: rulesOf(profile, { events, at_eof, cuts, text: textOf(apart, limits, context) }, context.refusals),
    level: "must" as const,
    role: "decode" as const,
    why: `Captured: ${what}, ${countOf(cuts.length + 1, "read")}. The expectation is by ${from}.`,
    limits,
    bytes: apart.messages.flatMap(({ pieces }) => pieces.map(({ field, bytes }) => segment(field, bytes))),
    events,
    ...(at_eof !== undefined && { at_eof }),
    ...(sibling !== undefined && { sibling: sibling.id }),
    sweeps: said ?? fallback(length),
  };
  const digest = createHash("sha256")
    .update(JSON.stringify({ ...body, why: "" }))
    .digest("hex");
  const vector: FileDecodeVector = { id: `${profile.profile}/imported-${digest.slice(0, 8)}`, ...body };
  return {
    vector,
    exact: said === undefined ? exactly(vector, profile, cuts) : undefined,
    notes: notesOf(side, body, sibling),
  };
}

const fallback = (length: number): DecodeSweeps => (length <= SWEPT ? { cuts: true } : {});

/** Of a stream that is to be shorter: whole messages, and then an end. */
function shortened(apart: Apart, { messages }: Context): Apart {
  return messages === undefined ? apart : { ...apart, messages: apart.messages.slice(0, messages) };
}

/** The least limit of the profile's accepted vectors in which every length of the stream fits: there a sibling is to be had. */
function limitsFor(side: SentBy, { maxFrameLength, profile, vectors }: Context): Limits {
  if (maxFrameLength !== undefined) return { max_frame_length: String(maxFrameLength) };
  const bytes = Buffer.concat(side.reads);
  // A length that is larger than all that came is judged as whoever had it would: by the largest limit there is.
  const { largest } = takeApart(profile.profile, bytes, 1n << 62n) as Apart;
  const known = vectors
    .filter(
      ({ at_eof, limits }) =>
        at_eof === "end" && Object.keys(limits).length === 1 && limits.max_frame_length !== undefined,
    )
    .map(({ limits }) => BigInt(limits.max_frame_length as string))
    .sort((a, b) => (a < b ? -1 : 1));
  const common = known.filter((limit) => limit >= 1024n);
  const fits = common.find((limit) => limit >= largest);
  if (fits !== undefined) return { max_frame_length: String(fits) };
  const came = BigInt(bytes.length);
  return { max_frame_length: String(largest <= came ? came : (common.at(-1) ?? came)) };
}

function textOf(apart: Apart, limits: Limits, { words, profile }: Context): string | undefined {
  const about = { op: "case", seq: 0, id: "import", profile: profile.profile, role: "decode", limits } as const;
  const answer = words?.({ ...about, steps: stepsOf(apart) });
  const error = answer?.op === "result" ? answer.steps.flat().find(({ event }) => event === "error") : undefined;
  return error?.event === "error" ? error.text : undefined;
}

function cutsOf(reads: readonly Uint8Array[], length: number): number[] {
  const cuts: number[] = [];
  let at = 0;
  for (const read of reads) {
    at += read.length;
    if (at < length) cuts.push(at);
  }
  return cuts;
}

interface Shown {
  readonly events: readonly FileEvent[];
  readonly at_eof: "end" | EventClass | undefined;
  readonly cuts: readonly number[];
  /** The reference's words for what it refuses. */
  readonly text: string | undefined;
}

/** What the stream shows: that reads do not matter, how it ends, and what it breaks. */
function rulesOf(
  { profile, derived }: ProfileFile,
  { events, at_eof, cuts, text }: Shown,
  refusals: Refusals,
): string[] {
  const of = (name: string) => derived[name as "chunking"] ?? [];
  const error = events.find((event) => event.event === "error");
  const rules = [
    ...(error?.event === "error" ? refusals.rulesOf(profile, error.class, text) : []),
    ...(at_eof === undefined ? [] : of(at_eof)),
    ...(cuts.length > 0 ? of("chunking") : []),
    ...(events.length > cuts.length + 1 ? of("glued") : []),
  ];
  return [...new Set(rules.length > 0 ? rules : of("chunking"))];
}

/** An accepted vector to stand beside a refusal, under the same limits where there is one. */
function siblingOf(vectors: readonly FileDecodeVector[], limits: Limits): FileDecodeVector | undefined {
  const accepted = vectors.filter(({ at_eof }) => at_eof === "end");
  return accepted.find((vector) => sameLimits(vector.limits, limits)) ?? accepted[0];
}

function notesOf(
  { ending }: SentBy,
  { limits, at_eof }: { readonly limits: Limits; readonly at_eof?: string },
  sibling: FileDecodeVector | undefined,
): string[] {
  const notes: string[] = [];
  if (ending === "reset")
    notes.push("the connection was reset; a vector ends, so this one does behind the last byte that came");
  if (ending === undefined) notes.push("the capture stops before the connection; the vector ends where it does");
  if (sibling !== undefined && !sameLimits(sibling.limits, limits)) {
    notes.push(
      `no accepted vector has the limit ${limits.max_frame_length}: before this one is committed it needs a sibling that does`,
    );
  }
  if (at_eof === undefined && sibling === undefined) notes.push("a refusal needs an accepted sibling");
  return notes;
}

/** The case that is the capture, read for read. */
function exactly(vector: FileDecodeVector, profile: ProfileFile, cuts: readonly number[]): Case {
  const compiled = compileVector(vector, profile, () => new Uint8Array());
  if (compiled.role !== "decode") throw new Error("unreachable: a capture is decoded");
  const { steps, expected, marks } = new Script(compiled.stream).reads(cuts).eof();
  const { id, rules, level, limits, why } = vector;
  return {
    ...{ id: `${id}#reads=captured`, vector: id, rules, level, profile: profile.profile, role: "decode", limits },
    ...{ steps, expected: expected as readonly (readonly Event[])[], why, marks },
    ...(vector.sibling !== undefined && { sibling: vector.sibling }),
  };
}
