import { Worker } from "../crew.ts";
import { progress } from "../progress.ts";
import { Sandbox } from "../sandbox.ts";
import type { CorpusAnswer, CorpusQuestion } from "./child.ts";
import type { Change } from "./list.ts";
import { keyOf } from "./survivors.ts";

/** What noticed a change: the corpus, the unit tests of its package, the deadline, or nothing. */
export type Fate = "corpus" | "tests" | "timeout" | "survived";

/** Until an unchanged file has shown how fast this machine is. */
const FIRST_DEADLINE = 300_000;
const MUTANTS_A_PROCESS = 50;
const CHILD = `${import.meta.dir}/child.ts`;

/** Puts every change to its judges, `jobs` at a time. */
export async function fatesOf(changes: readonly Change[], jobs: number): Promise<Fate[]> {
  if (changes.length === 0) return [];
  const deadline = await deadlineOf(changes[0]!);
  const bar = progress(process.stderr);
  bar.started(changes.length);
  const fates: Fate[] = [];
  let next = 0;
  const work = async () => {
    const worker = new Worker<CorpusQuestion, CorpusAnswer>(CHILD);
    using sandbox = new Sandbox();
    try {
      for (let at = next++; at < changes.length; at = next++) {
        // Every mutant stays loaded in the process that it was put to.
        if (at % MUTANTS_A_PROCESS === 0) await worker.close();
        fates[at] = await fateOf(changes[at]!, worker, sandbox, deadline);
        bar.tried({ fate: fates[at] === "survived" ? "survived" : "killed" });
      }
    } finally {
      await worker.close();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work)).finally(bar.stop);
  return fates;
}

async function fateOf(
  change: Change,
  worker: Worker<CorpusQuestion, CorpusAnswer>,
  sandbox: Sandbox,
  deadline: number,
): Promise<Fate> {
  const { file, original, mutated } = change;
  const mutant = { id: keyOf(change), rules: [], file, find: original, replace: mutated, why: "" };
  const answer = await worker.ask(mutant, deadline);
  if ("lost" in answer) return answer.lost === "timeout" ? "timeout" : "corpus";
  if ("defect" in answer) throw new Error(`the sources have changed under the run: ${answer.defect}`);
  if (answer.noticed !== null) return "corpus";
  const tests = file.split("/").slice(0, 2).join("/");
  const { exitCode } = await sandbox.test(["--bail", "--timeout=60000", tests], deadline, { file, text: mutated });
  return exitCode === 0 ? "survived" : "tests";
}

/** What a change may take: several times what the corpus and the tests take for none. */
async function deadlineOf(change: Change): Promise<number> {
  const worker = new Worker<CorpusQuestion, CorpusAnswer>(CHILD);
  using sandbox = new Sandbox();
  const from = performance.now();
  try {
    const control = { ...change, mutated: `${change.original}\n` };
    const fate = await fateOf(control, worker, sandbox, FIRST_DEADLINE);
    if (fate !== "survived") throw new Error(`the unchanged package does not pass: ${fate}`);
  } finally {
    await worker.close();
  }
  return Math.ceil(Math.max(10_000, 3 * (performance.now() - from)));
}
