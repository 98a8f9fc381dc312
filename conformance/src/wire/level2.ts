import type { CaptureFile } from "../capture/capture-file.ts";
import { Tape } from "../capture/tape.ts";
import type { Case, Corpus } from "../corpus/types.ts";
import type { RanksScenario, StepsScenario, WireScenario } from "../corpus/wire-file.ts";
import type { Event, Hello } from "../protocol.ts";
import { ShapeError } from "../schema.ts";
import { blame, type Session } from "../session.ts";
import type { Outcome } from "../verdict.ts";
import { WireFailure } from "./peer.ts";
import { CaseFailure, judgePlayed, playCases } from "./play-cases.ts";
import { playRanks, StrandedRanks } from "./play-ranks.ts";
import { CannotShow, playSteps } from "./play-steps.ts";
import type { RuntimeFacts } from "./runtime.ts";
import { type Item, idOf, itemsOf } from "./scenarios.ts";
import { DeclinedAnswer, SESSION_OF, Stage } from "./stage.ts";

/** What an IUT says in hello when it takes the requests of level 2. */
export const CAPABILITY = "wire";
/** What it says beside that when it takes the roles of ranks. r[iut.rank.capability] */
export const RANKS = "ranks";

const isRanks = (scenario: WireScenario): scenario is RanksScenario => "ranks" in scenario;

export interface Level2Plan {
  readonly corpus: Corpus;
  readonly hello: Hello;
  /** Of ids, and of profiles. */
  readonly filter: (id: string) => boolean;
  readonly profile: (profile: string) => boolean;
  /** Why a case is not for this IUT, by what hello says. */
  readonly notApplicable: (about: Pick<Case, "profile" | "role" | "limits">) => string | undefined;
  readonly runtime: RuntimeFacts;
  /** Milliseconds for each request and each wait. */
  readonly deadline: number;
  /** Where the connections go too. */
  readonly capture?: CaptureFile;
  /** A fresh session in the place of one that was lost; undefined when there is none to be had. */
  readonly reopen: () => Promise<Session | undefined>;
  readonly settle: (outcome: Outcome) => void;
  /** A scenario that was left when no link could be had. */
  readonly left: (profile: string) => void;
}

/** What is said of the end of a scenario, where it went wrong. */
const clearOf = ({ id }: Item) => `${id}/clear`;

/** The scenarios that a run is about, for an IUT without the capability too. */
export function* selected({
  corpus,
  filter,
  profile,
}: Pick<Level2Plan, "corpus" | "filter" | "profile">): Generator<Item> {
  for (const file of corpus.wire ?? []) {
    if (!profile(file.profile)) continue;
    for (const item of itemsOf(file, corpus)) {
      const ids = [item.id, clearOf(item), ...item.cases.map((about) => idOf(item, about))];
      if (ids.some(filter)) yield item;
    }
  }
}

/** Why a scenario is not for this IUT, by what hello says. r[iut.rank.capability] */
function lackOf({ scenario, profile, limits }: Item, { hello, notApplicable }: Level2Plan): string | undefined {
  const needed = isRanks(scenario) ? [CAPABILITY, RANKS] : [CAPABILITY];
  const lacking = needed.find((capability) => !hello.capabilities.includes(capability));
  if (lacking !== undefined) return `capability ${lacking} not declared`;
  const sessions = isRanks(scenario) ? scenario.ranks.map(({ role }) => SESSION_OF[role] ?? profile) : [profile];
  const reasons = sessions.map((session) => notApplicable({ profile: session, role: "decode", limits }));
  return reasons.find((reason) => reason !== undefined);
}

/**
 * Runs the scenarios over the links, one at a time on each, with what takes a lost link's place, and gives back those that are left. Outcomes
 * are settled in the order of the corpus, whatever links carried them. r[iut.events.order]
 */
export async function runLevel2(sessions: readonly Session[], plan: Level2Plan): Promise<readonly Session[]> {
  const queue = selected(plan);
  const ended = new Map<number, () => void>();
  let begun = 0;
  let settled = 0;
  const end = (at: number, settle: () => void) => {
    ended.set(at, settle);
    for (let next = ended.get(settled); next !== undefined; next = ended.get(settled)) {
      ended.delete(settled++);
      next();
    }
  };
  /** True when it does not apply, and that is said. */
  const spared = (at: number, item: Item): boolean => {
    const { id, profile } = item;
    const reason = lackOf(item, plan);
    if (reason !== undefined) end(at, () => plan.settle({ id, profile, verdict: "not applicable", text: reason }));
    return reason !== undefined;
  };
  const left: Session[] = [];
  const work = async (first: Session) => {
    for (let session: Session | undefined = first; session !== undefined; ) {
      const next = queue.next();
      if (next.done === true) {
        left.push(session);
        return;
      }
      const at = begun++;
      if (spared(at, next.value)) continue;
      const { outcomes, dead } = await put(session, next.value, plan);
      end(at, () => outcomes.forEach(plan.settle));
      if (!dead) continue;
      await session.close();
      session = await plan.reopen();
    }
  };
  await Promise.all(sessions.map(work));
  // No link is left for these.
  for (const item of queue) if (!spared(begun++, item)) end(begun - 1, () => plan.left(item.profile));
  return left;
}

async function put(session: Session, item: Item, plan: Level2Plan): Promise<{ outcomes: Outcome[]; dead: boolean }> {
  const { scenario, profile, limits } = item;
  const openedBy = scenario.opened_by ?? "harness";
  const { capture } = plan;
  const tape = capture && new Tape(capture, item.id, { profile, opened_by: openedBy });
  const stage = new Stage(session, {
    profile,
    limits,
    openedBy,
    ...(tape && { tape }),
    over: scenario.over ?? "tcp",
    deadline: plan.deadline + patienceOf(scenario),
  });
  const outcomes: Outcome[] = [];
  try {
    outcomes.push(...(await play(stage, session, item, plan)));
  } catch (error) {
    outcomes.push(failed(item, error, stage, session));
    if (blame(error) !== undefined) {
      for (const outcome of outcomes) tape?.verdict(outcome);
      stage.drop();
      return { outcomes, dead: true };
    }
  }
  for (const outcome of outcomes) tape?.verdict(outcome);
  // What was judged stands, whatever comes of this. r[iut.wire.clear]
  try {
    await stage.clear();
    return { outcomes, dead: false };
  } catch (error) {
    outcomes.push(notCleared(item, error, stage, session));
    return { outcomes, dead: true };
  }
}

/** What the implementation may itself wait for a rank, several times over: the harness waits longer. */
function patienceOf(scenario: WireScenario): number {
  if (!isRanks(scenario)) return 0;
  const all = [scenario.limits, ...scenario.ranks.map(({ limits }) => limits)];
  return 4 * Math.max(0, ...all.map((limits) => Number(limits?.deadline_ms ?? 0)));
}

async function play(stage: Stage, session: Session, item: Item, plan: Level2Plan): Promise<Outcome[]> {
  const { scenario, cases, id, profile } = item;
  const granularity = plan.hello.error_granularity;
  if (cases.length === 0) {
    const context = { granularity, kernelTakes: plan.runtime.kernelTakes, group: session.link.group };
    if (isRanks(scenario)) {
      await playRanks(stage, scenario, context);
      return [{ id, profile, verdict: "pass", stranded: 0 }];
    }
    const unwatched = await playSteps(stage, scenario as StepsScenario, context);
    return [{ id, profile, verdict: "pass", ...(unwatched && { unwatched }) }];
  }
  const played = await playCases(stage, cases);
  const outcomes: Outcome[] = [];
  for (const one of played) {
    const asked = await atLevel1(session, one.about, plan.deadline);
    const outcome = judgePlayed(idOf(item, one.about), scenario.id, one, asked, granularity);
    const rules = [...new Set([...scenario.rules, ...one.about.rules])];
    outcomes.push(
      outcome.case === undefined
        ? outcome
        : { ...outcome, case: { ...outcome.case, rules }, timeline: stage.timeline.lines() },
    );
  }
  return outcomes;
}

/** What the same implementation says of the same case without a socket; undefined when it declines. r[iut.wire.levels-agree] */
async function atLevel1(
  session: Session,
  about: Case,
  deadline: number,
): Promise<readonly (readonly Event[])[] | undefined> {
  const { id, profile, role, limits, steps } = about;
  const answer = await session.ask({ id, profile, role, limits, steps }, { deadline });
  return answer.op === "result" ? answer.steps : undefined;
}

function failed(item: Item, error: unknown, stage: Stage, session: Session): Outcome {
  const { id, profile, scenario } = item;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof DeclinedAnswer) return { id, profile, verdict: "declined", text };
  if (error instanceof CannotShow) return { id, profile, verdict: "not applicable", text };
  const about = { case: caseOf(item), timeline: stage.timeline.lines() };
  if (error instanceof WireFailure) {
    const verdict = scenario.level === "must" ? "fail" : "warn";
    if (error instanceof StrandedRanks) return { id, profile, verdict, text, stranded: error.count, ...about };
    if (!(error instanceof CaseFailure)) return { id, profile, verdict, text, ...about };
    const { about: one, events } = error.played;
    const actual = one.steps.map((_, step) => events[step] ?? []);
    return { ...about, id: idOf(item, one), profile, verdict, text, case: { ...one, ...headOf(item) }, actual };
  }
  const record = session.link.record.lines();
  const broken = error instanceof Error ? (error.stack ?? text) : text;
  const verdict = blame(error);
  return { id, profile, verdict: verdict ?? "harness error", text: verdict ? text : broken, record, ...about };
}

/** Beside the outcomes of a scenario: its link cannot be gone on with. */
function notCleared(item: Item, error: unknown, stage: Stage, session: Session): Outcome {
  const refused = error instanceof DeclinedAnswer || error instanceof WireFailure;
  const outcome = failed(
    item,
    refused ? new ShapeError(`clear was not done: ${error.message}`) : error,
    stage,
    session,
  );
  return { ...outcome, id: clearOf(item) };
}

/** What the reports say of a scenario: its reason and its rules. */
function headOf({ id, scenario }: Item) {
  const { rules, level, why } = scenario;
  return { id, vector: scenario.id, rules, level, why };
}

function caseOf(item: Item): Case {
  const { profile, limits, cases } = item;
  const nothing = { profile, role: "decode", limits, steps: [], expected: [], marks: [] } as const;
  return { ...(cases[0] ?? nothing), ...headOf(item) };
}
