import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CorpusFiles, readCorpusFiles } from "../corpus/files.ts";
import { compileVector } from "../corpus/vector.ts";
import type { FileDecodeVector } from "../corpus/vector-file.ts";
import type { Answer, CaseRequest, Event } from "../protocol.ts";

/** Which rules a refusal is of. */
export interface Refusals {
  /**
   * The rules that a stream of the profile breaks which is refused with this class. More than one where the specification does not tell them
   * apart; none where it has no such refusal.
   */
  rulesOf(profile: string, eventClass: string, text?: string): readonly string[];
}

interface Refused {
  readonly rules: readonly string[];
  readonly text: string | undefined;
}

export interface RefusalSources {
  /** The folder of the corpus, or what it holds. */
  readonly corpus: string | CorpusFiles;
  /** The folder of the specification. */
  readonly spec: string;
  /** Only these: nothing is known of others. Default: all. */
  readonly profiles?: readonly string[];
  /** A decoder whose texts tell refusals of one class apart: it is put to every vector that is refused. */
  readonly answer?: (request: CaseRequest) => Answer;
}

/**
 * The table of rules by refusal. What is wrong with a field stands in the layouts of the specification (`spec/layouts`), and what is wrong with
 * anything else in the corpus, whose vectors say the class and name the rules: those count that are refused in the same words.
 */
export function refusalsOf({ corpus, spec, profiles, answer }: RefusalSources): Refusals {
  const { families } = typeof corpus === "string" ? readCorpusFiles(corpus) : corpus;
  const table = new Map<string, Refused[]>();
  for (const { family, profile, bins } of families) {
    if (profiles?.includes(family.profile) === false) continue;
    for (const vector of family.vectors) {
      const word = vector.role === "decode" ? classOf(vector) : undefined;
      if (vector.role !== "decode" || word === undefined) continue;
      const compiled = compileVector(vector, profile, bins);
      const stream = compiled.role === "decode" ? compiled.stream.bytes : new Uint8Array();
      const text = answer && textOf(answer, family.profile, vector, stream);
      const key = `${family.profile} ${word}`;
      const list = table.get(key);
      const refused = { rules: vector.rules, text };
      if (list === undefined) table.set(key, [refused]);
      else list.push(refused);
    }
  }
  const layouts = ofLayouts(join(spec, "layouts"));
  return {
    rulesOf(profile, eventClass, text) {
      const key = `${profile} ${eventClass}`;
      const all = table.get(key) ?? [];
      const fields = layouts.get(key) ?? new Set();
      const same = text === undefined ? [] : sameWords(all, text);
      const known = same
        .map(({ rules }) => rules.filter((rule) => fields.has(rule)))
        .filter(({ length }) => length > 0);
      if (known.length > 0) return shared(known);
      if (same.length === 0 && fields.size > 0) return [...fields];
      return shared((same.length > 0 ? same : all).map(({ rules }) => rules));
    },
  };
}

/** The refusals that read the same: numbers apart, and where there is none, names apart too. */
function sameWords(all: readonly Refused[], text: string): Refused[] {
  for (const plain of [withoutNumbers, withoutNames]) {
    const words = plain(text);
    const same = all.filter((one) => one.text !== undefined && plain(one.text) === words);
    if (same.length > 0) return same;
  }
  return [];
}

/** A zero is a word of its own: nothing was left, none came. Places in the stream are numbers like any. */
const withoutNumbers = (text: string) => text.replaceAll(/(?<=\bbyte )\d+|[1-9]\d*/g, "#");
const withoutNames = (text: string) => text.replaceAll(/"[^"]*"|\d+/g, "#");

/** By profile and class: the rules that the layouts name for their fields. */
function ofLayouts(folder: string): ReadonlyMap<string, ReadonlySet<string>> {
  const table = new Map<string, Set<string>>();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".json") || file.endsWith(".schema.json")) continue;
    const layout = JSON.parse(readFileSync(join(folder, file), "utf8")) as { readonly streams: readonly string[] };
    for (const { class: word, rule } of refusalsIn(layout)) {
      for (const profile of layout.streams) {
        const rules = table.get(`${profile} ${word}`) ?? new Set();
        table.set(`${profile} ${word}`, rules.add(rule));
      }
    }
  }
  return table;
}

/** Wherever a layout says what is refused, it says the class and the rule. */
function* refusalsIn(node: unknown): Generator<{ readonly class: string; readonly rule: string }> {
  if (typeof node !== "object" || node === null) return;
  const { class: word, rule } = node as Readonly<Record<string, unknown>>;
  if (typeof word === "string" && typeof rule === "string") yield { class: word, rule };
  for (const inner of Object.values(node)) yield* refusalsIn(inner);
}

/** The class of a vector that is refused. */
function classOf({ events, at_eof }: FileDecodeVector): string | undefined {
  const error = events.find((event) => event.event === "error");
  if (error?.event === "error") return error.class;
  return at_eof === "end" ? undefined : at_eof;
}

/** Longer streams are not put to a decoder for the sake of a text. */
const MOST = 1 << 16;

function textOf(
  answer: (request: CaseRequest) => Answer,
  profile: string,
  { id, limits }: FileDecodeVector,
  stream: Uint8Array,
): string | undefined {
  if (stream.length > MOST) return undefined;
  const steps = [{ feed: stream.toHex() }, { eof: true }] as const;
  const answered = answer({ op: "case", seq: 0, id, profile, role: "decode", limits, steps });
  if (answered.op !== "result") return undefined;
  const error = answered.steps.flat().find((event: Event) => event.event === "error");
  return error?.event === "error" ? error.text : undefined;
}

/** The rules that most of them name: what a single vector shows beside them is its own affair. */
function shared(named: readonly (readonly string[])[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const rule of named.flat()) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return [...counts].filter(([, count]) => count === most).map(([rule]) => rule);
}
