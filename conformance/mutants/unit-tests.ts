import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { readReport, type Told } from "@tensorwire/scripts/junit";
import { naming } from "@tensorwire/scripts/rules";
import { type Mutant, MutantDefect, mutate } from "./mutant.ts";
import type { Replaced, Sandbox } from "./sandbox.ts";
import { type Checks, type Control, count, type Kill, type Trial } from "./trial.ts";

const ROOT = resolve(import.meta.dir, "../..");
/** For one test. One that waits for what a mutant never does is no kill: it costs this, and no more. */
const TEST_TIMEOUT_MS = 30_000;

/** A unit test that ran. */
interface Ran extends Pick<Told, "failure"> {
  /** Its file, and the titles that lead to it. */
  readonly name: string;
}

/**
 * Puts a mutant to the unit tests of its files whose title names one of its rules. A kill is an expectation that failed: not another error,
 * not a test that ran out of time, and not a file that does not load.
 *
 * @throws MutantDefect when no test names one of the rules; Error when the files do not load, or `bun test` does not end in time.
 */
export async function tryByTests(mutant: Mutant, sandbox: Sandbox, deadline: number): Promise<Trial> {
  const { id, rules, file, by = [] } = mutant;
  const text = mutate(mutant, readFileSync(join(ROOT, file), "utf8"));
  const { told } = await run(sandbox, by, rules, deadline, { file, text });
  const kills: Record<string, Kill[]> = {};
  for (const rule of rules) {
    const own = told.filter(({ name }) => naming(rule).test(name));
    if (own.length === 0) throw new MutantDefect(`${id}: no test of ${by.join(", ")} names ${rule} in its title`);
    kills[rule] = own.flatMap(({ name, failure }) =>
      failure !== null && EXPECTATIONS.has(failure.type)
        ? [{ vector: name, case: name, problem: failure.problem }]
        : [],
    );
  }
  const crashes = told.filter(({ failure }) => failure !== null && !EXPECTATIONS.has(failure.type)).length;
  return { kills, elsewhere: [], crashes };
}

/** Runs every test that a mutant is put to, without any: all must pass. */
export async function controlByTests(mutants: readonly Mutant[], sandbox: Sandbox, deadline: number): Promise<Control> {
  const rules = [...new Set(mutants.flatMap((mutant) => mutant.rules))];
  const files = [...new Set(mutants.flatMap(({ by = [] }) => by))];
  const { told, exitCode, stderr } = await run(sandbox, files, rules, deadline, null);
  const passed = told.filter(({ failure }) => failure === null);
  const failed = told.flatMap(({ name, failure }) => (failure === null ? [] : [`${name}: ${failure.problem}`]));
  if (failed.length === 0 && exitCode !== 0) failed.push(`unit tests: ${lastLines(stderr)}`);
  const checks: Record<string, Checks> = {};
  for (const { name } of passed) {
    count(
      checks,
      rules.filter((rule) => naming(rule).test(name)),
      "tests",
    );
  }
  return { passed: passed.length, declined: 0, failed, checks };
}

/** What `expect` throws, `expect.unreachable` and `node:assert`. */
const EXPECTATIONS: ReadonlySet<string> = new Set(["AssertionError", "UnreachableError"]);

async function run(
  sandbox: Sandbox,
  files: readonly string[],
  rules: readonly string[],
  deadline: number,
  replaced: Replaced | null,
): Promise<{ readonly told: readonly Ran[]; readonly exitCode: number; readonly stderr: string }> {
  const report = join(sandbox.folder, "junit.xml");
  rmSync(report, { force: true });
  const args = [
    ...["--timeout", String(TEST_TIMEOUT_MS), "--reporter=junit", `--reporter-outfile=${report}`],
    ...["--test-name-pattern", rules.map((rule) => naming(rule).source).join("|")],
    // With ./ it is this file, and no pattern for others.
    ...files.map((file) => `./${file}`),
  ];
  const { exitCode, signalCode, stderr } = await sandbox.test(args, deadline, replaced);
  if (signalCode !== null && signalCode !== "SIGKILL") throw new Error(`bun test was ended by ${signalCode}`);
  if (exitCode === null) throw new TestsTimeout(`bun test did not end in ${deadline} ms`);
  if (!existsSync(report)) throw new Error(`no test ran: ${lastLines(stderr)}`);
  const told = (await readReport(readFileSync(report, "utf8")))
    .filter(({ skipped }) => !skipped)
    .map(({ file, titles, failure }) => ({ name: `${file}: ${titles.join(" > ")}`, failure }));
  return { told, exitCode, stderr };
}

/** `bun test` ran past the deadline. */
export class TestsTimeout extends Error {
  override readonly name = "TestsTimeout";
}

const lastLines = (text: string) => text.trim().split("\n").filter(Boolean).slice(-8).join(" / ");
