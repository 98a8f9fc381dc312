/**
 * bun run ports [--only NAMES] [--profile NAMES] [--filter GLOB] [--json] [--require-all]
 *
 * Builds each port, runs its own tests and then the corpus against it, and prints one table.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type ConformanceOptions, EXIT, runConformance } from "../src/index.ts";
import { paintFor } from "../src/report/paint.ts";
import { PORTS, type Port } from "./ports.ts";

const ROOT = resolve(import.meta.dir, "../..");
/** A build may fetch packages. */
const COMMAND_DEADLINE = 600_000;

const USAGE = `usage: bun run ports [--only NAMES] [--profile NAMES] [--filter GLOB] [--json] [--require-all]

  --only NAMES     only these ports, comma-separated: ${PORTS.map(({ name }) => name).join(",")}
  --profile NAMES  only these profiles of the corpus, comma-separated: len64,tp
  --filter GLOB    only cases whose id matches
  --json           the table as JSON on stdout
  --require-all    a missing language is a failure, not a skip

Exit status: 0 every port that ran is conformant and passes its own tests; 1 otherwise; 5 nothing was run; 64 usage.
`;

/** What became of one port. */
interface Row {
  readonly port: string;
  readonly status:
    | "conformant"
    | "not conformant"
    | "build failed"
    | "own tests failed"
    | "skipped"
    | "missing"
    | "nothing run";
  /** Why it is not conformant, where a word more helps. */
  readonly reason?: string;
  /** Without those that hello does not claim. */
  readonly cases?: number;
  readonly pass?: number;
  readonly warn?: number;
  readonly declined?: number;
  readonly seconds?: number;
  readonly exit?: number;
}

const NOT_RUN: ReadonlySet<Row["status"]> = new Set(["skipped", "nothing run"]);

/** The end of what a command said, or null if it ended with 0. */
async function failureOf(command: readonly string[]): Promise<string | null> {
  if (Bun.which(command[0] ?? "", { cwd: ROOT }) === null) return `${command[0]} is not there`;
  const child = Bun.spawn([...command], { cwd: ROOT, stdout: "pipe", stderr: "pipe", timeout: COMMAND_DEADLINE });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (child.exitCode === 0) return null;
  const end = `${out}${err}`.trim().split("\n").slice(-40).join("\n");
  return `\`${command.join(" ")}\` ended with ${child.exitCode ?? child.signalCode}\n${end}`;
}

async function firstFailure(commands: readonly (readonly string[])[], what: string): Promise<string | null> {
  for (const command of commands) {
    note(`  ${what}: ${command.join(" ")}`);
    const failure = await failureOf(command);
    if (failure !== null) return failure;
  }
  return null;
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function runPort(port: Port, narrowed: ConformanceOptions, requireAll: boolean): Promise<Row> {
  note(`${port.name}`);
  for (const need of port.needs) {
    const missing = await failureOf(need);
    if (missing === null) continue;
    const reason = missing.split("\n")[0] ?? missing;
    note(`  ${requireAll ? "missing" : "skipped"}: ${reason}`);
    return { port: port.name, status: requireAll ? "missing" : "skipped", reason };
  }
  const unbuilt = await firstFailure(port.build, "build");
  if (unbuilt !== null) {
    note(unbuilt);
    return { port: port.name, status: "build failed" };
  }
  const untested = await firstFailure(port.test, "test");
  if (untested !== null) note(untested);
  note(`  run: ${port.launch}`);
  const { limit } = port;
  let readable = "";
  const { exitCode, report } = await runConformance({
    ...narrowed,
    way: { kind: "launch", command: port.launch },
    print: (text) => {
      readable = text;
    },
  });
  if (exitCode !== 0) note(readable);
  const late =
    limit !== undefined && report !== undefined && report.seconds > limit ? `over its ${limit} s` : undefined;
  const count = (verdict: string) => report?.outcomes.filter((outcome) => outcome.verdict === verdict).length ?? 0;
  return {
    port: port.name,
    status: statusOf(exitCode, untested !== null),
    ...(late !== undefined && { reason: late }),
    cases: (report?.outcomes.length ?? 0) - count("not applicable"),
    pass: count("pass"),
    warn: count("warn"),
    declined: count("declined"),
    seconds: Math.round((report?.seconds ?? 0) * 10) / 10,
    exit: exitCode,
  };
}

/** A port that claims nothing of what was asked has nothing wrong. */
function statusOf(exit: number, failedItsOwn: boolean): Row["status"] {
  if (failedItsOwn) return "own tests failed";
  if (exit === EXIT.nothing) return "nothing run";
  return exit === EXIT.conformant ? "conformant" : "not conformant";
}

function table(rows: readonly Row[]): string {
  const { good, bad, warn } = paintFor(process.stdout);
  const heads = ["port", "status", "cases", "pass", "warn", "declined", "seconds", "exit"];
  const cells = rows.map((row) => [
    row.port,
    row.reason === undefined ? row.status : `${row.status}: ${row.reason}`,
    ...[row.cases, row.pass, row.warn, row.declined, row.seconds, row.exit].map(
      (value) => value?.toLocaleString("en-US") ?? "-",
    ),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((line) => line[i]?.length ?? 0)));
  const format = (line: readonly string[]) =>
    line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  const paint = ({ status }: Row) => (status === "conformant" ? good : NOT_RUN.has(status) ? warn : bad);
  return [format(heads), ...rows.map((row, i) => paint(row)(format(cells[i] ?? [])))].join("\n");
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string" },
        profile: { type: "string" },
        filter: { type: "string" },
        json: { type: "boolean", default: false },
        "require-all": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const only = values.only?.split(",");
    const unknown = only?.find((name) => !PORTS.some((port) => port.name === name));
    if (unknown !== undefined) throw new Error(`there is no port named ${unknown}`);
    return { ...values, only };
  } catch (error) {
    process.stderr.write(`ports: ${(error as Error).message}\n${USAGE}`);
    process.exit(64);
  }
}

const { only, profile, filter, json, help, "require-all": requireAll } = options();
if (help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
// The ports' launch commands name paths from here.
process.chdir(ROOT);
const narrowed: ConformanceOptions = {
  ...(profile !== undefined && { profiles: profile.split(",") }),
  ...(filter !== undefined && { filter }),
};
const rows: Row[] = [];
for (const port of PORTS) {
  if (only === undefined || only.includes(port.name)) rows.push(await runPort(port, narrowed, requireAll));
}
const good = rows.every(({ status }) => status === "conformant" || NOT_RUN.has(status));
const ran = rows.some(({ status }) => !NOT_RUN.has(status));
if (json) process.stdout.write(`${JSON.stringify({ conformant: good && ran, ports: rows }, null, 1)}\n`);
else process.stdout.write(`\n${table(rows)}\n`);
if (!ran) note("no port ran");
process.exit(ran ? (good ? 0 : 1) : EXIT.nothing);
