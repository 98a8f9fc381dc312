import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { naming } from "@tensorwire/scripts/rules";
import { type Mutant, MutantDefect, mutate } from "./mutant.ts";
import type { Replaced, Sandbox } from "./sandbox.ts";
import { type Checks, type Control, count, type Kill, type Trial } from "./trial.ts";

const ROOT = resolve(import.meta.dir, "../..");
/** For one test. One that waits for what a mutant never does is no kill: it costs this, and no more. */
const TEST_TIMEOUT_MS = 30_000;

/** A unit test that ran, as `bun test` tells of it in JUnit XML. */
interface Told {
  /** Its file, and the titles that lead to it. */
  readonly name: string;
  /** The kind of what it threw: `AssertionError` for an expectation that failed. Null: it passed. */
  failure: { readonly type: string; readonly problem: string } | null;
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
): Promise<{ readonly told: readonly Told[]; readonly exitCode: number; readonly stderr: string }> {
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
  return { told: await readReport(readFileSync(report, "utf8")), exitCode, stderr };
}

/** `bun test` ran past the deadline. */
export class TestsTimeout extends Error {
  override readonly name = "TestsTimeout";
}

/** Tests that ran, in their order; those that were skipped did not. */
async function readReport(xml: string): Promise<Told[]> {
  const told: (Told & { skipped: boolean })[] = [];
  const attribute = (element: HTMLRewriterTypes.Element, name: string) => unescaped(element.getAttribute(name) ?? "");
  await new HTMLRewriter()
    .on("testcase", {
      element(element) {
        // The innermost comes first in it.
        const titles = attribute(element, "classname").split(" > ").reverse();
        const name = [...titles.filter(Boolean), attribute(element, "name")].join(" > ");
        told.push({ name: `${attribute(element, "file")}: ${name}`, failure: null, skipped: false });
      },
    })
    .on("failure", {
      element(element) {
        const [problem = ""] = attribute(element, "message").split("\n");
        told.at(-1)!.failure = { type: attribute(element, "type"), problem };
      },
    })
    .on("skipped", {
      element() {
        told.at(-1)!.skipped = true;
      },
    })
    .transform(new Response(xml))
    .text();
  return told.filter(({ skipped }) => !skipped);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#10": "\n" };

/** HTMLRewriter leaves them as they stand. */
function unescaped(text: string): string {
  return text.replace(/&([^;]+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

const lastLines = (text: string) => text.trim().split("\n").filter(Boolean).slice(-8).join(" / ");
