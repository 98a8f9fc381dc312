/** Breaks ranks and links on purpose, and shows that nobody is left waiting: `bun run faults`. */
import { paintFor } from "@tensorwire/conformance/paint";
import { mulberry32 } from "@tensorwire/tensor-stage";
import { Command, InvalidArgumentError } from "commander";
import { markdownTable } from "markdown-table";
import { corruptEveryByte } from "./corrupt.ts";
import { namedPlans, randomPlan } from "./plan.ts";
import { RankPool } from "./rank-process.ts";
import { type Row, runPlan } from "./run-plan.ts";

interface Flags {
  readonly seed: number;
  readonly calls?: number;
  readonly quick: boolean;
  readonly json: boolean;
}

/** Runs at a time: their ranks wait more than they work. */
const AT_ONCE = 4;
/** The most calls of one random run; its fault falls on one of them. */
const RUN_CALLS = 700;

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("expected a whole number from 0");
  return value;
};

await new Command("faults")
  .description("Kill ranks, cut links and alter bytes, with real processes and sockets, and count who is left waiting.")
  .option("--seed <n>", "of the random faults; one of the clock unless told", count, Date.now() % 2 ** 31)
  .option("--calls <n>", "calls with random faults (10,000; 300 with --quick)", count)
  .option("--quick", "one row of each kind, for CI", false)
  .option("--json", "one JSON object on stdout", false)
  .addHelpText("after", "\nExit status: 0 when nothing was stranded, torn, duplicated or hung, or else 1; 64 usage.")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 64))
  .action(main)
  .parseAsync();

async function main({ seed, calls, quick, json }: Flags): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  log(`seed ${seed}`);
  using pool = await RankPool.start(AT_ONCE * 4);
  const named = await inLanes(namedPlans(quick), pool, log);
  const corrupted = await corruptEveryByte(quick ? 7 : 1);
  for (const row of corrupted) log(row.fault);
  const random = await randomRuns(calls ?? (quick ? 300 : 10_000), mulberry32(seed), pool, log);
  report([...named, ...corrupted, ...random], seed, json);
}

async function inLanes(plans: Iterable<Parameters<typeof runPlan>[0]>, pool: RankPool, log: (line: string) => void) {
  const rows: Row[] = [];
  const next = [...plans].entries();
  const lane = async () => {
    for (const [i, plan] of next) {
      rows[i] = await runPlan(plan, pool);
      log(`${plan.name}${rows[i].lastMs === null ? "" : `: ${rows[i].lastMs} ms`}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return rows;
}

/** Runs until so many calls were made, each run with one fault. */
async function randomRuns(calls: number, random: () => number, pool: RankPool, log: (line: string) => void) {
  const rows: Row[] = [];
  let made = 0;
  for (let number = 1; made < calls; number += AT_ONCE) {
    // Drawn before they run, so that the same seed draws the same plans however fast the runs are.
    const plans = Array.from({ length: AT_ONCE }, (_, i) => randomPlan(number + i, Math.min(RUN_CALLS, calls), random));
    const batch = await inLanes(plans, pool, log);
    made += batch.reduce((sum, row) => sum + row.calls, 0);
    rows.push(...batch);
    log(`${made} calls with random faults, ${calls} at least`);
  }
  return rows;
}

function report(rows: readonly Row[], seed: number, json: boolean): void {
  const total = (name: "calls" | "stranded" | "torn" | "duplicated" | "hung") =>
    rows.reduce((sum, row) => sum + row[name], 0);
  const summary = {
    calls: total("calls"),
    stranded: total("stranded"),
    torn: total("torn"),
    duplicated: total("duplicated"),
    hung: total("hung"),
    wrong: rows.reduce((sum, { wrong }) => sum + wrong.length, 0),
  };
  const { calls, ...counts } = summary;
  const good = Object.values(counts).every((value) => value === 0);
  if (json) process.stdout.write(`${JSON.stringify({ seed, summary, rows }, null, 1)}\n`);
  else {
    const { good: green, bad: red } = paintFor(process.stdout);
    const words = Object.entries(counts).map(([name, value]) => `${value} ${name}`);
    process.stdout.write(
      `${table(rows)}\n\n${(good ? green : red)(`${calls} calls: ${words.join(", ")}`)} (seed ${seed})\n`,
    );
    for (const { fault, wrong } of rows) for (const what of wrong) process.stdout.write(`${fault}: ${what}\n`);
  }
  process.exitCode = good ? 0 : 1;
}

function table(rows: readonly Row[]): string {
  const span = ({ firstMs, lastMs }: Row) => (firstMs === null ? "" : `${firstMs} to ${lastMs}`);
  return markdownTable([
    [
      "fault",
      "calls",
      "seen after ms",
      "what each rank saw",
      "stranded",
      "torn",
      "twice",
      "hung",
      "held KiB",
      "rss MiB",
    ],
    ...rows.map((row) => [
      row.fault,
      ...[row.calls, span(row), row.saw.join("; ")].map(String),
      ...[row.stranded, row.torn, row.duplicated, row.hung, row.bufferedKiB, row.rssMiB].map(String),
    ]),
  ]);
}
