import { join } from "node:path";
import { DEFAULT_CORPUS } from "@tensorwire/conformance";
import { indexRules, type RuleIndex } from "@tensorwire/scripts/rules";
import type { Answer, Question } from "./child.ts";
import { Worker } from "./crew.ts";
import { Level2Trials, type Place } from "./level2.ts";
import type { Mutant } from "./mutant.ts";
import { Sandbox } from "./sandbox.ts";
import { inScope } from "./scope.ts";
import { type Checks, type Control, count, type Kill, type Trial } from "./trial.ts";
import { controlByTests, TestsTimeout, tryByTests } from "./unit-tests.ts";
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
  const tell = (verdict: Verdict) => {
    tried?.(verdict);
    return verdict;
  };
  const [cases, level2, tests] = await Promise.all([
    tryCases(
      selected.filter(({ at }) => at === undefined),
      jobs,
      tell,
    ),
    tryLevel2(
      selected.filter(({ at }) => at !== undefined && at !== "tests"),
      tell,
    ),
    tryTests(
      selected.filter(({ at }) => at === "tests"),
      tell,
    ),
  ]);
  const control = [cases.control, ...level2.controls, ...tests.controls].reduce(both);
  const order = new Map(selected.map((mutant, i) => [mutant, i]));
  const verdicts = [...cases.verdicts, ...level2.verdicts, ...tests.verdicts];
  verdicts.sort((a, b) => order.get(a.mutant)! - order.get(b.mutant)!);
  const faults = [
    ...cases.faults,
    ...control.failed.slice(0, 10).map((text) => `the unmutated control fails ${text}`),
    ...(selected.length === 0 ? ["no mutant is selected"] : []),
    ...(control.passed === 0 ? ["the unmutated control passed no case"] : []),
    ...verdicts
      .filter(({ fate }) => fate !== "killed")
      .map(({ mutant, fate, text }) => `${mutant.id}: ${fate}, ${text}`),
    ...zooFaults(MUTANTS, indexRules()).filter(() => only === undefined),
  ];
  return { control, verdicts, faults };
}

const NONE: Control = { passed: 0, declined: 0, failed: [], checks: {} };

/** Levels 1 and 3. The control is put to them even where no mutant is. */
async function tryCases(selected: readonly Mutant[], jobs: number, tell: (verdict: Verdict) => Verdict): Promise<Gate> {
  const crew = Array.from({ length: jobs }, () => new Worker<Question, Answer>(CHILD));
  try {
    const from = performance.now();
    const answer = await crew[0]!.ask({ mutant: null }, FIRST_DEADLINE);
    if (!("control" in answer)) {
      return { control: NONE, verdicts: [], faults: [`the control gave no result: ${JSON.stringify(answer)}`] };
    }
    const deadline = Math.max(30_000, 5 * (performance.now() - from));
    const verdicts: Verdict[] = [];
    const queue = selected.values();
    const work = async (worker: Worker<Question, Answer>) => {
      for (const mutant of queue) {
        verdicts.push(tell(verdictOf(mutant, await worker.ask({ mutant: mutant.id }, deadline))));
      }
    };
    await Promise.all(crew.map(work));
    return { control: answer.control, verdicts, faults: [] };
  } finally {
    await Promise.all(crew.map((worker) => worker.close()));
  }
}

/** Level 2, where a mutant needs it. Nearly all of the time is waiting for deadlines, so that several are tried at once. */
async function tryLevel2(
  selected: readonly Mutant[],
  tell: (verdict: Verdict) => Verdict,
): Promise<{ controls: Control[]; verdicts: Verdict[] }> {
  if (selected.length === 0) return { controls: [], verdicts: [] };
  const trials = Level2Trials.load(DEFAULT_CORPUS);
  const verdicts: Verdict[] = [];
  const queue = selected.values();
  const work = async () => {
    for (const mutant of queue) {
      const answer = await trials.try(mutant).then(
        (trial) => ({ trial }),
        (error: unknown) => ({ stillborn: String(error) }),
      );
      verdicts.push(tell(verdictOf(mutant, answer)));
    }
  };
  const lanes = Array.from({ length: LEVEL_2_LANES }, work);
  const places = PLACES.filter((place) => selected.some(({ at }) => at === place));
  const [controls] = await Promise.all([Promise.all(places.map((place) => trials.control(place))), ...lanes]);
  return { controls, verdicts };
}

const LEVEL_2_LANES = 5;
const PLACES: readonly Place[] = ["ranks", "wire"];

/** The project's own unit tests, where nothing else can show a rule. Each lane has a copy of the sources. */
async function tryTests(
  selected: readonly Mutant[],
  tell: (verdict: Verdict) => Verdict,
): Promise<{ controls: Control[]; verdicts: Verdict[] }> {
  if (selected.length === 0) return { controls: [], verdicts: [] };
  const verdicts: Verdict[] = [];
  const queue = selected.values();
  const from = performance.now();
  let deadline = FIRST_DEADLINE;
  const work = async (sandbox: Sandbox) => {
    for (const mutant of queue) {
      const answer = await tryByTests(mutant, sandbox, deadline).then(
        (trial) => ({ trial }),
        (error: unknown) =>
          error instanceof TestsTimeout ? { lost: "timeout" as const } : { stillborn: String(error) },
      );
      verdicts.push(tell(verdictOf(mutant, answer)));
    }
  };
  using first = new Sandbox();
  const control = await controlByTests(selected, first, deadline);
  deadline = Math.max(60_000, 5 * (performance.now() - from));
  using second = new Sandbox();
  await Promise.all([work(first), work(second)]);
  return { controls: [control], verdicts };
}

function both(a: Control, b: Control): Control {
  const checks: Record<string, Checks> = { ...a.checks };
  for (const [rule, own] of Object.entries(b.checks)) {
    for (const kind of ["accepting", "refusing", "tests"] as const) count(checks, [rule], kind, own[kind]);
  }
  return {
    passed: a.passed + b.passed,
    declined: a.declined + b.declined,
    failed: [...a.failed, ...b.failed],
    checks,
  };
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
  const faults: string[] = [];
  for (const { id, rules: names, at, by = [] } of mutants) {
    if (ids.has(id)) faults.push(`two mutants are named ${id}`);
    ids.add(id);
    if (names.length === 0) faults.push(`${id} breaks no rule`);
    for (const name of names) if (!rules.has(name)) faults.push(`${id} breaks ${name}, which is no rule`);
    if (at === "tests" && by.length === 0) faults.push(`${id} names no file of unit tests`);
  }
  for (const id of rules.keys()) if (inScope(id) && !broken.has(id)) faults.push(`${id} has no mutant`);
  return faults;
}
