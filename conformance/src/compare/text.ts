import type { Events } from "../protocol.ts";
import { describeDifference, describeEvents, describeStep } from "../report/describe.ts";
import type { Paint } from "../report/paint.ts";
import type { Answer, Comparison, Difference, Testee } from "./compare.ts";

const grouped = (count: number) => count.toLocaleString("en-US");
const counted = (count: number, what: string) => `${grouped(count)} ${what}${count === 1 ? "" : "s"}`;

/** Rules that are named at the end, those with most differences. */
const RULES = 10;

/** A comparison for people: each difference, then who was compared and what it came to. */
export function comparisonText(comparison: Comparison, paint: Paint): string {
  const { differences, testees, rules, against } = comparison;
  const lines = differences.flatMap((one) => [...differenceLines(one, paint), ""]);
  if (against.length > 0) {
    lines.push(paint.warn(`all alike, and not as the corpus expects: ${listed(against)}`), "");
  }
  if (rules.length > 0) {
    lines.push("rules that they differ in:");
    const width = Math.max(...rules.map(({ rule }) => rule.length));
    for (const { rule, vectors } of rules.slice(0, RULES)) {
      lines.push(`  ${`r[${rule}]`.padEnd(width + 3)}  ${counted(vectors, "vector")}`);
    }
    if (rules.length > RULES) lines.push(paint.dim(`  and ${rules.length - RULES} rules more; --json has them all`));
    lines.push("");
  }
  for (const testee of testees) lines.push(testeeLine(testee));
  return `${[...lines, "", ...ending(comparison, paint)].join("\n")}\n`;
}

function ending({ compared, agreed, alone, differences }: Comparison, paint: Paint): string[] {
  const one = alone === 0 ? "" : `; ${counted(alone, "case")} that one alone answered`;
  const basis = `${counted(compared, "case")} that two or more answered${one}`;
  if (compared === 0) return [basis, paint.warn(paint.bold("nothing could be compared"))];
  if (agreed === compared) return [basis, paint.good(paint.bold("they agree"))];
  const vectors = new Set(differences.map(({ vector }) => vector)).size;
  const where = `they differ in ${counted(compared - agreed, "case")} of ${counted(vectors, "vector")}`;
  return [basis, paint.bad(paint.bold(where))];
}

function testeeLine({ name, version, language, way, exit, answered }: Testee): string {
  const who = [name, version, language && `(${language})`].filter(Boolean).join(" ");
  return `${who} · ${way} · ${counted(answered, "answer")} · exit ${exit}`;
}

function differenceLines({ id, rules, case: about, more, answers }: Difference, paint: Paint): string[] {
  const others = more.length === 0 ? "" : paint.dim(`  and ${more.length} more of this vector`);
  const lines = [`${paint.bold(id)}${others}`];
  if (about !== undefined) lines.push(`  why      ${about.why}`);
  if (rules.length > 0) lines.push(`  rules    ${rules.map((rule) => `r[${rule}]`).join(" ")}`);
  const given = answers.map((answer) => eventsOf(answer, about));
  const step = firstParted(given);
  // A file may tell of more steps than the case has.
  const asked = step === undefined ? undefined : about?.steps[step];
  if (asked !== undefined) lines.push(`  step ${String(step).padEnd(4)}${describeStep(asked)}`);
  const width = Math.max(...answers.map(({ testees }) => testees.join(", ").length));
  for (const [i, answer] of answers.entries()) {
    const who = answer.testees.join(", ").padEnd(width);
    lines.push(`    ${paint.name(who)}  ${toldOf(answer, given, i, step)}${verdictOf(answer, paint)}`);
  }
  return lines;
}

/** Each list is cut so that the place where it leaves the first one is to be seen. */
function toldOf({ text, verdict }: Answer, given: readonly (Events | undefined)[], at: number, step?: number): string {
  const events = given[at];
  if (events === undefined || step === undefined)
    return text === undefined || text === "" ? verdict : `${verdict}: ${text}`;
  const other = given.find((one, i) => i !== at && one !== undefined);
  if (other === undefined) return describeEvents(events[step]);
  return describeDifference(other[step], events[step])[1];
}

function verdictOf({ verdict, alternative }: Answer, paint: Paint): string {
  if (alternative !== undefined) return paint.warn(`  allowed: ${alternative}`);
  return verdict === "pass" || verdict === "fixed" ? paint.good("  as expected") : paint.dim(`  ${verdict}`);
}

/** The events of an answer; those of a right one stand in the corpus. */
function eventsOf({ events, alternative, verdict }: Answer, about: Difference["case"]): Events | undefined {
  if (events !== undefined) return events;
  if (alternative !== undefined) return about?.alternatives?.find(({ reason }) => reason === alternative)?.expected;
  return verdict === "pass" || verdict === "fixed" ? about?.expected : undefined;
}

/** The first step in which two of them have other events; where they part by less than that, the last with any. */
function firstParted(given: readonly (Events | undefined)[]): number | undefined {
  const lists = given.filter((events) => events !== undefined);
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  for (let step = 0; step < longest; step++) {
    if (new Set(lists.map((events) => describeInFull(events[step]))).size > 1) return step;
  }
  const [only] = lists;
  const last = only?.findLastIndex((events) => events.length > 0) ?? -1;
  return last === -1 ? undefined : last;
}

const describeInFull = (events: Events[number] = []) =>
  JSON.stringify(events.map((event) => ({ ...event, text: undefined })));

function listed(ids: readonly string[]): string {
  const named = ids.slice(0, 3).join(", ");
  return ids.length > 3 ? `${named} and ${grouped(ids.length - 3)} more` : named;
}
