import { type CorpusFiles, readCorpusFiles } from "../corpus/index.ts";
import type { Case, Corpus } from "../corpus/types.ts";
import { describeEvents, describeStep } from "../report/describe.ts";
import { hexdump } from "../report/hexdump.ts";
import type { Paint } from "../report/paint.ts";
import { streamOf } from "../report/stream.ts";
import { listCorpus } from "./list.ts";
import { type Rule, readRules } from "./rules.ts";

/** A mutant as `bun run mutants --json` tells of it, as far as this page needs. */
export interface ToldMutant {
  readonly id: string;
  readonly rules: readonly string[];
  readonly why: string;
  readonly fate: string;
  /** The case that killed it first. */
  readonly first: string | null;
}

/** Everything there is to say about a vector, or about one case of it. */
export interface Explanation {
  readonly about: Case;
  readonly family: { readonly name: string; readonly about: string } | undefined;
  readonly rules: readonly Rule[];
  /** Cases by sweep, where a vector was asked for. */
  readonly sweeps: Readonly<Record<string, number>>;
  readonly cases: number;
  /** The accepting sibling, and the vectors that name this one as theirs. */
  readonly sibling: string | undefined;
  readonly siblingOf: readonly string[];
  readonly defects: readonly string[];
  readonly mutants: readonly ToldMutant[];
}

export interface ExplainSources {
  readonly corpus: Corpus;
  /** The folders of the corpus and of the specification. */
  readonly vectors: string;
  readonly spec: string;
  readonly mutants?: readonly ToldMutant[];
}

/** Undefined where no vector and no case bears the id. */
export function explain(id: string, { corpus, vectors, spec, mutants = [] }: ExplainSources): Explanation | undefined {
  const [about] = corpus.cases((other) => other === id);
  if (about === undefined) return undefined;
  const { vector } = about;
  const files = readCorpusFiles(vectors);
  const stated = readRules(spec);
  const own = id === vector ? listCorpus(corpus, (other) => other.split("#", 1)[0] === vector).vectors[0] : undefined;
  const { defects = [], siblingOf, family } = inFiles(vector, files);
  return {
    about,
    family,
    rules: about.rules.map((rule) => stated.get(rule) ?? { id: rule, text: "", place: "not in the specification" }),
    sweeps: own?.sweeps ?? {},
    cases: own?.cases ?? 1,
    sibling: about.sibling,
    siblingOf,
    defects,
    mutants: mutants.filter(({ first, rules, fate }) => {
      if (fate !== "killed" || first === null) return false;
      return first.split("#", 1)[0] === vector || rules.some((rule) => about.rules.includes(rule));
    }),
  };
}

function inFiles(id: string, { families }: CorpusFiles) {
  const all = families.flatMap(({ family }) => family.vectors);
  const home = families.find(({ family }) => family.vectors.some((vector) => vector.id === id))?.family;
  return {
    family: home && { name: home.family, about: home.about },
    defects: all.find((vector) => vector.id === id)?.defects,
    siblingOf: all.filter(({ sibling }) => sibling === id).map((vector) => vector.id),
  };
}

/** Vectors that someone may have meant: those that share most pairs of letters with the id. */
export function nearest(id: string, corpus: Corpus, most = 5): string[] {
  const wanted = pairsOf(id.split("#", 1)[0] ?? id);
  const found: { readonly vector: string; readonly score: number }[] = [];
  for (const { id: vector } of corpus.cases((other) => !other.includes("#"))) {
    const pairs = pairsOf(vector);
    const score = (2 * wanted.intersection(pairs).size) / (wanted.size + pairs.size);
    if (score > 0.4) found.push({ vector, score });
  }
  return found
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ vector }) => vector);
}

const pairsOf = (word: string) => new Set(Array.from({ length: word.length - 1 }, (_, i) => word.slice(i, i + 2)));

const STEPS = 24;

/** An explanation for people. */
export function explainText(explanation: Explanation, paint: Paint): string {
  const { about, family, rules, sweeps, cases, sibling, siblingOf, defects, mutants } = explanation;
  const limits = Object.entries(about.limits).map(([name, value]) => `${name} ${value}`);
  const lines = [paint.bold(about.id), about.why, ""];
  const item = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== "") lines.push(`${name.padEnd(11)}${value}`);
  };
  item("profile", `${about.profile}, ${about.role}, ${about.level}`);
  item("family", family && `${family.name}: ${family.about}`);
  item("limits", limits.join(", "));
  item("sibling", sibling && `${sibling} differs in one point and is accepted`);
  item("sibling of", siblingOf.join(", "));
  item("defects", defects.join(", "));
  if (cases > 1) {
    const parts = Object.entries(sweeps).map(([sweep, count]) => `${sweep} ${count}`);
    item("cases", `${cases}: itself, ${parts.join(", ")}`);
  }
  lines.push("", paint.bold("Rules"));
  for (const { id, text, place } of rules) lines.push(`  r[${id}]  ${paint.dim(place)}`, `    ${text}`);
  const stream = streamOf(about);
  if (stream.total > 0) {
    lines.push("", paint.bold(`Bytes: ${stream.total}, a | where a read ends`));
    lines.push(...hexdump(stream.bytes, { ...stream, marks: about.marks }).map((line) => `  ${line}`));
  }
  lines.push("", paint.bold("Steps"), ...stepLines(about, stream.ends));
  for (const { reason, expected } of about.alternatives ?? []) {
    const events = expected.map((list) => describeEvents(list)).join(" / ");
    lines.push("", `${paint.bold("Also right")}: ${reason}`, `  ${events}`);
  }
  if (mutants.length > 0) {
    lines.push("", paint.bold("Mutants that die by these rules"));
    const vector = (first: string | null) => (first?.split("#", 1)[0] === about.vector ? "here first" : (first ?? ""));
    for (const { id, why, first } of mutants) lines.push(`  ${id}  ${why}  ${paint.dim(vector(first))}`);
  }
  return `${lines.join("\n")}\n`;
}

function stepLines({ steps, expected }: Case, ends: readonly number[]): string[] {
  const lines = steps.slice(0, STEPS).map((step, i) => {
    const position = (ends[i] ?? 0) === 0 ? "" : ` → ${ends[i]}`;
    return `  ${String(i).padStart(3)}  ${`${describeStep(step)}${position}`.padEnd(34)}  ${describeEvents(expected[i])}`;
  });
  return steps.length > STEPS ? [...lines, `  … ${steps.length - STEPS} steps more`] : lines;
}
