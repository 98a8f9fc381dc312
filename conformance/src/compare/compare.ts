import type { Case, Corpus } from "../corpus/types.ts";
import type { CaseReport } from "../report/report.ts";
import { casesOf } from "../runner.ts";
import { type Compared, EXPECTED, type Said, saidOf } from "./answers.ts";

/** One implementation of a comparison, by a name that no other of it has. */
export interface Testee {
  readonly name: string;
  readonly version: string;
  readonly language: string;
  readonly way: string;
  readonly exit: number;
  /** Cases that it answered. */
  readonly answered: number;
}

/** One answer, and who gave it. */
export interface Answer extends Said {
  readonly testees: readonly string[];
}

/** Cases of one vector that part the implementations alike: the first, and how many more. */
export interface Difference {
  readonly id: string;
  readonly vector: string;
  readonly profile: string;
  readonly rules: readonly string[];
  /** Absent where the corpus has none of this name: a check of the link, or a scenario on connections. */
  readonly case?: Case;
  readonly more: readonly string[];
  readonly answers: readonly Answer[];
}

export interface Comparison {
  readonly corpus: { readonly hash: string; readonly vectors: number };
  readonly testees: readonly Testee[];
  /** Cases that two or more answered, and those of them that all who did answered alike. */
  readonly compared: number;
  readonly agreed: number;
  /** Cases that one alone answered. */
  readonly alone: number;
  readonly differences: readonly Difference[];
  /** By rule: in how many vectors they differ. */
  readonly rules: readonly { readonly rule: string; readonly vectors: number }[];
  /** All who answered gave the same answer, and not one that the corpus allows. */
  readonly against: readonly string[];
}

/** Reports that cannot be held against each other. */
export class ComparisonError extends Error {
  override readonly name = "ComparisonError";
}

/**
 * Holds the answers of several implementations against each other: where they differ, though each was written from the same text, that text is
 * vague, or one of them is wrong. `corpusOf` gives the cases, those that a seed makes among them.
 */
export function compare(reports: readonly Compared[], corpusOf: (seed: string) => Corpus): Comparison {
  const [first] = reports;
  if (first === undefined || reports.length < 2) throw new ComparisonError("expected two or more implementations");
  const corpus = corpusOf(first.summary.seed);
  sameCorpus(reports, corpus);
  const names = namesOf(reports);
  const same = reports.every(({ summary }) => summary.seed === first.summary.seed);
  const table = new Map<string, Map<string, Said>>();
  const answered = new Map<string, number>();
  for (const [i, report] of reports.entries()) {
    const name = names[i] ?? "";
    for (const about of report.cases) {
      // What follows from the seed is the same case only where the seed is.
      if (!same && ofSeed(about)) continue;
      const said = saidOf(about);
      if (said === undefined) continue;
      answered.set(name, (answered.get(name) ?? 0) + 1);
      const row = table.get(about.id) ?? new Map<string, Said>();
      table.set(about.id, row.set(name, said));
    }
  }
  const shared = [...table].filter(([, row]) => row.size > 1);
  const parted = new Map(shared.filter(([, row]) => new Set([...row.values()].map(({ key }) => key)).size > 1));
  const differences = grouped(parted, corpus, names);
  const alike = shared.filter(([id, row]) => !parted.has(id) && !isAllowed([...row.values()][0]));
  return {
    corpus: first.corpus,
    testees: reports.map(({ iut, summary }, i) => ({
      name: names[i] ?? "",
      ...{ version: iut?.version ?? "", language: iut?.language ?? "", way: iut?.way ?? "" },
      ...{ exit: summary.exit, answered: answered.get(names[i] ?? "") ?? 0 },
    })),
    compared: shared.length,
    agreed: shared.length - parted.size,
    alone: table.size - shared.length,
    differences,
    rules: rulesOf(differences),
    against: alike.map(([id]) => id),
  };
}

/** Two of the same id are the same case in one corpus only; and in another the case is another one than was answered. */
export function sameCorpus(reports: readonly Compared[], { hash }: Corpus): void {
  const [first] = reports;
  if (first === undefined) return;
  const other = reports.find(({ corpus }) => corpus.hash !== first.corpus.hash);
  if (other !== undefined) {
    throw new ComparisonError(`expected reports of one corpus, ${first.corpus.hash}; one is of ${other.corpus.hash}`);
  }
  if (first.corpus.hash !== hash) {
    throw new ComparisonError(
      `expected reports of the corpus that is here, ${hash}; they are of ${first.corpus.hash}; --corpus names the folder of that one`,
    );
  }
}

const ofSeed = ({ id }: CaseReport) => id.startsWith("challenge/") || id.startsWith("link-check/");

const isAllowed = (said: Said | undefined) => said?.key === EXPECTED || said?.alternative !== undefined;

/** Names of implementations; of several that bear the same, the second is `name #2`. */
function namesOf(reports: readonly Compared[]): string[] {
  const seen = new Map<string, number>();
  return reports.map(({ iut }, i) => {
    const name = iut?.name ?? `no implementation, ${i + 1}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name} #${times}`;
  });
}

function grouped(
  parted: ReadonlyMap<string, ReadonlyMap<string, Said>>,
  corpus: Corpus,
  names: readonly string[],
): Difference[] {
  const cases = new Map<string, Case>();
  for (const about of casesOf(corpus, (id) => parted.has(id))) cases.set(about.id, about);
  const scenarios = new Map(
    corpus.wire?.flatMap(({ profile, scenarios }) => scenarios.map((one) => [one.id, { profile, ...one }] as const)),
  );
  const groups = new Map<string, Difference & { readonly more: string[] }>();
  for (const [id, row] of parted) {
    const answers = answersOf(row, names);
    const about = cases.get(id);
    const scenario = about === undefined ? scenarioOf(id, scenarios) : undefined;
    const vector = about?.vector ?? scenario?.id ?? id.split("#", 1)[0] ?? id;
    const key = JSON.stringify([vector, answers.map(({ testees }) => testees)]);
    const group = groups.get(key);
    if (group !== undefined) {
      group.more.push(id);
      continue;
    }
    const profile = about?.profile ?? scenario?.profile ?? "";
    const rules = about?.rules ?? scenario?.rules ?? [];
    groups.set(key, { id, vector, profile, rules, ...(about && { case: about }), more: [], answers });
  }
  return [...groups.values()];
}

/** The longest name of a scenario that the id of one of its cases begins with. */
function scenarioOf<T extends { readonly id: string }>(id: string, scenarios: ReadonlyMap<string, T>): T | undefined {
  for (let name = id; name.includes("/"); name = name.slice(0, name.lastIndexOf("/"))) {
    const found = scenarios.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Who gave the same answer stands together, the expected answer first. */
function answersOf(row: ReadonlyMap<string, Said>, names: readonly string[]): Answer[] {
  const groups = new Map<string, Said & { testees: string[] }>();
  for (const name of names) {
    const said = row.get(name);
    if (said === undefined) continue;
    const group = groups.get(said.key);
    if (group === undefined) groups.set(said.key, { ...said, testees: [name] });
    else group.testees.push(name);
  }
  const rank = ({ key, alternative }: Said) => (key === EXPECTED ? 0 : alternative === undefined ? 2 : 1);
  return [...groups.values()].sort((a, b) => rank(a) - rank(b));
}

function rulesOf(differences: readonly Difference[]): Comparison["rules"] {
  const vectors = new Map<string, Set<string>>();
  for (const { rules, vector } of differences) {
    for (const rule of rules) vectors.set(rule, (vectors.get(rule) ?? new Set()).add(vector));
  }
  return [...vectors]
    .map(([rule, all]) => ({ rule, vectors: all.size }))
    .sort((a, b) => b.vectors - a.vectors || (a.rule < b.rule ? -1 : 1));
}
