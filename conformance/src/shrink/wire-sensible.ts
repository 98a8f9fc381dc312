import type { RankStep } from "../corpus/wire-file.ts";
import { bytesOf } from "../wire/play-steps.ts";
import { connOf, namesOf, type OfSteps } from "./wire-steps.ts";

/**
 * Whether a scenario of steps says what the scenarios of the corpus say, too: nothing is written behind an end, nothing waits for what
 * nobody does, and every rank's connection comes to its end. What is not would hang, or show nothing.
 */
export function sensible(scenario: OfSteps): boolean {
  const { steps } = scenario;
  if (steps.length === 0) return false;
  const ofRanks = "ranks" in scenario;
  return namesOf(scenario).every((name) => {
    const own = steps.filter((step) => connOf(step) === name);
    return own.length > 0 && (ofRanks ? sensibleRank(own, steps) : sensibleSteps(own));
  });
}

const harnessEnds = (step: RankStep) => "over" in step || "end" in step || "reset" in step;

const writesBehindEnd = (own: readonly RankStep[]) =>
  own.some((step, at) => ("write" in step || "end" in step) && own.slice(0, at).some(harnessEnds));

function sensibleRank(own: readonly RankStep[], steps: readonly RankStep[]): boolean {
  if (writesBehindEnd(own) || !own.some((step) => "over" in step || "reset" in step)) return false;
  const stall = own.find((step) => "stall" in step);
  if (stall === undefined) return true;
  const stalled = steps.indexOf(stall);
  const again = steps.findIndex(
    (step, at) => at > stalled && own.includes(step) && ("over" in step || "receive" in step),
  );
  const awaited = (step: RankStep) =>
    "over" in step || "error_result" in step || ("sync" in step && step.sync === "end");
  return steps.slice(stalled, again).some(awaited);
}

function sensibleSteps(own: readonly RankStep[]): boolean {
  const before = (at: number, what: (step: RankStep) => boolean) => own.slice(0, at).some(what);
  const behind = (at: number, what: (step: RankStep) => boolean) => own.slice(at + 1).some(what);
  if (writesBehindEnd(own)) return false;
  return own.every((step, at) => {
    if ("sync" in step && step.sync === "end") return before(at, harnessEnds) || refuses(step);
    if ("sees" in step) return before(at, (other) => "close" in other || refuses(other));
    if ("receive" in step) return bytesOf(step.receive).length > 0 && before(at, (other) => "send" in other);
    // What a peer never reads may be sent all the same.
    if ("send" in step) {
      const refused = (step.events ?? []).length > 0;
      return refused || before(at, (other) => "stall" in other) || behind(at, (other) => "receive" in other);
    }
    if ("stall" in step) return behind(at, (other) => "receive" in other || "send" in other);
    if ("flood" in step) return before(at, (other) => "pause" in other) && behind(at, (other) => "finish" in other);
    if ("finish" in step) return before(at, (other) => "flood" in other);
    if ("pause" in step) return behind(at, (other) => "resume" in other);
    return !("resume" in step) || before(at, (other) => "pause" in other);
  });
}

const refuses = (step: RankStep) => "sync" in step && step.events.some(({ event }) => event === "error");
