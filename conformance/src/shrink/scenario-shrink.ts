import type { Case, Corpus } from "../corpus/types.ts";
import type { ProfileFile } from "../corpus/vector-file.ts";
import type { WireFile, WireScenario } from "../corpus/wire-file.ts";
import { describeWireStep } from "../explain/wire-steps.ts";
import type { Outcome } from "../verdict.ts";
import { idOf as caseIdOf, type Item, itemsOf } from "../wire/scenarios.ts";
import { leftAsItIs, triesText, wireSignatureOf } from "./kinds.ts";
import { smallest } from "./smallest.ts";
import { idOf } from "./vector.ts";
import type { WireProber } from "./wire-prober.ts";
import { smallerScenario } from "./wire-reduce.ts";
import { namesOf } from "./wire-steps.ts";

/** Scenarios that are put to the IUT for one failure, at most; and how many of them may use up the time they have. */
const TRIES = 300;
const WAITS = 40;

/** A scenario made small: it fails in the same way, and an honest implementation passes it. */
export interface ShrunkScenario {
  readonly profile: string;
  readonly from: string;
  readonly before: WireScenario;
  readonly scenario: WireScenario;
  readonly signature: string;
  readonly tries: number;
}

export interface ScenarioStand {
  readonly corpus: Corpus;
  readonly iut: WireProber;
  /** Whatever it does not pass says nothing of the IUT. */
  readonly honest: WireProber;
}

/** Gives back in words why it is left as it is, where it is. */
export async function shrinkScenario(
  outcome: Outcome,
  profile: ProfileFile,
  { corpus, iut, honest }: ScenarioStand,
): Promise<ShrunkScenario | string> {
  const { id } = outcome;
  const own = ownScenario(outcome, corpus);
  if (own === undefined) return leftAsItIs(id, "the corpus has no such scenario");
  const signature = wireSignatureOf(outcome);
  let tries = 0;
  let waits = 0;
  const fails = async (scenario: WireScenario): Promise<boolean> => {
    if (++tries > TRIES || waits > WAITS) return false;
    const outcomes = await iut.put(profile.profile, scenario);
    if (outcomes.some(usedUpItsTime)) waits++;
    return outcomes.some((one) => wireSignatureOf(one) === signature);
  };
  const passes = async (scenario: WireScenario): Promise<boolean> => {
    const outcomes = await honest.put(profile.profile, scenario);
    return outcomes.length > 0 && outcomes.every(({ verdict }) => verdict === "pass");
  };
  if (!(await fails(own.scenario))) return leftAsItIs(id, "it did not fail in the same way once more");
  if (!(await passes(own.scenario))) {
    return leftAsItIs(id, "the reference, which must pass whatever is made of it, does not pass it on this machine");
  }
  const best = await smallest(
    own.scenario,
    (scenario) => smallerScenario(scenario, profile, own.cases),
    async (scenario) => (await fails(scenario)) && (await passes(scenario)),
    JSON.stringify,
  );
  const scenario = named(best, profile.profile, outcome);
  const spent = Math.min(tries, TRIES);
  waits = tries = 0;
  if (!(await fails(scenario))) return leftAsItIs(id, "what became of it did not fail in the same way once more");
  return {
    profile: profile.profile,
    from: id,
    before: own.scenario,
    scenario,
    signature,
    tries: spent,
  };
}

const usedUpItsTime = ({ verdict, text = "" }: Outcome) => verdict === "timeout" || / within [\d.]+ s/.test(text);

/** The scenario of an outcome, of several cases the failing one alone; and the cases that its profile plays on connections. */
function ownScenario(
  { id, case: about }: Outcome,
  corpus: Corpus,
): { readonly scenario: WireScenario; readonly cases: readonly Case[] } | undefined {
  const wanted = id.replace(/\/clear$/, "");
  for (const file of corpus.wire ?? []) {
    const scenario = file.scenarios.find((one) => one.id === about?.vector);
    if (scenario === undefined) continue;
    for (const item of itemsOf({ ...file, scenarios: [scenario] }, corpus)) {
      const ids = [item.id, ...item.cases.map((one) => caseIdOf(item, one))];
      if (ids.includes(wanted)) return { scenario: narrowed(item), cases: casesOf(file, corpus) };
    }
  }
  return undefined;
}

function narrowed({ scenario, cases }: Item): WireScenario {
  const ids = cases.map((one) => one.id);
  if ("replay" in scenario) return { ...scenario, replay: ids };
  return "interleave" in scenario ? { ...scenario, interleave: [ids] } : scenario;
}

function casesOf(file: WireFile, corpus: Corpus): readonly Case[] {
  const scenarios = file.scenarios.filter((one) => "replay" in one || "interleave" in one);
  const cases = [...itemsOf({ ...file, scenarios }, corpus)].flatMap((item) => item.cases);
  return [...new Map(cases.map((one) => [one.id, one])).values()];
}

/** The id follows from the content: the same failure shrinks to the same scenario. */
function named(scenario: WireScenario, profile: string, { id, difference, text, verdict }: Outcome): WireScenario {
  const problem = difference?.problem ?? text ?? `a ${verdict}`;
  const why = `Shrunk from ${id}: ${problem.replace(/\s+/g, " ").replace(/\.?$/, ".")}`;
  // The reason is left out: how long something took, and the like, is of one run.
  const { id: _, why: __, ...body } = scenario;
  const { rules, level, ...rest } = body;
  return { id: idOf(`wire/${profile}`, body), rules, level, why, ...rest } as WireScenario;
}

/** A line for people, and the steps. */
export function describeShrunkScenario({ from, before, scenario, tries }: ShrunkScenario): string {
  return `shrunk ${from} (${sizeOf(before)}) to ${sizeOf(scenario)}, ${triesText(tries)}: ${scenario.id}${stepsOf(scenario)}`;
}

function stepsOf(scenario: WireScenario): string {
  if (!("steps" in scenario)) return "";
  return scenario.steps.map((step) => `\n    ${describeWireStep(step, "ranks" in scenario)}`).join("");
}

const plural = (count: number, name: string) => `${count} ${name}${count === 1 ? "" : "s"}`;

function sizeOf(scenario: WireScenario): string {
  if ("replay" in scenario) return scenario.replay.join(", ");
  if ("interleave" in scenario) return scenario.interleave.flat().join(" beside ");
  return `${plural(scenario.steps.length, "step")} on ${plural(namesOf(scenario).length, "connection")}`;
}
