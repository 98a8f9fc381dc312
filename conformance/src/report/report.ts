import manifest from "../../package.json" with { type: "json" };
import type { BaselineProblem } from "../baseline.ts";
import type { Contradiction } from "../contradictions.ts";
import type { Events, Granularity, Hello } from "../protocol.ts";
import { type Counts, count, type ExitCode, type Outcome, type Verdict, type Word, wordOf } from "../verdict.ts";
import { failureOf } from "./failure.ts";
import { probesOf } from "./probes.ts";
import { streamOf } from "./stream.ts";

/** What reports say of this program. */
export const HARNESS = { name: "tensorwire", version: manifest.version } as const;

/** What a run was narrowed to; null where it was not. */
export interface Selection {
  readonly profiles: readonly string[] | null;
  readonly filter: string | null;
}

/** What a run came to. The reporters read this and nothing else. */
export interface Report {
  readonly exit: ExitCode;
  /** One sentence where no run came about, or the reason of exit 3, 4 or 5. */
  readonly trouble: string | undefined;
  /** The last lines of the link, where the link or the adapter is the trouble. */
  readonly record: readonly string[];
  readonly seconds: number;
  readonly seed: string;
  /** The command that repeats this run, without a filter. */
  readonly command: string;
  readonly way: string;
  readonly links: number;
  readonly restarts: number;
  /** What a reader has to know of a run that could not show everything. */
  readonly notes: readonly string[];
  readonly iut: Hello["iut"] | undefined;
  readonly capabilities: readonly string[];
  readonly granularity: Granularity;
  readonly corpus: { readonly hash: string; readonly vectors: number };
  readonly selection: Selection;
  /** By vector: the family whose file it stands in. */
  readonly families: ReadonlyMap<string, string>;
  readonly outcomes: readonly Outcome[];
  readonly notRun: ReadonlyMap<string, number>;
  /** What is wrong with the baseline. */
  readonly baseline: readonly BaselineProblem[];
  /** What hello says and the answers do not bear out. */
  readonly contradictions: readonly Contradiction[];
}

/** What the words of the profiles follow from: a report, or the lines of an event stream. */
export interface Judged {
  readonly outcomes: readonly Pick<Outcome, "profile" | "verdict">[];
  readonly notRun: ReadonlyMap<string, number>;
}

export interface ProfileSummary {
  readonly profile: string;
  readonly word: Word;
  readonly counts: Counts;
  readonly notRun: number;
}

export function profilesOf({ outcomes, notRun }: Judged): ProfileSummary[] {
  const groups = new Map<string, Pick<Outcome, "verdict">[]>([...notRun.keys()].map((profile) => [profile, []]));
  for (const outcome of outcomes) {
    const group = groups.get(outcome.profile);
    if (group === undefined) groups.set(outcome.profile, [outcome]);
    else group.push(outcome);
  }
  return [...groups].map(([profile, group]) => {
    const counts = count(group);
    const left = notRun.get(profile) ?? 0;
    return { profile, counts, notRun: left, word: wordOf(counts, left) };
  });
}

/** What is said, where every line is a case, of those that were not put to the IUT. */
export const notRunText = (left: number) => `${left === 1 ? "1 case was" : `${left} cases were`} not run`;

/** Verdicts that get a page. */
const PAGED: ReadonlySet<Verdict> = new Set([
  "fail",
  "disagreement",
  "warn",
  "crash",
  "timeout",
  "fixed",
  "adapter error",
  "harness error",
]);

/** Cases of one vector with one verdict: the first in full, the others as a number. */
export interface FailureGroup {
  readonly first: Outcome;
  readonly more: number;
}

/**
 * The simplest first, and the profiles in turn: who reads only a few pages reads the best ones. `known`: known failures too,
 * which nobody needs to be told of, but which some look up.
 */
export function failuresOf({ outcomes }: Report, known = false): FailureGroup[] {
  const profiles = new Map<string, Map<string, { first: Outcome; more: number }>>();
  for (const outcome of outcomes) {
    if (!PAGED.has(outcome.verdict) && !(known && outcome.verdict === "known-fail")) continue;
    const groups = profiles.get(outcome.profile) ?? new Map<string, { first: Outcome; more: number }>();
    profiles.set(outcome.profile, groups);
    const key = `${outcome.verdict} ${outcome.case?.vector ?? outcome.id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: outcome, more: 0 });
    else group.more++;
  }
  const sorted = [...profiles.values()].map((groups) =>
    [...groups.values()].sort((a, b) => weightOf(a.first) - weightOf(b.first)),
  );
  const longest = Math.max(0, ...sorted.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => sorted.flatMap((groups) => groups[i] ?? [])).flat();
}

/** How much there is to read: the bytes and steps of a case. */
function weightOf({ case: about }: Outcome): number {
  if (about === undefined) return 0;
  return about.steps.length + streamOf(about).total;
}

/** How many fake ranks were left waiting for ever, and in how many scenarios they were counted. r[iut.rank.not-stranded] */
export function strandedOf({ outcomes }: Report): { readonly scenarios: number; readonly ranks: number } {
  const counted = outcomes.flatMap(({ stranded }) => stranded ?? []);
  return { scenarios: counted.length, ranks: counted.reduce((sum, ranks) => sum + ranks, 0) };
}

/** What nobody looked at, in a sentence or none. r[iut.probe.memory.resident] r[iut.wire.resident] */
export function unwatchedOf({ outcomes }: Pick<Report, "outcomes">): readonly string[] {
  const cases = outcomes.filter(({ unwatched }) => unwatched).length;
  if (cases === 0) return [];
  const passed = cases === 1 ? "1 case passed" : `${cases} cases passed`;
  return [
    `memory: ${passed} by the implementation's word alone; the harness did not start the process, or the system has no /proc`,
  ];
}

export interface CaseReport {
  readonly id: string;
  readonly verdict: Verdict;
  /** Of a pass by another answer than the expected one: why that is as right. */
  readonly alternative?: string;
  readonly expected?: Events;
  readonly actual?: Events;
  /** Events that `actual` does not have, from the ends of its steps; absent where it has all. */
  readonly omitted?: number;
  readonly text?: string;
  /** Of a known failure: what its entry in the baseline says. */
  readonly reason?: string;
  /** Where it is not 0. */
  readonly stranded?: number;
}

/** The object of `--json`. */
export function jsonReport(report: Report) {
  const { exit, seconds, seed, command, way, links, restarts, iut, granularity, corpus, notRun, trouble, notes } =
    report;
  const { capabilities, selection, families, baseline, contradictions } = report;
  const counts = count(report.outcomes);
  const told = [...notes, ...unwatchedOf(report)];
  return {
    report: 1,
    harness: HARNESS,
    summary: {
      exit,
      ...counts,
      total: report.outcomes.length,
      "not run": [...notRun.values()].reduce((sum, left) => sum + left, 0),
      stranded: strandedOf(report).ranks,
      seconds: Math.round(seconds * 1000) / 1000,
      seed,
      ...(told.length === 0 ? {} : { notes: told }),
      ...(trouble === undefined ? {} : { trouble, link: report.record }),
    },
    iut: iut === undefined ? null : { ...iut, way, links, restarts, error_granularity: granularity, capabilities },
    corpus,
    selection,
    profiles: profilesOf(report),
    probes: probesOf(report),
    baseline: { problems: baseline },
    contradictions,
    command,
    families: Object.fromEntries(families),
    cases: report.outcomes.map(caseReport),
    failures: failuresOf(report, true).map((group) => failureOf(group, report)),
  };
}

/** The object of `--json`. */
export type JsonReport = ReturnType<typeof jsonReport>;

export function caseReport(outcome: Outcome): CaseReport {
  const { id, verdict, case: about, actual, omitted, difference, text, stranded = 0 } = outcome;
  const { alternative } = outcome;
  if (verdict === "pass") return { id, verdict, ...(alternative !== undefined && { alternative }) };
  const explanation = difference?.problem ?? text;
  return {
    id,
    verdict,
    ...(about === undefined || verdict === "not applicable" ? {} : { expected: about.expected }),
    ...(actual === undefined ? {} : { actual }),
    ...(omitted === undefined ? {} : { omitted }),
    ...(explanation === undefined ? {} : { text: explanation }),
    ...(verdict === "known-fail" ? { reason: text ?? "" } : {}),
    ...(stranded === 0 ? {} : { stranded }),
  };
}
