import type { Meaning } from "../corpus/history.ts";
import type { Case } from "../corpus/types.ts";
import type { Limits } from "../protocol.ts";
import { describeEvents, describeStep } from "../report/describe.ts";
import type { Paint } from "../report/paint.ts";
import type { Rule } from "./rules.ts";

/** The parts that the explanations of cases and of scenarios have in common. */

const STEPS = 24;

/** Puts a name and its value on a line; nothing where there is no value. */
export function itemsInto(lines: string[]): (name: string, value: string | undefined) => void {
  return (name, value) => {
    if (value !== undefined && value !== "") lines.push(`${name.padEnd(13)}${value}`);
  };
}

export const limitsText = (limits: Limits) =>
  Object.entries(limits)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");

/** What an id means by the history: its digest, and the version from which on it has meant that. */
export function meaningText(meaning: Meaning | undefined): string | undefined {
  if (meaning === undefined) return undefined;
  const { digest, since, changed, reason } = meaning;
  return `sha256:${digest}, ${since === changed ? `since ${since}` : `since ${since}, changed in ${changed}: ${reason}`}`;
}

export const countsText = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");

export function ruleLines(rules: readonly Rule[], paint: Paint): string[] {
  const lines = ["", paint.bold("Rules")];
  for (const { id, text, place } of rules) lines.push(`  r[${id}]  ${paint.dim(place)}`, `    ${text}`);
  return lines;
}

/** The steps of a case with what each must give; `ends` are the positions of the stream behind them. */
export function stepLines({ steps, expected }: Case, ends: readonly number[]): string[] {
  return inShort(
    steps.map((step, i) => {
      const position = (ends[i] ?? 0) === 0 ? "" : ` → ${ends[i]}`;
      return `${`${describeStep(step)}${position}`.padEnd(34)}  ${describeEvents(expected[i])}`;
    }),
  );
}

/** Steps with their numbers, the first of them. */
export function inShort(steps: readonly string[]): string[] {
  const lines = steps.slice(0, STEPS).map((text, i) => `  ${String(i).padStart(3)}  ${text}`);
  return steps.length > STEPS ? [...lines, `  … ${steps.length - STEPS} steps more`] : lines;
}
