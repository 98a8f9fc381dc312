import type { Case } from "./corpus/types.ts";
import type { Difference } from "./judge.ts";
import type { Events } from "./protocol.ts";

/** Twelve words: what a case may come to. They differ on purpose, and none is inferred from another. */
export const VERDICTS = [
  "pass",
  "fail",
  "disagreement",
  "warn",
  "declined",
  "not applicable",
  "known-fail",
  "fixed",
  "crash",
  "timeout",
  "adapter error",
  "harness error",
] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Counts = Readonly<Record<Verdict, number>>;

export interface Outcome {
  readonly id: string;
  readonly profile: string;
  readonly verdict: Verdict;
  /** Of a pass by another answer than the expected one: why that is as right. */
  readonly alternative?: string;
  /** Of a pass: the memory of the process was to be watched, and could not be. */
  readonly unwatched?: true;
  /** What follows is absent from a pass. */
  readonly case?: Case;
  readonly actual?: Events;
  /** Events of the answer that `actual` does not have, from the ends of its steps. */
  readonly omitted?: number;
  readonly difference?: Difference;
  /** The IUT's own words, a crash's last words, or the reason of a decline. */
  readonly text?: string;
  /** Of a scenario on connections: who wrote, read or closed what, and at which byte. */
  readonly timeline?: readonly string[];
  /** Of a scenario of ranks that came to its end or to one that would wait for ever, a pass too: how many the implementation left waiting for ever. */
  readonly stranded?: number;
  /** The last lines of the link, where it is the link that failed. */
  readonly record?: readonly string[];
}

export const EXIT = {
  conformant: 0,
  notConformant: 1,
  baseline: 2,
  adapter: 3,
  harness: 4,
  nothing: 5,
  usage: 64,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function count(outcomes: Iterable<Pick<Outcome, "verdict">>): Counts {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of outcomes) counts[verdict]++;
  return counts;
}

const failures = (counts: Counts) => counts.fail + counts.disagreement + counts.crash + counts.timeout;
/** Cases that the IUT was put to and that could be judged. */
const judged = (counts: Counts) => counts.pass + counts.warn + counts["known-fail"] + counts.fixed + failures(counts);

/** What else bears on the exit status, beside the counts. */
export interface Circumstances {
  readonly adapterUnusable: boolean;
  /** What is wrong with the baseline: stale, unmatched, expired or too broad entries. */
  readonly baselineProblems: number;
  /** Cases that were left when the IUT had been started again as often as it may be. */
  readonly notRun: number;
}

/** The first of 4, 3, 2, 1, 5, 0 that applies. r[iut.exit.precedence] */
export function exitCode(counts: Counts, { adapterUnusable, baselineProblems, notRun }: Circumstances): ExitCode {
  if (counts["harness error"] > 0) return EXIT.harness;
  if (adapterUnusable || counts["adapter error"] > 0) return EXIT.adapter;
  if (counts.fixed > 0 || baselineProblems > 0) return EXIT.baseline;
  if (failures(counts) > 0 || notRun > 0) return EXIT.notConformant;
  return judged(counts) === 0 ? EXIT.nothing : EXIT.conformant;
}

/** The four words for a reader in a hurry. */
export type Word = "conformant" | "not conformant" | "not claimed" | "could not tell";

/** The word for a profile. A known failure is a failure here: a baseline changes the exit status, not the facts. */
export function wordOf(counts: Counts, notRun: number): Word {
  if (failures(counts) + counts["known-fail"] > 0) return "not conformant";
  if (counts["adapter error"] + counts["harness error"] + notRun > 0) return "could not tell";
  return judged(counts) === 0 ? "not claimed" : "conformant";
}
