import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { flags, jobsOf } from "../flags.ts";
import { type Fate, fatesOf } from "./fates.ts";
import { type Change, changesTo, ROOT } from "./list.ts";
import { keyOf, readSurvivors, staleOf } from "./survivors.ts";

/**
 * General mutation testing: the small mechanical changes that StrykerJS makes to the sources of a package, each put to the corpus
 * and, where that notices nothing, to the unit tests of the package. What survives must be explained in `SURVIVORS.md`, and what is
 * explained there must survive.
 *
 * Not by Stryker's own runner: it puts all mutants into one instrumented copy, which costs the loops over bytes a factor of a
 * hundred, and makes each run of the tests a minute.
 */
const PACKAGES = ["framing", "tensor-spec", "tp-control", "pp-contract"];
const USAGE = `usage: bun run mutation [--package ${PACKAGES.join("|")}]... [--file PATH]... [--jobs N] [--json]

Makes small mechanical changes to the sources; each must be noticed by the corpus or the unit tests, or be explained in SURVIVORS.md.

  --package NAME  only this package; may be given several times
  --file PATH     only this file of a package, by its path from the root; what is explained is then not asked to survive
  --explained     only what SURVIVORS.md explains: whether it still survives, after a change of the corpus or of tests
  --jobs N        processes at once, 1 to 64; 2 unless told
  --json          the counts as JSON on stdout, and which changes the unit tests alone have noticed: there the corpus is weak

Exit status: 0 nothing survives without an explanation, and each is needed; 1 otherwise; 64 usage.
`;

interface Options {
  readonly packages: readonly string[];
  readonly files: readonly string[];
  readonly explained: boolean;
  readonly jobs: number;
  readonly json: boolean;
}

function parse(): Options {
  const { values } = parseArgs({
    options: {
      package: { type: "string", multiple: true },
      file: { type: "string", multiple: true, default: [] },
      explained: { type: "boolean", default: false },
      jobs: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
    },
  });
  const { file: files, explained, json } = values;
  const owners = files.map((file) => /^packages\/([^/]+)\/src\/.+\.ts$/.exec(file)?.[1] ?? "");
  for (const [i, owner] of owners.entries()) {
    if (!PACKAGES.includes(owner) || !existsSync(join(ROOT, files[i]!)))
      throw new TypeError(`--file must be a source of one of the packages, not ${files[i]}`);
  }
  const packages = [...new Set(values.package ?? (files.length > 0 ? owners : PACKAGES))];
  const unknown = packages.find((name) => !PACKAGES.includes(name));
  if (unknown !== undefined) throw new TypeError(`--package must be one of ${PACKAGES.join(", ")}, not ${unknown}`);
  return { packages, files, explained, jobs: jobsOf(values.jobs), json };
}

async function run({ packages, files, explained, jobs, json }: Options): Promise<number> {
  const explanations = readSurvivors(readFileSync(join(import.meta.dir, "../SURVIVORS.md"), "utf8"), PACKAGES);
  const say = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const summary: Record<string, Record<string, number>> = {};
  const unexplained: Change[] = [];
  const byTests: Change[] = [];
  const unused: { package: string; key: string }[] = [];
  for (const name of packages) {
    const all = await changesTo(name);
    const own = explanations.filter((one) => one.package === name);
    const known = new Set(own.map(({ key }) => key));
    const changes = all.filter(
      (change) => (files.length === 0 || files.includes(change.file)) && (!explained || known.has(keyOf(change))),
    );
    const fates = await fatesOf(changes, jobs);
    const alive = changes.filter((_, i) => fates[i] === "survived");
    const survivors = alive.filter(({ text }) => !text);
    const open = survivors.filter((change) => !own.some(({ key }) => key === keyOf(change)));
    const stale = files.length > 0 ? [] : staleOf(own, changes, fates);
    unexplained.push(...open);
    byTests.push(...changes.filter((_, i) => fates[i] === "tests"));
    unused.push(...stale.map(({ key }) => ({ package: name, key })));

    const by = (fate: Fate) => fates.filter((each) => each === fate).length;
    const total = changes.length;
    const counts = {
      ...{ total, killed: total - alive.length, corpus: by("corpus"), tests: by("tests"), timeout: by("timeout") },
      ...{ texts: alive.length - survivors.length, explained: survivors.length - open.length },
      ...{ unexplained: open.length, unused: stale.length },
    };
    summary[name] = counts;
    say(
      `${name}: ${total} mutants, ${counts.killed} killed (${((100 * counts.killed) / Math.max(1, total)).toFixed(1)} %: ${counts.corpus} by the corpus, ` +
        `${counts.tests} by unit tests, ${counts.timeout} by their deadline), ${counts.texts} in texts for people, ` +
        `${counts.explained} explained, ${open.length} not`,
    );
    for (const change of open) say(`  survived, line ${change.line}:\n  - ${keyOf(change)}`);
    for (const { key } of stale) say(`  explained, and it is noticed, or is not made:\n  - ${key}`);
  }
  if (json) {
    const places = (all: readonly Change[]) => all.map((one) => ({ file: one.file, line: one.line, key: keyOf(one) }));
    const found = { summary, unexplained: places(unexplained), unused, by_tests: places(byTests) };
    process.stdout.write(`${JSON.stringify(found, null, 1)}\n`);
  }
  return unexplained.length + unused.length === 0 ? 0 : 1;
}

const chosen = flags("mutation", USAGE, parse);
if (Bun.which("node") === null) {
  process.stderr.write(
    "tensorwire mutation: Stryker's mutators run on Node 20 or later, and there is no node on the PATH\n",
  );
  process.exitCode = 1;
} else process.exitCode = await run(chosen);
