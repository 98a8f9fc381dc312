import type { Case } from "../corpus/types.ts";
import type { ProfileFile } from "../corpus/vector-file.ts";
import type { InterleaveScenario, RankStep, RanksScenario, StepsScenario, WireScenario } from "../corpus/wire-file.ts";
import { weightOf } from "./kinds.ts";
import { shorterPayloads } from "./wire-payloads.ts";
import { sensible } from "./wire-sensible.ts";
import { connOf, eventsOf, namesOf, type OfSteps, withoutSteps } from "./wire-steps.ts";

/** Lighter cases that are tried in the place of one. */
const MOST_LIGHTER = 40;

/**
 * Scenarios that are a step smaller, the boldest first: fewer connections, steps and cases, lighter cases, lower counts, fewer bites,
 * shorter payloads. Those of steps may still say what is wrong: whoever tries them asks an honest implementation too.
 */
export function* smallerScenario(
  scenario: WireScenario,
  profile: Pick<ProfileFile, "fields">,
  cases: readonly Case[],
): Iterable<WireScenario> {
  if ("replay" in scenario) {
    const [id = ""] = scenario.replay;
    for (const other of lighter(id, cases)) yield { ...scenario, replay: [other.id] };
  } else if ("interleave" in scenario) yield* fewerCases(scenario, cases);
  else for (const one of smallerSteps(scenario, profile)) if (sensible(one)) yield one;
}

/** Lighter cases under the same limits, the lightest first. */
function lighter(id: string, cases: readonly Case[]): readonly Case[] {
  const own = cases.find((one) => one.id === id);
  if (own === undefined) return [];
  const limits = JSON.stringify(own.limits);
  return cases
    .filter((one) => weightOf(one) < weightOf(own) && JSON.stringify(one.limits) === limits)
    .sort((a, b) => weightOf(a) - weightOf(b))
    .slice(0, MOST_LIGHTER);
}

/** One alone is a replay: then it is not what the connections share. */
function* fewerCases({ interleave, ...rest }: InterleaveScenario, cases: readonly Case[]): Iterable<WireScenario> {
  const [list = []] = interleave;
  for (const id of new Set(list)) yield { ...rest, replay: [id] };
  if (list.length > 2) for (const i of list.keys()) yield { ...rest, interleave: [list.toSpliced(i, 1)] };
  for (const [i, id] of list.entries()) {
    for (const other of lighter(id, cases)) yield { ...rest, interleave: [list.with(i, other.id)] };
  }
}

function* smallerSteps(scenario: OfSteps, profile: Pick<ProfileFile, "fields">): Iterable<OfSteps> {
  const steps: readonly RankStep[] = scenario.steps;
  if (namesOf(scenario).length > 1) for (const name of namesOf(scenario)) yield withoutConnection(scenario, name);
  for (let size = steps.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from < steps.length; from += size) {
      yield withoutSteps(scenario, (i) => i >= from && i < from + size && !endsRank(steps[i]));
    }
  }
  for (const name of namesOf(scenario)) {
    const own = [...steps.keys()].filter((i) => connOf(steps[i]) === name);
    for (const from of own) yield withoutSteps(scenario, (i) => i >= from && own.includes(i) && !endsRank(steps[i]));
    for (const part of exchanges(own, steps)) yield withoutSteps(scenario, (i) => part.includes(i));
    yield* joined(scenario, own);
    yield* fewerTimes(scenario, name);
  }
  for (const [i, step] of steps.entries()) {
    if ("may" in step) yield put(scenario, steps.with(i, { conn: step.conn, over: step.over }));
    if (!("bite" in step) || step.bite === undefined) continue;
    const { bite, ...whole } = step;
    yield put(scenario, steps.with(i, whole as RankStep));
    yield put(scenario, steps.with(i, { ...step, bite: 2 * bite }));
  }
  for (const limit of Object.keys(scenario.limits)) {
    const limits = Object.fromEntries(Object.entries(scenario.limits).filter(([name]) => name !== limit));
    yield { ...scenario, limits };
  }
  yield* shorterPayloads(scenario, profile);
}

/** A rank's connection must come to its end. */
const endsRank = (step: RankStep | undefined) => step !== undefined && "over" in step;

const put = (scenario: OfSteps, steps: readonly RankStep[]) => ({ ...scenario, steps }) as OfSteps;

function withoutConnection(scenario: OfSteps, name: string): OfSteps {
  if ("connections" in scenario) {
    const connections = scenario.connections.filter((other) => other !== name);
    const steps = scenario.steps.filter(({ conn }) => conn !== name);
    return { ...scenario, connections, steps } satisfies StepsScenario;
  }
  const ranks = scenario.ranks.filter(({ conn }) => conn !== name);
  const grouped = (step: RankStep) => !("group" in step) || ranks.some(({ group }) => group === step.group);
  const steps = scenario.steps.filter((step) => connOf(step) !== name && grouped(step));
  return { ...scenario, ranks, steps } satisfies RanksScenario;
}

/** Steps of a connection that belong together: up to a barrier each, and two behind each other. */
function exchanges(own: readonly number[], steps: readonly RankStep[]): number[][] {
  const parts: number[][] = [];
  let open: number[] = [];
  for (const i of own) {
    open.push(i);
    const step = steps[i];
    if (step === undefined || !("sync" in step)) continue;
    parts.push(open);
    open = [];
  }
  return [...parts, ...own.slice(1).map((i, at) => [own[at] ?? i, i])];
}

/** A barrier less, whose events the next one has; a write less, whose bytes stand before those of the next. */
function* joined(scenario: OfSteps, own: readonly number[]): Iterable<OfSteps> {
  const { steps } = scenario;
  for (const [at, i] of own.entries()) {
    const step = steps[i];
    if (step === undefined) continue;
    if ("sync" in step && step.sync === "read" && step.repeat === undefined) {
      const j = own.slice(at + 1).find((k) => eventsOf(steps[k]) !== undefined) ?? -1;
      const next = steps[j];
      if (next === undefined || !("sync" in next) || next.repeat !== undefined) continue;
      yield put(scenario, steps.with(j, { ...next, events: [...step.events, ...next.events] }).toSpliced(i, 1));
    } else if ("write" in step && typeof step.write === "string" && step.bite === undefined) {
      const j = own[at + 1] ?? -1;
      const next = steps[j];
      if (next === undefined || !("write" in next) || typeof next.write !== "string" || next.bite !== undefined)
        continue;
      yield put(scenario, steps.with(j, { ...next, write: step.write + next.write }).toSpliced(i, 1));
    }
  }
}

/** What is sent so often is received, or told of, as often. */
function* fewerTimes(scenario: OfSteps, name: string): Iterable<OfSteps> {
  const times = (step: RankStep) => ("count" in step ? step.count : "repeat" in step ? step.repeat : undefined);
  const own = scenario.steps.filter((step) => connOf(step) === name);
  for (const count of new Set(own.map(times))) {
    if (count === undefined || count < 2) continue;
    for (const fewer of new Set([1, count >> 1, count - 1])) {
      const steps = scenario.steps.map((step) => {
        if (connOf(step) !== name || times(step) !== count) return step;
        return { ...step, ...("count" in step ? { count: fewer } : { repeat: fewer }) };
      });
      yield put(scenario, steps);
    }
  }
}
