import type { RankStep, RanksScenario, StepsScenario } from "../corpus/wire-file.ts";
import { bytesOf } from "../wire/play-steps.ts";
import type { WireEvent } from "../wire/protocol.ts";

export type OfSteps = StepsScenario | RanksScenario;

export const connOf = (step: RankStep | undefined) => (step !== undefined && "conn" in step ? step.conn : undefined);

export const namesOf = (scenario: OfSteps): readonly string[] =>
  "connections" in scenario ? scenario.connections : scenario.ranks.map(({ conn }) => conn);

/** What a barrier must have told. */
export const eventsOf = (step: RankStep | undefined): readonly WireEvent[] | undefined =>
  step !== undefined && "sync" in step ? step.events : undefined;

const writtenBy = (step: RankStep | undefined) =>
  step !== undefined && "write" in step ? bytesOf(step.write).length : 0;

/** The scenario without some of its steps; places in its streams move with what is no longer written before them. */
export function withoutSteps(scenario: OfSteps, gone: (index: number) => boolean): OfSteps {
  const { steps } = scenario;
  const changed = steps.map((step, i) => (gone(i) ? undefined : step));
  return changedSteps(scenario, changed);
}

/** The scenario with these steps in the places of its own; undefined is a step less. */
export function changedSteps(scenario: OfSteps, changed: readonly (RankStep | undefined)[]): OfSteps {
  const { steps } = scenario;
  const less = new Map<string, number>();
  const kept: RankStep[] = [];
  for (const [i, step] of changed.entries()) {
    const conn = connOf(steps[i]) ?? "";
    const by = less.get(conn) ?? 0;
    less.set(conn, by + writtenBy(steps[i]) - writtenBy(step));
    if (step === undefined) continue;
    const events = eventsOf(step);
    kept.push(
      events === undefined || by === 0 ? step : ({ ...step, events: events.map((one) => moved(one, by)) } as RankStep),
    );
  }
  return { ...scenario, steps: kept } as OfSteps;
}

function moved(event: WireEvent, by: number): WireEvent {
  if (!("at" in event)) return event;
  const at = BigInt(event.at) - BigInt(by);
  return at < 0n ? event : { ...event, at: String(at) };
}
