import type { Case } from "./corpus/types.ts";
import { undeclared } from "./hello.ts";
import { judgeCase } from "./judge.ts";
import type { Answer, Granularity, Hello } from "./protocol.ts";
import type { Outcome } from "./verdict.ts";

/**
 * Where hello and the answers contradict each other. `declined`: hello declares it, and its cases were declined. `works`: hello does not
 * declare it, and it is answered right. `not declined`: hello does not declare it, and it is answered wrong where a decline was due. It is
 * shown, and changes no verdict. r[iut.contradiction.shown]
 */
export interface Contradiction {
  readonly kind: "declined" | "works" | "not declined";
  readonly profile: string;
  readonly role: string;
  /** Of a probe of level 3, or `wire`. */
  readonly capability?: string;
  /** How many were declined, or answered right, and of how many. */
  readonly cases: number;
  readonly of: number;
  /** The reasons of declines; what a wrong answer was. */
  readonly text: string;
  /** Of the first case that shows it. */
  readonly id: string;
}

/** How many cases an undeclared feature is asked for, each of another vector. */
const ASKED = 3;
/** A case that is asked for unasked is small. */
const STEPS = 64;
/** Different reasons of declines that are named. */
const REASONS = 3;

/** The cases of a run by what of hello they need: how many were put, and a few that hello leaves out. */
export class Claims {
  readonly #put = new Map<string, number>();
  readonly #left = new Map<string, Case[]>();

  put(about: Case): void {
    const key = featureOf(about);
    this.#put.set(key, (this.#put.get(key) ?? 0) + 1);
  }

  /** A case that hello leaves out: kept if it accepts something, and if `hello` lacks one thing for it and not two. */
  left(about: Case, hello: Hello): void {
    const { requires = [], steps, vector, expected } = about;
    const probe = requires.length > 0;
    if (probe && (requires.length > 1 || undeclared({ ...about, requires: [] }, hello) !== undefined)) return;
    const events = expected.flat();
    const accepts = events.some(({ event }) => event !== "end") && events.every(({ event }) => event !== "error");
    if (about.level !== "must" || !accepts || steps.length > STEPS || steps.some((step) => "trickle" in step)) return;
    const key = featureOf(about);
    const kept = this.#left.get(key) ?? [];
    if (kept.length === ASKED || kept.some((other) => other.vector === vector)) return;
    this.#left.set(key, [...kept, about]);
  }

  /** What to ask for behind all cases, by feature. */
  get undeclared(): Iterable<readonly Case[]> {
    return this.#left.values();
  }

  /** What hello declares and answers declined. A decline for a limit is a right of the IUT. r[iut.encode.fill] */
  declined(outcomes: readonly Outcome[]): Contradiction[] {
    const declines = new Map<string, Outcome[]>();
    for (const outcome of outcomes) {
      if (outcome.verdict !== "declined") continue;
      const key = outcome.case === undefined ? connectionsOf(outcome.profile) : featureOf(outcome.case);
      declines.set(key, [...(declines.get(key) ?? []), outcome]);
    }
    return [...declines].flatMap(([key, all]) => {
      const of = this.#put.get(key) ?? playedOf(all[0], outcomes);
      // Of what is asked for on connections an IUT may lack some, Unix sockets or a role. r[iut.rank.capability]
      const some = all[0]?.case === undefined ? [] : all.filter(({ text = "" }) => !/^limit\b/.test(text));
      const shown = all.length === of ? all : some;
      const [first] = shown;
      if (first === undefined) return [];
      const { profile, id, case: about } = first;
      const capability = about === undefined ? "wire" : about.requires?.[0];
      return [
        {
          ...{ kind: "declined" as const, profile, role: about?.role ?? "peer" },
          ...(capability !== undefined && { capability }),
          ...{ cases: shown.length, of, text: reasonsOf(shown), id },
        },
      ];
    });
  }
}

/** What one answer to a case that hello leaves out says; undefined for a decline. */
export function answered(about: Case, answer: Answer, granularity: Granularity): "right" | string | undefined {
  if (answer.op === "declined") return undefined;
  if (answer.op === "errored") return `it answered "errored": ${answer.text}`;
  return judgeCase(about, answer.steps, granularity)?.problem ?? "right";
}

/** What the answers to the cases of one feature come to; undefined where all was declined. */
export function concluded(
  asked: readonly Case[],
  answers: readonly ("right" | string | undefined)[],
): Contradiction | undefined {
  const at = answers.findIndex((answer) => answer !== undefined);
  const about = asked[at];
  if (about === undefined) return undefined;
  const right = answers.filter((answer) => answer === "right").length;
  const wrong = answers.findIndex((answer) => answer !== undefined && answer !== "right");
  const { profile, role, requires } = about;
  return {
    ...{ kind: wrong === -1 ? "works" : "not declined", profile, role },
    ...(requires?.[0] !== undefined && { capability: requires[0] }),
    ...{ cases: right, of: answers.length, text: answers[wrong] ?? "", id: asked[wrong === -1 ? at : wrong]!.id },
  };
}

/** One line for people. */
export function describeContradiction({ kind, profile, role, capability, cases, of, text }: Contradiction): string {
  const feature = [profile, role, ...(capability === undefined ? [] : [capability])].join(", ");
  const [some, all] = [cases, of].map((count) => count.toLocaleString("en-US"));
  const count = of === 1 ? "its only case" : cases === of ? `all ${all} cases` : `${some} of ${all} cases`;
  if (kind === "declined") return `${feature}: declared, and ${count} declined: ${text}`;
  if (kind === "works") return `${feature}: not declared, and works: ${some} of ${all} accepting cases answered right`;
  return `${feature}: not declared, and not declined: ${text}`;
}

const featureOf = ({ profile, role, requires = [] }: Case) => [profile, role, ...requires.slice(0, 1)].join(" ");
const connectionsOf = (profile: string) => `${profile} connections`;

/** The scenarios of a profile that were played or declined. */
const playedOf = (one: Outcome | undefined, outcomes: readonly Outcome[]) =>
  outcomes.filter(
    ({ id, profile, verdict }) => profile === one?.profile && id.startsWith("wire/") && verdict !== "not applicable",
  ).length;

function reasonsOf(declines: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { text = "" } of declines) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [...reasons] = counts;
  if (reasons.length === 1) return reasons[0]![0];
  const named = reasons.slice(0, REASONS).map(([text, count]) => `${text} (${count})`);
  return [...named, ...(reasons.length > REASONS ? [`${reasons.length - REASONS} reasons more`] : [])].join(", ");
}
