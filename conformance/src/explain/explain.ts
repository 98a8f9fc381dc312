import type { Meaning } from "../corpus/history.ts";
import { type CorpusFiles, readCorpusFiles } from "../corpus/index.ts";
import type { Case, Corpus } from "../corpus/types.ts";
import { describeEvents } from "../report/describe.ts";
import { hexdump } from "../report/hexdump.ts";
import type { Paint } from "../report/paint.ts";
import { streamOf } from "../report/stream.ts";
import { countsText, itemsInto, limitsText, meaningText, ruleLines, stepLines } from "./lines.ts";
import { listCorpus } from "./list.ts";
import { type Rule, rulesOf } from "./rules.ts";
import { explainScenario, type ScenarioExplanation, scenarioText } from "./scenario.ts";

/** A mutant as `bun run mutants --json` tells of it, as far as this page needs. */
export interface ToldMutant {
  readonly id: string;
  readonly rules: readonly string[];
  readonly why: string;
  readonly fate: string;
  /** The case that killed it first. */
  readonly first: string | null;
}

export type Explanation = CaseExplanation | ScenarioExplanation;

/** Everything there is to say about a vector, or about one case of it, of a sweep or of a probe. */
export interface CaseExplanation {
  readonly about: Case;
  /** Of the vector, by the history. */
  readonly meaning: Meaning | undefined;
  readonly family: { readonly name: string; readonly about: string } | undefined;
  readonly rules: readonly Rule[];
  /** Cases by sweep, where a vector was asked for. */
  readonly sweeps: Readonly<Record<string, number>>;
  readonly cases: number;
  /** The same by probe of level 3. */
  readonly probes: Readonly<Record<string, number>>;
  /** The accepting sibling, and the vectors that name this one as theirs. */
  readonly sibling: string | undefined;
  readonly siblingOf: readonly string[];
  /** Real defects that it would have shown. */
  readonly defects: readonly { readonly id: string; readonly what: string | undefined }[];
  readonly mutants: readonly ToldMutant[];
}

export interface ExplainSources {
  readonly corpus: Corpus;
  /** The folders of the corpus and of the specification. */
  readonly vectors: string;
  readonly spec: string;
  readonly mutants?: readonly ToldMutant[];
}

/** Undefined where no vector, no case and no scenario bears the id. */
export function explain(id: string, sources: ExplainSources): Explanation | undefined {
  const { corpus, vectors, spec, mutants = [] } = sources;
  const scenario = explainScenario(id, sources);
  if (scenario !== undefined) return scenario;
  const about = caseOf(id, corpus);
  if (about === undefined) return undefined;
  const { vector } = about;
  const files = readCorpusFiles(vectors);
  const own = id === vector ? listCorpus(corpus, (other) => other.split("#", 1)[0] === vector).vectors[0] : undefined;
  const { defects = [], siblingOf, family } = inFiles(vector, files);
  return {
    about,
    meaning: corpus.meanings?.get(vector),
    family,
    rules: rulesOf(about.rules, spec),
    sweeps: own?.sweeps ?? {},
    cases: own?.cases ?? 1,
    probes: own?.probes ?? {},
    sibling: about.sibling,
    siblingOf,
    defects: defects.map((defect) => ({ id: defect, what: files.defects[defect] })),
    mutants: mutants.filter(({ first, rules, fate }) => {
      if (fate !== "killed" || first === null) return false;
      return first.split("#", 1)[0] === vector || rules.some((rule) => about.rules.includes(rule));
    }),
  };
}

function caseOf(id: string, corpus: Corpus): Case | undefined {
  const wanted = (other: string) => other === id;
  for (const about of corpus.cases(wanted, (vector) => vector === id.split("#", 1)[0])) return about;
  for (const about of corpus.probes?.(wanted) ?? []) return about;
  return undefined;
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

/** Vectors and scenarios that someone may have meant: those that share most pairs of letters with the id. */
export function nearest(id: string, corpus: Corpus, most = 5): string[] {
  const wanted = pairsOf(id.split("#", 1)[0] ?? id);
  const vectors = [...corpus.cases((other) => !other.includes("#"))];
  const scenarios = (corpus.wire ?? []).flatMap((file) => file.scenarios);
  const found: { readonly name: string; readonly score: number }[] = [];
  for (const { id: name } of [...vectors, ...scenarios]) {
    const pairs = pairsOf(name);
    const score = (2 * wanted.intersection(pairs).size) / (wanted.size + pairs.size);
    if (score > 0.4) found.push({ name, score });
  }
  return found
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ name }) => name);
}

const pairsOf = (word: string) => new Set(Array.from({ length: word.length - 1 }, (_, i) => word.slice(i, i + 2)));

/** An explanation for people. */
export function explainText(explanation: Explanation, paint: Paint): string {
  return "scenario" in explanation ? scenarioText(explanation, paint) : caseText(explanation, paint);
}

function caseText(explanation: CaseExplanation, paint: Paint): string {
  const { about, meaning, family, rules, sweeps, cases, probes, sibling, siblingOf, defects, mutants } = explanation;
  const lines = [paint.bold(about.id), about.why, ""];
  const item = itemsInto(lines);
  item("profile", `${about.profile}, ${about.role}, ${about.level}`);
  item("family", family && `${family.name}: ${family.about}`);
  item("limits", limitsText(about.limits));
  item("digest", meaningText(meaning));
  item("requires", about.requires?.join(", "));
  item("sibling", sibling && `${sibling} is its accepted neighbour`);
  item("sibling of", siblingOf.join(", "));
  for (const { id, what } of defects) item("defect", what === undefined ? id : `${id}: ${what}`);
  if (cases > 1) {
    item("cases", `${cases}: itself, ${countsText(sweeps)}`);
  }
  item("probes", countsText(probes));
  lines.push(...ruleLines(rules, paint));
  const stream = streamOf(about);
  if (stream.total > 0) {
    const row = stream.connections > 1 ? `, ${stream.connections} connections one behind the other` : "";
    lines.push("", paint.bold(`Bytes: ${stream.total}, a | where a read ends${row}`));
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
