import { randomBytes } from "node:crypto";
import { withChallenges } from "../challenge/cases.ts";
import type { Corpus } from "../corpus/types.ts";
import { corpusAt } from "../corpus-at.ts";
import type { Way } from "../link/ways.ts";
import { type ConformanceOptions, UsageError } from "../options.ts";
import { jsonReport } from "../report/report.ts";
import { runConformance } from "../run.ts";
import { EXIT, type ExitCode } from "../verdict.ts";
import type { Compared } from "./answers.ts";
import { type Comparison, ComparisonError, compare, sameCorpus } from "./compare.ts";

type Narrowed = "profiles" | "filter" | "jobs" | "startDeadline" | "caseDeadline";

export interface CompareOptions extends Pick<ConformanceOptions, Narrowed> {
  /** Runs to make, one after the other, of the same cases. */
  readonly ways?: readonly Way[];
  /** Reports of runs that have been, which stand before those. */
  readonly reports?: readonly Compared[];
  readonly corpus?: string | Corpus;
  /** Default: that of the first report, or fresh. */
  readonly seed?: string;
  readonly log?: (line: string) => void;
}

export interface Compare {
  /** 0 they agree, 1 they differ; 3 one of them did not start or its adapter is broken, 4 the harness; 5 nothing was compared. */
  readonly exitCode: ExitCode;
  readonly comparison: Comparison;
  /** Why a run came to nothing; a sentence each. */
  readonly troubles: readonly string[];
}

/** Throws `UsageError` where there are no two to compare, or reports of other corpora. */
export async function runCompare({ ways = [], reports = [], ...options }: CompareOptions): Promise<Compare> {
  const { corpus, seed: given, log = (line) => void process.stderr.write(`${line}\n`), ...narrowed } = options;
  if (ways.length + reports.length < 2) throw new UsageError("expected two or more implementations to compare");
  const seed = given ?? reports[0]?.summary.seed ?? randomBytes(8).toString("hex");
  const stored = typeof corpus === "object" ? corpus : corpusAt(corpus);
  const corpusOf = (word: string) => (typeof corpus === "object" ? corpus : withChallenges(stored, word));
  const whole = corpusOf(seed);
  // Before the runs, which nobody would have anything of.
  asUsage(() => sameCorpus(reports, whole));
  const compared = [...reports];
  const troubles: string[] = [];
  for (const way of ways) {
    const { report } = await runConformance({ ...narrowed, way, corpus: whole, seed, log, print: () => {} });
    if (report === undefined) throw new UsageError("one of them could not be run");
    if (report.trouble !== undefined && report.exit !== EXIT.nothing) {
      troubles.push(`${report.iut?.name ?? `the IUT ${report.way}`}: ${report.trouble}`);
    }
    compared.push(jsonReport(report));
  }
  const comparison = asUsage(() => compare(compared, (word) => (word === seed ? whole : corpusOf(word))));
  const broken = [EXIT.harness, EXIT.adapter].find((exit) => comparison.testees.some((testee) => testee.exit === exit));
  return { exitCode: broken ?? exitOf(comparison), comparison, troubles };
}

function asUsage<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof ComparisonError ? new UsageError(error.message) : error;
  }
}

function exitOf({ compared, agreed }: Comparison): ExitCode {
  if (agreed < compared) return EXIT.notConformant;
  return compared === 0 ? EXIT.nothing : EXIT.conformant;
}
