import type { Case } from "../corpus/types.ts";
import { countBytes } from "../report/describe.ts";
import { hexdump } from "../report/hexdump.ts";
import { streamOf as bytesOf } from "../report/stream.ts";
import type { Outcome, Verdict } from "../verdict.ts";
import { signatureOf } from "./prober.ts";

/** Kinds of failure that one run makes small. */
export const KINDS = 20;

/** Outcomes of a kind that are tried where the lightest does not fail once more. */
const OF_A_KIND = 3;

export interface Choice {
  /** Of each kind of failure the lightest outcome, and behind it those of other vectors: one may fail only behind others. */
  readonly chosen: readonly (readonly Outcome[])[];
  /** What is not made smaller and why, a line each. */
  readonly left: readonly string[];
}

const FAILURES: ReadonlySet<Verdict> = new Set(["fail", "disagreement", "crash", "timeout"]);

/** What is worth making small. Nothing that failed goes without a word. */
export function failuresToShrink(outcomes: readonly Outcome[], weight: (outcome: Outcome) => number = weigh): Choice {
  const kinds = new Map<string, Outcome[]>();
  const left: string[] = [];
  for (const outcome of outcomes.filter(({ verdict }) => FAILURES.has(verdict))) {
    const { id, case: about } = outcome;
    if (about === undefined) {
      left.push(leftAsItIs(id, "its cases are right one by one, and contradict each other: the report names them"));
    } else if (id.startsWith("link-check/")) {
      left.push(leftAsItIs(id, "the link check asks for single frames, and is no vector"));
    } else {
      const key = kindOf(outcome, about);
      kinds.set(key, lightest([...(kinds.get(key) ?? []), outcome], weight));
    }
  }
  const chosen = [...kinds.values()].slice(0, KINDS);
  const more = kinds.size - chosen.length;
  if (more > 0)
    left.push(
      `${more} more kinds of failure are left as they are: a run makes ${KINDS} small. Narrow it with --filter`,
    );
  const known = countOf(outcomes, "known-fail");
  if (known > 0) left.push(`${known} of the failures that the baseline knows are left as they are`);
  const broken = countOf(outcomes, "adapter error");
  if (broken > 0)
    left.push(`${broken} adapter errors are left as they are: they are of the adapter, whatever the case`);
  return { chosen, left };
}

/** One of each vector, the lightest first; what came first goes before what weighs the same. */
function lightest(outcomes: readonly Outcome[], weight: (outcome: Outcome) => number): Outcome[] {
  const sorted = outcomes.toSorted((a, b) => weight(a) - weight(b));
  const vectors = new Map(sorted.toReversed().map((outcome) => [outcome.case?.vector, outcome]));
  return sorted.filter((outcome) => vectors.get(outcome.case?.vector) === outcome).slice(0, OF_A_KIND);
}

export const leftAsItIs = (id: string, reason: string) => `${id} is left as it is: ${reason}`;

/** Why one is left that failed in the run, and was silent when it was asked once more. */
export const NOT_IN_TIME = "it was not answered in time when it was asked alone";

const countOf = (outcomes: readonly Outcome[], wanted: Verdict) =>
  outcomes.filter(({ verdict }) => verdict === wanted).length;

/** What fails alike at levels 1 and 2 is one kind; what a probe shows, and what only connections show, are others. */
function kindOf(outcome: Outcome, about: Case): string {
  const probe = about.requires === undefined ? "" : ` ${probeOf(about)}`;
  if (!isOfWire(outcome)) return `${about.profile} ${about.role}${probe} ${signatureOf(outcome, about)}`;
  const alike = outcome.verdict === "fail" && outcome.difference !== undefined ? "" : " wire";
  return `${about.profile} ${about.role}${alike} ${wireSignatureOf(outcome)}`;
}

/** The probe that a case of level 3 is of: it stands first in what the case requires. */
export const probeOf = ({ requires = [] }: Case): string => requires[0] ?? "";

export const isOfWire = ({ id }: Pick<Outcome, "id">) => id.startsWith("wire/");

const isOfClear = ({ id }: Pick<Outcome, "id">) => id.endsWith("/clear");

/** As `signatureOf`, for a scenario: where no event is in the place of another, the words of the failure without names and numbers. */
export function wireSignatureOf(outcome: Outcome): string {
  const { case: about, difference, verdict, text = "" } = outcome;
  const clear = isOfClear(outcome) ? " clear" : "";
  if (about !== undefined && difference !== undefined) return `${signatureOf(outcome, about)}${clear}`;
  if (verdict !== "fail") return `${verdict}${clear}`;
  const parts = text.split("; ").map((part) =>
    part
      .replace(/^(before )?step \d+: /, "")
      .replace(/(^|: )[a-z][a-z0-9]*: /g, "$1")
      .replace(/ on [a-z][a-z0-9]* is stranded/, " is stranded")
      .replace(/\d+ × /g, "")
      .replace(/0x[0-9a-f]{2}|\d+(\.\d+)?/g, "#"),
  );
  return `fail: ${[...new Set(parts)].sort().join("; ")}`;
}

export const weightOf = (about: Case) => about.steps.length + bytesOf(about).total;

const weigh = ({ case: about }: Outcome) => (about === undefined ? 0 : weightOf(about));

export const sizeOf = (about: Case) => `${countBytes(bytesOf(about).total)} in ${about.steps.length} steps`;

export const triesText = (tries: number) => (tries === 1 ? "1 try" : `${tries} tries`);

/** Rows of bytes that are shown of a smallest case. */
const ROWS = 8;

/** Its bytes with their fields and the cuts between its reads, below the line about it. */
export function dumpOf(about: Case): string {
  const { bytes, total, cuts } = bytesOf(about);
  const lines = hexdump(bytes, { total, cuts, marks: about.marks, rows: ROWS });
  return lines.map((line) => `\n    ${line}`).join("");
}
