import { createHash } from "node:crypto";
import { loadCorpus, type Outcome, runConformance } from "@tensorwire/conformance";
import type { Case, Corpus } from "@tensorwire/conformance/corpus";
import { globMatcher } from "@tensorwire/conformance/glob";
import { idOf, itemsOf } from "@tensorwire/conformance/scenarios";
import { type Mutant, MutantDefect } from "./mutant.ts";
import { serveReference } from "./overlay.ts";
import { type Checks, type Control, count, type Kill, type Trial } from "./trial.ts";

type File = NonNullable<Corpus["wire"]>[number];
type Scenario = File["scenarios"][number];
/** Where a mutant is put to the scenarios: at the ranks that the harness does not play, or at the two ends of a connection. */
export type Place = Exclude<NonNullable<Mutant["at"]>, "tests">;

/** Scenarios of one rule that a mutant is put to at most: what fails may wait for a deadline. */
const MOST = 4;
/** Cases of one scenario that replays a sweep: they differ in a place of a cut, and each is a connection. */
const MOST_CASES = 6;
const SEED = "5eed";

const placeOf = (scenario: object): Place => ("ranks" in scenario ? "ranks" : "wire");

/** Level 2: the reference in a process of its own, and the harness at the other end of each connection. Much of it is waiting. */
export class Level2Trials {
  readonly #corpus: Corpus;
  readonly #files: readonly File[];
  readonly #scenarios: readonly Scenario[];
  /** By the ids of outcomes: the cases of level 1 that scenarios replay. */
  readonly #replayed: ReadonlyMap<string, Case>;

  constructor(corpus: Corpus) {
    const replayed = new Map<string, Case>();
    this.#files = (corpus.wire ?? []).map((file) => thinned(file, corpus, replayed));
    this.#scenarios = this.#files.flatMap(({ scenarios }) => scenarios);
    this.#replayed = replayed;
    const { probes: _, ...rest } = corpus;
    const cases = [...new Set(replayed.values())];
    this.#corpus = { ...rest, cases: (filter = () => true) => cases.filter(({ id }) => filter(id)) };
  }

  static load(folder: string): Level2Trials {
    return new Level2Trials(loadCorpus(folder));
  }

  /**
   * Puts a mutant to some of the scenarios that name one of its rules. A kill is a scenario that failed, however often it was a rule's.
   *
   * @throws MutantDefect when a pattern of `by` chooses nothing.
   */
  async try(mutant: Mutant): Promise<Trial> {
    const chosen = choose(mutant, this.#scenarios);
    const outcomes = await this.#run(mutant, (scenario) => chosen.has(scenario));
    const kills: Record<string, Kill[]> = Object.fromEntries(mutant.rules.map((rule) => [rule, []]));
    let crashes = 0;
    for (const { id, verdict, text, difference } of outcomes) {
      if (CRASHED.has(verdict)) crashes++;
      if (!FAILED.has(verdict)) continue;
      const scenario = [...chosen].find((one) => isOf(id, one));
      for (const rule of mutant.rules) {
        if (!scenario?.rules.includes(rule) || kills[rule]!.some(({ vector }) => vector === scenario.id)) continue;
        kills[rule]!.push({ vector: scenario.id, case: id, problem: difference?.problem ?? text ?? "" });
      }
    }
    return { kills, elsewhere: [], crashes };
  }

  /** Puts the unmutated reference to all of them: the ranks of each file in a process of their own, the rest in one. */
  async control(place: Place): Promise<Control> {
    const files = this.#files
      .map(({ scenarios }) => scenarios.filter((scenario) => placeOf(scenario) === place))
      .filter((own) => own.length > 0);
    const shares = place === "ranks" ? files : [files.flat()];
    const runs = shares.map(async (own) => ({ own, outcomes: await this.#run(null, (one) => own.includes(one)) }));
    let passed = 0;
    const failed: string[] = [];
    const checks: Record<string, Checks> = {};
    for (const { own, outcomes } of await Promise.all(runs)) {
      for (const scenario of own) {
        const told = outcomes.filter(({ id }) => isOf(id, scenario));
        if (told.length === 0) failed.push(`${scenario.id}: not run`);
        for (const { id, verdict, text = "" } of told) {
          if (verdict !== "pass") {
            failed.push(`${id}: ${verdict}, ${text}`);
            continue;
          }
          passed++;
          count(checks, scenario.rules, refuses(scenario, this.#replayed.get(id)) ? "refusing" : "accepting");
        }
      }
    }
    return { passed, declined: 0, failed, checks };
  }

  async #run(mutant: Mutant | null, wanted: (scenario: Scenario) => boolean): Promise<readonly Outcome[]> {
    using served = await serveReference(mutant);
    const wire = this.#files.flatMap((file) => {
      const scenarios = file.scenarios.filter(wanted);
      return scenarios.length === 0 ? [] : [{ ...file, scenarios }];
    });
    const { report } = await runConformance({
      way: { kind: "launch", command: served.command },
      corpus: { ...this.#corpus, wire },
      // Without it the cases that are replayed would be put to level 1 beforehand.
      filter: "wire/*",
      profiles: [...new Set(wire.map(({ profile }) => profile))],
      ...{ jobs: 1, seed: SEED, log: () => {}, print: () => {} },
    });
    if (report === undefined || report.outcomes.length === 0)
      throw new Error(`the harness judged nothing: ${report?.trouble ?? "no report"}`);
    return report.outcomes;
  }
}

const FAILED: ReadonlySet<string> = new Set(["fail", "warn", "disagreement"]);
const CRASHED: ReadonlySet<string> = new Set(["crash", "timeout", "adapter error", "harness error"]);

const isOf = (id: string, scenario: Scenario) => id === scenario.id || id.startsWith(`${scenario.id}/`);

/** A file of which each replay has so few cases that the gate has time for it; they are noted under the ids of their outcomes. */
function thinned(file: File, corpus: Corpus, replayed: Map<string, Case>): File {
  const byScenario = Map.groupBy(itemsOf(file, corpus), ({ scenario }) => scenario);
  const scenarios = file.scenarios.map((scenario): Scenario => {
    const items = byScenario.get(scenario) ?? [];
    const kept = "replay" in scenario ? byDigest(items, ({ id }) => id).slice(0, MOST_CASES) : items;
    for (const item of kept) for (const about of item.cases) replayed.set(idOf(item, about), about);
    return "replay" in scenario
      ? { ...scenario, replay: kept.flatMap(({ cases }) => cases.map(({ id }) => id)) }
      : scenario;
  });
  return { ...file, scenarios };
}

/**
 * For each rule of a mutant a few of the scenarios that name it: first those that the mutant names, then by a digest, so that a scenario
 * that is added or taken away moves no other.
 *
 * @internal
 */
export function choose<S extends Pick<Scenario, "id" | "rules">>(
  { id, rules, at, by = [] }: Pick<Mutant, "id" | "rules" | "at" | "by">,
  all: readonly S[],
): Set<S> {
  const own = all.filter((scenario) => placeOf(scenario) === at);
  const named = by.map((pattern) => {
    const found = own.filter((scenario) => globMatcher(pattern)(scenario.id));
    if (found.some((scenario) => rules.some((rule) => scenario.rules.includes(rule)))) return found;
    throw new MutantDefect(`${id}: no scenario ${pattern} names one of its rules`);
  });
  const order = byDigest(own, (scenario) => `${id} ${scenario.id}`);
  const first = order.filter((scenario) => named.some((found) => found.includes(scenario)));
  const ranked = [...first, ...order.filter((scenario) => !first.includes(scenario))];
  return new Set(rules.flatMap((rule) => ranked.filter((one) => one.rules.includes(rule)).slice(0, MOST)));
}

function byDigest<T>(all: readonly T[], name: (one: T) => string): T[] {
  const digests = new Map(all.map((one) => [one, createHash("sha256").update(name(one)).digest("hex")]));
  return [...all].sort((a, b) => (digests.get(a)! < digests.get(b)! ? -1 : 1));
}

/** The implementation has to tell of a fault, or of a loss. */
function refuses(scenario: Scenario, replayed: Case | undefined): boolean {
  const told =
    "steps" in scenario ? scenario.steps.flatMap((step) => ("events" in step ? (step.events ?? []) : [])) : [];
  return [...told, ...(replayed?.expected.flat() ?? [])].some(({ event }) => LOSSES.has(event));
}

const LOSSES: ReadonlySet<string> = new Set(["error", "lost", "reset"]);
