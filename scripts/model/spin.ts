import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Check, CLAIMS, type Claim } from "./checks.ts";

const MODELS = resolve(import.meta.dir, "../../spec/model");
/** For each program that is started. */
const DEADLINE_MS = 180_000;
/** Steps of one run; the models need a few hundred. */
const MAX_DEPTH = 10_000;
/** The first word of a line that the models print: who did it. */
const ACTOR = /^(leader|worker \d|driver|stage \d|fault): /;

/** What the checker found. */
export interface Finding {
  /** The claim that does not hold; null when all of them do. */
  readonly broken: Claim | null;
  /** States that were visited. */
  readonly states: number;
  readonly seconds: number;
  /** The shortest way to the break, who did what; empty when nothing broke. */
  readonly trace: readonly string[];
}

/** The programs that a check needs and that are not on PATH. */
export function missingPrograms(PATH = process.env.PATH ?? ""): string[] {
  return ["spin", "gcc"].filter((program) => Bun.which(program, { PATH }) === null);
}

/**
 * Generates the checker of one variant, compiles and runs it. A variant that must break is searched breadth first, so that its
 * counterexample is a shortest one.
 *
 * @throws Error when spin, gcc or the checker fail, or the search was not exhaustive.
 */
export async function runCheck({ model, mutation, bounds, cycles, breaks }: Check): Promise<Finding> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-model-"));
  const defines = Object.entries(bounds).map(([name, value]) => `-D${name}=${value}`);
  if (mutation !== null) defines.push(`-D${mutation}`);
  try {
    // Spin looks for the trail beside the model that it is given.
    await Bun.write(join(folder, `${model}.pml`), Bun.file(join(MODELS, `${model}.pml`)));
    await run(folder, ["spin", ...defines, "-a", `${model}.pml`]);
    const search = cycles ? ["-DNP"] : breaks === null ? ["-DSAFETY"] : ["-DSAFETY", "-DBFS"];
    await run(folder, ["gcc", breaks === null ? "-O1" : "-O0", "-w", ...search, "-o", "pan", "pan.c"]);
    const verdict = readVerdict(await run(folder, ["./pan", `-m${MAX_DEPTH}`, ...(cycles ? ["-l"] : [])]));
    const replay = verdict.broken === null ? "" : await run(folder, ["spin", ...defines, "-t", "-T", `${model}.pml`]);
    const trace = readTrace(replay, verdict.broken === "deadlock");
    return { ...verdict, trace, seconds: (performance.now() - started) / 1000 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reads what the checker printed. @throws Error when it does not say that it searched everything or found something. */
export function readVerdict(output: string): { broken: Claim | null; states: number } {
  const errors = /errors: (\d+)/.exec(output)?.[1];
  const states = /(\d+) states, stored/.exec(output)?.[1];
  if (errors === undefined || states === undefined || /max search depth too small|out of memory/.test(output)) {
    throw new Error(`expected a whole search, the checker said:\n${output.trim()}`);
  }
  if (errors === "0") return { broken: null, states: Number(states) };
  const assertion = /assertion violated\s+!\((\w+)\)/.exec(output)?.[1];
  if (assertion !== undefined && assertion in CLAIMS) return { broken: assertion as Claim, states: Number(states) };
  if (/invalid end state/.test(output)) return { broken: "deadlock", states: Number(states) };
  if (/non-progress cycle/.test(output)) return { broken: "endless", states: Number(states) };
  throw new Error(`expected a claim by name, the checker said:\n${output.trim()}`);
}

/** The lines of a replay in which somebody does something, and with `blocked` where the processes stand that cannot go on. */
export function readTrace(replay: string, blocked: boolean): string[] {
  const lines = replay.split("\n").map((line) => line.trim());
  const acts = lines.filter((line) => ACTOR.test(line));
  if (!blocked) return acts;
  const stuck = lines.flatMap((line) => {
    const [, name, at] = /^\d+:\tproc\s+\d+ \((\w+):\d+\)(?: (\S+:\d+) \(state \d+\))?$/.exec(line) ?? [];
    return name === undefined ? [] : [`${name} waits for ever${at === undefined ? "" : `, at ${at}`}`];
  });
  return [...acts, ...stuck];
}

async function run(cwd: string, command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdout: "pipe", stderr: "pipe", timeout: DEADLINE_MS });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (child.exitCode === 0) return out;
  const said = `${out}${err}`.trim().split("\n").slice(-20).join("\n");
  throw new Error(`\`${command.join(" ")}\` ended with ${child.exitCode ?? child.signalCode}\n${said}`);
}
