import { randomBytes } from "node:crypto";
import { BaselineError, BaselineJudge } from "./baseline.ts";
import { baselineOf, NO_BASELINE, rewriteBaseline } from "./baseline-file.ts";
import { captureOf } from "./capture/capture-file.ts";
import type { Corpus } from "./corpus/types.ts";
import { corpusAt } from "./corpus-at.ts";
import { CaseDeadline, CHECK_DEADLINE, helloDeadline } from "./deadlines.ts";
import type { InProcessIut } from "./link/in-process.ts";
import { LinkError } from "./link/link.ts";
import type { Way } from "./link/ways.ts";
import {
  type ConformanceOptions,
  DEFAULT_CORPUS,
  defaultJobs,
  describeWay,
  referenceWay,
  repeatCommand,
  UsageError,
} from "./options.ts";
import type { Hello, Welcome } from "./protocol.ts";
import { recorderOf } from "./replay/record.ts";
import { RecordingError } from "./replay/recording.ts";
import { startReplay } from "./replay/replay.ts";
import type { Certificate } from "./report/certificate.ts";
import { EventStream } from "./report/events.ts";
import { type Progress, progress } from "./report/progress.ts";
import type { Report } from "./report/report.ts";
import { machineReads, openSink, writeReports } from "./report/write.ts";
import type { RunPlan, RunResult } from "./run-plan.ts";
import { casesOf, run } from "./runner.ts";
import { ShapeError } from "./schema.ts";
import { idFilter, profileFilter } from "./selection.ts";
import { shrinkFailures } from "./shrink/write.ts";
import { count, EXIT, type ExitCode, exitCode, type Outcome, type Verdict } from "./verdict.ts";
import { runLevel0 } from "./wire/level0.ts";
import { selected } from "./wire/level2.ts";
import { RuntimeDefect, runtimeOnce } from "./wire/runtime.ts";

export interface ConformanceResult {
  readonly exitCode: ExitCode;
  /** Absent only for usage errors. */
  readonly report?: Report;
}

/**
 * Runs the corpus against an IUT, writes the reports that the options name, prints the readable one, and says the exit status.
 * It throws nothing: a usage error is printed and is exit 64, a defect of the harness or corpus is exit 4.
 */
export async function runConformance(options: ConformanceOptions = {}): Promise<ConformanceResult> {
  const toStderr = (text: string) => void process.stderr.write(text);
  const log = options.log ?? ((line: string) => toStderr(`${line}\n`));
  try {
    machineReads(options);
    const { report, events } = await execute(options, log);
    options.observe?.(report, events);
    writeReports(report, options, events, todayOf(options));
    return { exitCode: report.exit, report };
  } catch (error) {
    if (error instanceof UsageError || error instanceof BaselineError || error instanceof RecordingError) {
      log(`tensorwire conformance: ${error.message}`);
      return { exitCode: EXIT.usage };
    }
    throw error;
  }
}

/** The same against a function in this process, and nothing printed: for `bun test`. */
export async function runInProcess(
  iut: InProcessIut,
  options: Omit<ConformanceOptions, "way"> = {},
): Promise<{ exitCode: ExitCode; report: Report }> {
  const quiet = () => {};
  const { report } = await execute({ ...options, way: { kind: "in-process", iut } }, options.log ?? quiet);
  return { exitCode: report.exit, report };
}

interface Executed {
  readonly report: Report;
  readonly events: Certificate["events"];
}

const todayOf = ({ today }: ConformanceOptions) => today ?? new Date().toISOString().slice(0, 10);

async function execute(given: ConformanceOptions, log: (line: string) => void): Promise<Executed> {
  const from = performance.now();
  const replayed = given.replay === undefined ? undefined : startReplay(given.replay, given);
  const options = replayed === undefined ? given : { ...given, ...replayed.options };
  const way = options.way ?? referenceWay();
  const seed = options.seed ?? randomBytes(8).toString("hex");
  const baseline = baselineOf(options);
  const jobs = jobsOf(options, way);
  const selection = { profiles: options.profiles ?? null, filter: options.filter ?? null };
  const base = {
    record: [],
    seed,
    command: repeatCommand(options),
    way: describeWay(way),
    links: 0,
    restarts: 0,
    notes: [],
    iut: undefined,
    capabilities: [],
    granularity: "class",
    selection,
    families: new Map<string, string>(),
    outcomes: [],
    notRun: new Map<string, number>(),
    baseline: [],
    contradictions: [],
  } as const;
  const seconds = () => (performance.now() - from) / 1000;

  let corpus: Corpus;
  try {
    corpus = typeof options.corpus === "object" ? options.corpus : corpusAt(options.corpus, seed);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const unknown = { hash: "unknown", vectors: 0 };
    const text = `the corpus cannot be loaded: ${(error as Error).message}`;
    const report = { ...base, exit: EXIT.harness, trouble: text, corpus: unknown, seconds: seconds() };
    return { report, events: new EventStream({ corpus: unknown, seed, selection }).footer(report) };
  }
  const about = { hash: corpus.hash, vectors: corpus.vectors };
  const selected = idFilter(options.filter);
  const replay = replayed?.over(corpus, selected, profileFilter(options.profiles));

  const judge = new BaselineJudge(baseline ?? NO_BASELINE, todayOf(options));
  const sink = openSink(options.events);
  const stream = new EventStream({ corpus: about, seed, selection }, (text) => sink.write(text));
  const recorder = recorderOf(options, { corpus: corpus.hash, seed, selection, way });
  const capture = captureOf(options, { corpus: corpus.hash, seed });
  const finish = (report: Report, { links, restarts }: { links: number; restarts: number }): Executed => {
    recorder?.end({ links, restarts, seconds: report.seconds });
    capture?.close();
    if (capture?.count === 0) log(`--capture ${options.capture}: no data connection was opened, so it has no packets`);
    const events = stream.footer(report);
    sink.close();
    return { report, events };
  };
  const trouble = (exit: ExitCode, text: string): Executed =>
    finish(
      { ...base, exit, trouble: text, corpus: about, seconds: replay?.seconds ?? seconds() },
      { links: 0, restarts: 0 },
    );

  let bar: Progress | undefined;
  const welcome: Welcome = { op: "welcome", protocol: 1, corpus: corpus.hash, run: crypto.randomUUID(), seed };
  const plan: RunPlan = {
    way,
    corpus,
    welcome,
    filter: replay?.filter ?? selected,
    profile: profileFilter(options.profiles),
    jobs: way.kind === "attach" || way.kind === "in-process" || way.kind === "replay" ? 1 : jobs,
    unusableToo: options.unusableToo ?? false,
    runtime: runtimeOnce(options.checkRuntime),
    startDeadline: options.startDeadline ?? helloDeadline(way),
    checkDeadline: options.startDeadline ?? CHECK_DEADLINE,
    caseDeadline: options.caseDeadline,
    log,
    opened: (hello: Hello) => stream.header(hello),
    ...(recorder && {
      tap: (link, event) => recorder.event(link, event),
      beside: (outcome) => recorder.outcome(outcome),
    }),
    ...(capture && { capture }),
    ...(replay && { restarts: Number.POSITIVE_INFINITY, asked: replay.asked, measured: replay.measured }),
    told: (outcome) => stream.settle(judge.judge(outcome)),
    progress: ({ verdict }) => bar?.advance(FAILED.has(verdict)),
  };
  let result: RunResult;
  try {
    bar = options.log === undefined ? progress(process.stderr, () => size(plan)) : undefined;
    // r[iut.wire.runtime]
    if (!WITHOUT_SOCKETS.has(way.kind)) await plan.runtime();
    result = way.kind === "wire" ? await runLevel0(plan, way) : await run(plan);
    if (replay !== undefined) {
      const judged = result.outcomes.length;
      result = replay.correct(result);
      for (const outcome of result.outcomes.slice(judged)) plan.told(outcome);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const adapters = error instanceof LinkError || error instanceof ShapeError;
    const text = adapters ? `the IUT did not start, or its adapter is broken: ${error.message}` : troubleOf(error);
    return trouble(adapters ? EXIT.adapter : EXIT.harness, text);
  } finally {
    bar?.stop();
  }
  const report = conclude(result);
  if (options.shrink !== undefined) {
    await shrinkFailures(report.outcomes, {
      ...{ way, welcome, log, folder: options.shrink },
      loaded: corpus,
      corpus: typeof options.corpus === "string" ? options.corpus : DEFAULT_CORPUS,
      startDeadline: plan.startDeadline,
      deadline: result.deadline ?? CaseDeadline.fixed(options.caseDeadline),
    });
  }
  return finish(report, result);

  /** A profile that is asked for and has no case. */
  function unknownProfiles(): string {
    const known = new Set([...corpus.cases(), ...(corpus.wire ?? [])].map(({ profile }) => profile));
    const unknown = (options.profiles ?? []).filter((name) => !known.has(name));
    return unknown.length === 0
      ? ""
      : `; the corpus has no profile ${unknown.join(", ")}, it has ${[...known].join(", ")}`;
  }

  function conclude(result: RunResult): Report {
    // A run that was narrowed, or cut short, cannot know what the entries outside it would match.
    const narrowed = options.filter !== undefined || options.profiles !== undefined || result.notRun.size > 0;
    const adapter = result.adapter;
    const final =
      options.updateBaseline === true && adapter === undefined
        ? new BaselineJudge(
            rewriteBaseline(options, baseline, result.outcomes, { narrowed, seed, log }),
            todayOf(options),
          )
        : judge;
    const problems = final
      .problems(result.outcomes)
      .filter(({ kind }) => !(narrowed && kind === "unmatched"))
      .filter(({ kind }) => !(options.updateBaseline === true && kind === "no reason"));
    const outcomes = result.outcomes.map((outcome) => final.judge(outcome));
    const exit = exitCode(count(outcomes), {
      adapterUnusable: adapter !== undefined,
      baselineProblems: adapter === undefined ? problems.length : 0,
      notRun: [...result.notRun.values()].reduce((sum, count) => sum + count, 0),
    });
    return {
      ...base,
      corpus: about,
      exit,
      trouble:
        adapter === undefined
          ? nothingText(exit, outcomes, unknownProfiles)
          : `adapter unusable, in the link check (${adapter.check}): ${adapter.text}`,
      record: adapter?.record ?? [],
      seconds: replay?.seconds ?? seconds(),
      links: result.links,
      restarts: result.restarts,
      notes: result.notes ?? [],
      iut: result.hello.iut,
      capabilities: result.hello.capabilities,
      granularity: result.hello.error_granularity,
      families: corpus.families ?? base.families,
      outcomes,
      notRun: result.notRun,
      baseline: adapter === undefined ? problems : [],
      contradictions: [...(result.claims?.declined(result.outcomes) ?? []), ...(result.undeclared ?? [])],
    };
  }
}

function jobsOf({ jobs: given }: ConformanceOptions, way: Way): number {
  const jobs = given ?? defaultJobs(way);
  if (!Number.isInteger(jobs) || jobs < 1) throw new UsageError(`--jobs must be a whole number from 1; it is ${jobs}`);
  if (way.kind === "stdio" && jobs > 64) throw new UsageError(`--jobs ${jobs} would start ${jobs} processes`);
  return jobs;
}

/** A runtime that is not what the harness needs says so by itself; anything else is a fault with its place. */
function troubleOf(error: unknown): string {
  if (error instanceof RuntimeDefect) return error.message;
  return `the harness failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

const WITHOUT_SOCKETS: ReadonlySet<Way["kind"]> = new Set(["in-process", "stdio", "replay"]);

const FAILED: ReadonlySet<Verdict> = new Set([
  "fail",
  "disagreement",
  "crash",
  "timeout",
  "adapter error",
  "harness error",
]);

function nothingText(exit: ExitCode, outcomes: readonly Outcome[], unknown: () => string): string | undefined {
  if (exit !== EXIT.nothing) return undefined;
  if (outcomes.length === 0) return `no case has been selected: nothing was executed${unknown()}`;
  return "every case was declined or did not apply: nothing was executed";
}

function size({ corpus, filter, profile }: RunPlan): number {
  let total = 0;
  for (const item of casesOf(corpus, filter)) if (profile(item.profile)) total++;
  for (const _ of selected({ corpus, filter, profile })) total++;
  return total;
}
