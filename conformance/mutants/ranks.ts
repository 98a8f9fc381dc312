import { loadCorpus, type Outcome, runConformance } from "@tensorwire/conformance";
import type { Corpus } from "@tensorwire/conformance/corpus";
import type { Mutant } from "./mutant.ts";
import { serveReference } from "./overlay.ts";
import type { Control, Kill, Trial } from "./trial.ts";

type Scenario = NonNullable<Corpus["wire"]>[number]["scenarios"][number];

/** Scenarios of one rule that a mutant is put to at most: what fails waits for a deadline. */
const MOST = 4;
const SEED = "5eed";

/** Level 2: the reference in a process of its own, where the harness plays every other rank. Most of it is waiting. */
export class RankTrials {
  readonly #corpus: Corpus;
  readonly #files: readonly (readonly Scenario[])[];

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
    this.#files = (corpus.wire ?? []).flatMap(({ scenarios }) => {
      const own = scenarios.filter((scenario) => "ranks" in scenario);
      return own.length === 0 ? [] : [own];
    });
  }

  static load(folder: string): RankTrials {
    return new RankTrials(loadCorpus(folder));
  }

  /** Puts a mutant to some of the scenarios that name one of its rules. A kill is a scenario that failed, however often it was a rule's. */
  async try(mutant: Mutant): Promise<Trial> {
    const scenarios = this.#files.flat();
    const chosen = new Set(
      mutant.rules.flatMap((rule) => spread(scenarios.filter(({ rules }) => rules.includes(rule)))),
    );
    const outcomes = await this.#run(mutant, (scenario) => chosen.has(scenario));
    const kills: Record<string, Kill[]> = Object.fromEntries(mutant.rules.map((rule) => [rule, []]));
    let crashes = 0;
    for (const { id, verdict, text = "" } of outcomes) {
      if (CRASHED.has(verdict)) crashes++;
      if (verdict !== "fail" && verdict !== "warn") continue;
      const { rules = [] } = scenarios.find((scenario) => scenario.id === id) ?? {};
      for (const rule of mutant.rules)
        if (rules.includes(rule)) kills[rule]!.push({ vector: id, case: id, problem: text });
    }
    return { kills, elsewhere: [], crashes };
  }

  /** Puts the unmutated reference to all of them, each file in a process of its own. */
  async control(): Promise<Control> {
    const runs = this.#files.map(async (own) => ({ own, outcomes: await this.#run(null, (one) => own.includes(one)) }));
    let passed = 0;
    const failed: string[] = [];
    const checks: Record<string, { accepting: number; refusing: number }> = {};
    for (const { own, outcomes } of await Promise.all(runs)) {
      for (const scenario of own) {
        const { verdict, text = "" } = outcomes.find(({ id }) => id === scenario.id) ?? { verdict: "not run" };
        if (verdict !== "pass") {
          failed.push(`${scenario.id}: ${verdict}, ${text}`);
          continue;
        }
        passed++;
        for (const rule of scenario.rules) {
          checks[rule] ??= { accepting: 0, refusing: 0 };
          checks[rule][refuses(scenario) ? "refusing" : "accepting"]++;
        }
      }
    }
    return { passed, declined: 0, failed, checks };
  }

  async #run(mutant: Mutant | null, wanted: (scenario: Scenario) => boolean): Promise<readonly Outcome[]> {
    using served = await serveReference(mutant);
    const { probes: _, ...rest } = this.#corpus;
    const wire = (rest.wire ?? []).flatMap((file) => {
      const scenarios = file.scenarios.filter((scenario) => "ranks" in scenario && wanted(scenario));
      return scenarios.length === 0 ? [] : [{ ...file, scenarios }];
    });
    const { report } = await runConformance({
      way: { kind: "launch", command: served.command },
      corpus: { ...rest, wire, cases: () => [] },
      ...{ jobs: 1, seed: SEED, log: () => {}, print: () => {} },
    });
    return report?.outcomes ?? [];
  }
}

const CRASHED: ReadonlySet<string> = new Set(["crash", "timeout", "adapter error", "harness error"]);

/** The first, the last and some between them. */
function spread<T>(all: readonly T[]): T[] {
  if (all.length <= MOST) return [...all];
  return Array.from({ length: MOST }, (_, i) => all[Math.round((i * (all.length - 1)) / (MOST - 1))]!);
}

/** The implementation has to tell of a fault, or to lose a rank. */
function refuses(scenario: Scenario): boolean {
  if (!("ranks" in scenario)) return false;
  return scenario.steps.some(
    (step) => "events" in step && step.events?.some(({ event }) => event === "error" || event === "lost"),
  );
}
