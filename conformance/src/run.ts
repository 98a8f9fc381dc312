import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { applyBaseline, BaselineError, readBaseline } from "./baseline.ts";
import { loadCorpus } from "./corpus/index.ts";
import type { Corpus } from "./corpus/types.ts";
import { globMatcher } from "./glob.ts";
import type { InProcessIut } from "./link/in-process.ts";
import { LinkError } from "./link/link.ts";
import {
  type ConformanceOptions,
  DEFAULT_CORPUS,
  defaultJobs,
  describeWay,
  referenceWay,
  repeatCommand,
  UsageError,
} from "./options.ts";
import type { Welcome } from "./protocol.ts";
import { html } from "./report/html.ts";
import { junit } from "./report/junit.ts";
import { paint } from "./report/paint.ts";
import { type Progress, progress } from "./report/progress.ts";
import { jsonReport, type Report } from "./report/report.ts";
import { summary } from "./report/summary.ts";
import { type RunPlan, type RunResult, run } from "./runner.ts";
import { ShapeError } from "./schema.ts";
import { count, EXIT, type ExitCode, exitCode, type Outcome, type Verdict } from "./verdict.ts";

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
    const report = await execute(options, log);
    write(report, options);
    return { exitCode: report.exit, report };
  } catch (error) {
    if (error instanceof UsageError || error instanceof BaselineError) {
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
  const report = await execute({ ...options, way: { kind: "in-process", iut } }, options.log ?? quiet);
  return { exitCode: report.exit, report };
}

async function execute(options: ConformanceOptions, log: (line: string) => void): Promise<Report> {
  const from = performance.now();
  const way = options.way ?? referenceWay();
  const seed = options.seed ?? randomBytes(8).toString("hex");
  const baseline = options.baseline === undefined ? [] : readBaseline(options.baseline);
  const jobs = options.jobs ?? defaultJobs(way);
  if (!Number.isInteger(jobs) || jobs < 1) throw new UsageError(`--jobs must be a whole number from 1; it is ${jobs}`);
  if (way.kind === "stdio" && jobs > 64) throw new UsageError(`--jobs ${jobs} would start ${jobs} processes`);

  const base = {
    record: [],
    seed,
    command: repeatCommand(options),
    way: describeWay(way),
    links: 0,
    restarts: 0,
    iut: undefined,
    granularity: "class",
    outcomes: [],
    notRun: new Map(),
    unmatched: [],
  } as const;
  const trouble = (exit: ExitCode, text: string, corpus: Pick<Corpus, "hash" | "vectors">): Report => ({
    ...base,
    exit,
    trouble: text,
    corpus: { hash: corpus.hash, vectors: corpus.vectors },
    seconds: (performance.now() - from) / 1000,
  });

  let corpus: Corpus;
  try {
    corpus = typeof options.corpus === "object" ? options.corpus : loadCorpus(options.corpus ?? DEFAULT_CORPUS);
  } catch (error) {
    const unknown = { hash: "unknown", vectors: 0 };
    return trouble(EXIT.harness, `the corpus cannot be loaded: ${(error as Error).message}`, unknown);
  }

  let bar: Progress | undefined;
  const welcome: Welcome = { op: "welcome", protocol: 1, corpus: corpus.hash, run: crypto.randomUUID(), seed };
  const plan: RunPlan = {
    way,
    corpus,
    welcome,
    filter: idFilter(options.filter),
    profile: profileFilter(options.profiles),
    jobs: way.kind === "attach" || way.kind === "in-process" ? 1 : jobs,
    unusableToo: options.unusableToo ?? false,
    startDeadline: options.startDeadline ?? (way.kind === "attach" ? 300_000 : 10_000),
    caseDeadline: options.caseDeadline,
    log,
    progress: (outcome) => bar?.advance(FAILED.has(outcome.verdict)),
  };
  let result: RunResult;
  try {
    bar = options.log === undefined ? progress(process.stderr, () => size(plan)) : undefined;
    result = await run(plan);
  } catch (error) {
    const adapters = error instanceof LinkError || error instanceof ShapeError;
    const text = adapters
      ? `the IUT did not start, or its adapter is broken: ${error.message}`
      : `the harness failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    return trouble(adapters ? EXIT.adapter : EXIT.harness, text, corpus);
  } finally {
    bar?.stop();
  }
  return conclude(result, { ...base, corpus: { hash: corpus.hash, vectors: corpus.vectors } });

  function conclude(result: RunResult, shared: Omit<Report, "exit" | "trouble" | "seconds">): Report {
    const { outcomes, unmatched } = applyBaseline(result.outcomes, baseline);
    // A narrowed run cannot know what the entries outside it would match.
    const narrowed = options.filter !== undefined || options.profiles !== undefined;
    const left = [...result.notRun.values()].reduce((sum, count) => sum + count, 0);
    const adapter = result.adapter;
    const exit = exitCode(count(outcomes), {
      adapterUnusable: adapter !== undefined,
      unmatched: narrowed ? 0 : unmatched.length,
      notRun: left,
    });
    return {
      ...shared,
      exit,
      trouble:
        adapter === undefined
          ? nothingText(exit, outcomes)
          : `adapter unusable, in the link check (${adapter.check}): ${adapter.text}`,
      record: adapter?.record ?? [],
      seconds: (performance.now() - from) / 1000,
      links: result.links,
      restarts: result.restarts,
      iut: result.hello.iut,
      granularity: result.hello.error_granularity,
      outcomes,
      notRun: result.notRun,
      unmatched: narrowed ? [] : unmatched,
    };
  }
}

const FAILED: ReadonlySet<Verdict> = new Set(["fail", "crash", "timeout", "adapter error", "harness error"]);

function nothingText(exit: ExitCode, outcomes: readonly Outcome[]): string | undefined {
  if (exit !== EXIT.nothing) return undefined;
  if (outcomes.length === 0) return "no case has been selected: nothing was executed";
  return "every case was declined or did not apply: nothing was executed";
}

/** By case id; a vector's id selects its sweeps too. */
function idFilter(pattern: string | undefined): (id: string) => boolean {
  if (pattern === undefined) return () => true;
  const matches = globMatcher(pattern);
  return (id) => matches(id) || matches(id.split("#", 1)[0] ?? id);
}

function profileFilter(profiles: readonly string[] | undefined): (profile: string) => boolean {
  if (profiles === undefined) return () => true;
  const wanted = new Set(profiles);
  return (profile) => wanted.has(profile);
}

function size({ corpus, filter, profile }: RunPlan): number {
  let total = 0;
  for (const item of corpus.cases(filter)) if (profile(item.profile)) total++;
  return total;
}

function write(report: Report, { json, junit: xml, html: page, print }: ConformanceOptions): void {
  // The readable report first: a file that cannot be written does not swallow it.
  const stream = json === "-" ? process.stderr : process.stdout;
  const readable = summary(report, paint(stream.isTTY === true && print === undefined));
  if (print !== undefined) print(readable);
  else stream.write(readable);
  if (json !== undefined) {
    const text = `${JSON.stringify(jsonReport(report), null, 1)}\n`;
    if (json === "-") process.stdout.write(text);
    else save(json, text);
  }
  if (xml !== undefined) save(xml, junit(report));
  if (page !== undefined) save(page, html(report));
}

function save(path: string, content: string): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${(error as Error).message}`);
  }
}
