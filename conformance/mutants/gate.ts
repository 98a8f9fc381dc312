import { join } from "node:path";
import { indexRules, type RuleIndex } from "@tensorwire/scripts/rules";
import type { Answer, Question } from "./child.ts";
import { Worker } from "./crew.ts";
import { EXEMPTIONS, inScope } from "./exempt.ts";
import type { Mutant } from "./mutant.ts";
import type { Control, Kill, Trial } from "./trial.ts";
import { MUTANTS } from "./zoo/index.ts";

/**
 * `killed`: for each of its rules a check that names the rule failed. Everything else fails the gate: `survived` no check at all,
 * `wrong rule` died, but one of its rules did not notice; `crashed` and `timeout` without a check; `stillborn` does not fit the sources.
 */
export type Fate = "killed" | "survived" | "wrong rule" | "crashed" | "timeout" | "stillborn";

export interface Verdict {
  readonly mutant: Mutant;
  readonly fate: Fate;
  /** By rule. */
  readonly kills: Readonly<Record<string, readonly Kill[]>>;
  /** For people: what is missing for `killed`. */
  readonly text: string;
}

export interface Gate {
  readonly control: Control;
  /** In the order of the zoo. */
  readonly verdicts: readonly Verdict[];
  /** One sentence each; none when the gate is passed. */
  readonly faults: readonly string[];
}

export interface GateOptions {
  /** Selects mutants by id; without it the gate also judges whether every rule has one. */
  readonly only?: (id: string) => boolean;
  /** Child processes. */
  readonly jobs: number;
  readonly started?: (mutants: number) => void;
  readonly tried?: (verdict: Verdict) => void;
}

const CHILD = join(import.meta.dir, "child.ts");
/** Until the control has shown how fast this machine is. */
const FIRST_DEADLINE = 300_000;

export async function runGate({ only, jobs, started, tried }: GateOptions): Promise<Gate> {
  const selected = MUTANTS.filter(({ id }) => only?.(id) ?? true);
  started?.(selected.length);
  const crew = Array.from({ length: jobs }, () => new Worker<Question, Answer>(CHILD));
  try {
    const from = performance.now();
    const answer = await crew[0]!.ask({ mutant: null }, FIRST_DEADLINE);
    if (!("control" in answer)) {
      const control = { passed: 0, declined: 0, failed: [], checks: {} };
      return { control, verdicts: [], faults: [`the control gave no result: ${JSON.stringify(answer)}`] };
    }
    const deadline = Math.max(30_000, 5 * (performance.now() - from));
    const verdicts: Verdict[] = [];
    const queue = selected.entries();
    const work = async (worker: Worker<Question, Answer>) => {
      for (const [i, mutant] of queue) {
        const reply = await worker.ask({ mutant: mutant.id }, deadline);
        verdicts[i] = verdictOf(mutant, reply);
        tried?.(verdicts[i]);
      }
    };
    await Promise.all(crew.map(work));
    const { control } = answer;
    const faults = [
      ...control.failed.slice(0, 10).map((text) => `the unmutated control fails ${text}`),
      ...(selected.length === 0 ? ["no mutant is selected"] : []),
      ...(control.passed === 0 ? ["the unmutated control passed no case"] : []),
      ...verdicts
        .filter(({ fate }) => fate !== "killed")
        .map(({ mutant, fate, text }) => `${mutant.id}: ${fate}, ${text}`),
      ...zooFaults(MUTANTS, indexRules()).filter(() => only === undefined),
    ];
    return { control, verdicts, faults };
  } finally {
    await Promise.all(crew.map((worker) => worker.close()));
  }
}

/** @internal */
export function verdictOf(mutant: Mutant, reply: Awaited<ReturnType<Worker<Question, Answer>["ask"]>>): Verdict {
  const verdict = (fate: Fate, text: string, kills: Trial["kills"] = {}): Verdict => ({ mutant, fate, text, kills });
  if ("lost" in reply) {
    if (reply.lost === "timeout") return verdict("timeout", "it ran past its deadline");
    return verdict("crashed", "its process ended");
  }
  if ("stillborn" in reply) return verdict("stillborn", reply.stillborn);
  if ("control" in reply) throw new Error("a control's result for a mutant");
  const { kills, elsewhere, crashes } = reply.trial;
  const open = mutant.rules.filter((rule) => kills[rule]!.length === 0);
  if (open.length === 0) return verdict("killed", "", kills);
  const others = elsewhere.slice(0, 3).map(({ case: id, rules }) => `${id} (${rules.join(", ")})`);
  const missing = `no check of ${open.join(", ")} failed`;
  if (elsewhere.length > 0 || open.length < mutant.rules.length) {
    return verdict("wrong rule", others.length === 0 ? missing : `${missing}; it dies by ${others.join("; ")}`, kills);
  }
  if (crashes > 0) return verdict("crashed", `${missing}, ${crashes} cases crashed`, kills);
  return verdict("survived", missing, kills);
}

/** What is wrong with the zoo itself, whatever its mutants come to. */
export function zooFaults(mutants: readonly Mutant[], { rules }: Pick<RuleIndex, "rules">): string[] {
  const ids = new Set<string>();
  const broken = new Set(mutants.flatMap((mutant) => mutant.rules));
  const exempt = new Map(
    EXEMPTIONS.flatMap(({ rules: exempted, reason }) => exempted.map((id) => [id, reason] as const)),
  );
  const faults: string[] = [];
  for (const { id, rules: names } of mutants) {
    if (ids.has(id)) faults.push(`two mutants are named ${id}`);
    ids.add(id);
    if (names.length === 0) faults.push(`${id} breaks no rule`);
    for (const name of names) if (!rules.has(name)) faults.push(`${id} breaks ${name}, which is no rule`);
  }
  for (const id of rules.keys()) {
    if (!inScope(id)) continue;
    if (!broken.has(id) && !exempt.has(id)) faults.push(`${id} has no mutant, and no reason for that is written`);
    if (broken.has(id) && exempt.has(id)) faults.push(`${id} has a mutant, and a reason why it could have none`);
  }
  for (const id of exempt.keys()) if (!rules.has(id)) faults.push(`a reason is written for ${id}, which is no rule`);
  return faults;
}
