import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "../crew.ts";
import { progress } from "../progress.ts";
import type { CorpusAnswer, CorpusQuestion } from "./child.ts";
import { type Change, changesTo } from "./list.ts";
import { Sandbox } from "./sandbox.ts";

/**
 * General mutation testing: the small mechanical changes that StrykerJS makes to the sources of a package, each put to the corpus
 * and, where that notices nothing, to the unit tests of the package. What survives must be explained in `SURVIVORS.md`.
 *
 * Not by Stryker's own runner: it puts all mutants into one instrumented copy, which costs the loops over bytes a factor of a
 * hundred, and makes each run of the tests a minute.
 */
const PACKAGES = ["framing", "tensor-spec", "tp-control", "pp-contract"];
const USAGE = `usage: bun run mutation [--package ${PACKAGES.join("|")}]... [--jobs N] [--json]\n`;
/** Until an unchanged file has shown how fast this machine is. */
const FIRST_DEADLINE = 300_000;
const MUTANTS_A_PROCESS = 50;
const CHILD = join(import.meta.dir, "child.ts");

type Fate = "corpus" | "tests" | "timeout" | "survived";

async function fateOf(
  { file, key, original, mutated }: Change,
  worker: Worker<CorpusQuestion, CorpusAnswer>,
  sandbox: Sandbox,
  deadline: number,
): Promise<Fate> {
  const answer = await worker.ask({ id: key, rules: [], file, find: original, replace: mutated, why: "" }, deadline);
  if ("lost" in answer) return answer.lost === "timeout" ? "timeout" : "corpus";
  if ("defect" in answer) throw new Error(`the sources have changed under the run: ${answer.defect}`);
  if (answer.noticed !== null) return "corpus";
  return (await sandbox.notices(file, mutated, original, deadline)) ? "tests" : "survived";
}

/** What a change may take: several times what the corpus and the tests take for none. */
async function deadlineOf(change: Change): Promise<number> {
  const worker = new Worker<CorpusQuestion, CorpusAnswer>(CHILD);
  const sandbox = new Sandbox();
  const from = performance.now();
  try {
    const control = { ...change, key: "control", mutated: `${change.original}\n` };
    const fate = await fateOf(control, worker, sandbox, FIRST_DEADLINE);
    if (fate !== "survived") throw new Error(`the unchanged package does not pass: ${fate}`);
  } finally {
    await worker.close();
    sandbox.close();
  }
  return Math.ceil(Math.max(10_000, 3 * (performance.now() - from)));
}

/** Puts every change to its judges, several at a time; what nothing noticed is in `alive`. */
async function mutatePackage(name: string, jobs: number): Promise<{ total: number; fates: Fate[]; alive: Change[] }> {
  const changes = await changesTo(name);
  const deadline = await deadlineOf(changes[0]!);
  const bar = progress(process.stderr);
  bar.started(changes.length);
  const fates: Fate[] = [];
  let next = 0;
  const work = async () => {
    const worker = new Worker<CorpusQuestion, CorpusAnswer>(CHILD);
    const sandbox = new Sandbox();
    try {
      for (let at = next++; at < changes.length; at = next++) {
        // Every mutant stays loaded in the process that it was put to.
        if (at % MUTANTS_A_PROCESS === 0) await worker.close();
        fates[at] = await fateOf(changes[at]!, worker, sandbox, deadline);
        bar.tried({ fate: fates[at] === "survived" ? "survived" : "killed" });
      }
    } finally {
      await worker.close();
      sandbox.close();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  bar.stop();
  return { total: changes.length, fates, alive: changes.filter((_, i) => fates[i] === "survived") };
}

const { values } = parseArgs({
  options: {
    package: { type: "string", multiple: true, default: PACKAGES },
    jobs: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
if (values.package.some((name) => !PACKAGES.includes(name)) || !(Number(values.jobs) >= 1)) {
  process.stderr.write(USAGE);
  process.exit(64);
}
if (Bun.which("node") === null) {
  process.stderr.write(
    "tensorwire mutation: Stryker's mutators run on Node 20 or later, and there is no node on the PATH\n",
  );
  process.exit(1);
}

const written = readFileSync(join(import.meta.dir, "../SURVIVORS.md"), "utf8");
const explained = ({ key }: Change) => written.includes(`\`\`${key}\`\``);
const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
const summary: Record<string, Record<string, number>> = {};
const open: Change[] = [];
for (const name of values.package) {
  const { total, fates, alive } = await mutatePackage(name, Number(values.jobs));
  const rest = alive.filter(({ text }) => !text);
  const unexplained = rest.filter((change) => !explained(change));
  open.push(...unexplained);
  const by = (fate: Fate) => fates.filter((each) => each === fate).length;
  const counts = {
    ...{ total, killed: total - alive.length, corpus: by("corpus"), tests: by("tests"), timeout: by("timeout") },
    ...{
      texts: alive.length - rest.length,
      explained: rest.length - unexplained.length,
      unexplained: unexplained.length,
    },
  };
  summary[name] = counts;
  say(
    `${name}: ${total} mutants, ${counts.killed} killed (${((100 * counts.killed) / total).toFixed(1)} %: ${counts.corpus} by the corpus, ` +
      `${counts.tests} by unit tests, ${counts.timeout} by their deadline), ${counts.texts} in texts for people, ` +
      `${counts.explained} explained, ${counts.unexplained} not`,
  );
  for (const { key, line, file } of unexplained) say(`  ${file}:${line}  ${key}`);
}
if (values.json) {
  const unexplained = open.map(({ file, line, key }) => ({ file, line, key }));
  process.stdout.write(`${JSON.stringify({ summary, unexplained }, null, 1)}\n`);
}
process.exitCode = open.length === 0 ? 0 : 1;
