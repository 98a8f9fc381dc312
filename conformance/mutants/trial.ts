import type { InProcessIut } from "@tensorwire/conformance";
import type { Case } from "@tensorwire/conformance/corpus";
import { judgeCase } from "@tensorwire/conformance/judge";

/**
 * What a vector has shown of one rule: at least one of its cases that name the rule failed, the first of them this one. Of a unit test both are its
 * file and title.
 */
export interface Kill {
  readonly vector: string;
  readonly case: string;
  readonly problem: string;
}

export interface Trial {
  /** By rule of the mutant: one kill for each vector, in the order of the corpus. */
  readonly kills: Readonly<Record<string, readonly Kill[]>>;
  /** Where a rule has no kill, the whole corpus was run: vectors that failed under other rules. */
  readonly elsewhere: readonly { readonly case: string; readonly rules: readonly string[] }[];
  /** Cases that the adapter gave up with an error of its own: no check, so no kill. */
  readonly crashes: number;
}

/** How one case went: passed, failed a check (why), or no answer that could be judged. */
type Result = { readonly kind: "pass" | "crash" | "declined" } | { readonly kind: "fail"; readonly problem: string };

export async function put(iut: InProcessIut, item: Case): Promise<Result> {
  const { id, profile, role, limits, steps } = item;
  const answer = await iut.handle({ op: "case", seq: 1, id, profile, role, limits, steps });
  // Only what the reference says of its limits is a reason not to be judged.
  if (answer.op === "declined") return { kind: answer.reason === "limit" ? "declined" : "crash" };
  if (answer.op === "errored") return { kind: "crash" };
  const difference = judgeCase(item, answer.steps, "class");
  return difference === null ? { kind: "pass" } : { kind: "fail", problem: difference.problem };
}

/**
 * Puts a mutant to every vector that names one of its rules. A vector that has killed it under a rule is not asked for that
 * rule again. The rest of the corpus is run only to tell what a mutant died by instead.
 */
export async function tryMutant(iut: InProcessIut, cases: readonly Case[], rules: readonly string[]): Promise<Trial> {
  const kills: Record<string, Kill[]> = Object.fromEntries(rules.map((rule) => [rule, []]));
  let crashes = 0;
  for (const item of cases) {
    const open = rules.filter((rule) => item.rules.includes(rule) && kills[rule]!.at(-1)?.vector !== item.vector);
    if (open.length === 0) continue;
    const result = await put(iut, item);
    if (result.kind === "crash") crashes++;
    if (result.kind !== "fail") continue;
    for (const rule of open) kills[rule]!.push({ vector: item.vector, case: item.id, problem: result.problem });
  }
  const elsewhere: { case: string; rules: readonly string[] }[] = [];
  if (rules.some((rule) => kills[rule]!.length === 0)) {
    const seen = new Set<string>();
    for (const item of cases) {
      if (seen.has(item.vector) || rules.some((rule) => item.rules.includes(rule))) continue;
      const result = await put(iut, item);
      if (result.kind === "crash") crashes++;
      if (result.kind !== "fail") continue;
      seen.add(item.vector);
      elsewhere.push({ case: item.id, rules: item.rules });
    }
  }
  return { kills, elsewhere, crashes };
}

export interface Control {
  readonly passed: number;
  /** Cases that the reference declines, because their limits are above its own. */
  readonly declined: number;
  /** Case ids that did not pass, with why. */
  readonly failed: readonly string[];
  /** By rule: what names it and passed. */
  readonly checks: Readonly<Record<string, Checks>>;
}

/** Cases and scenarios, by whether a refusal is expected in them; and unit tests. */
export type Checks = Readonly<Record<"accepting" | "refusing" | "tests", number>>;
export const NO_CHECKS: Checks = { accepting: 0, refusing: 0, tests: 0 };

/** Counts `more` that passed, for each rule that they name. */
export function count(checks: Record<string, Checks>, rules: Iterable<string>, kind: keyof Checks, more = 1): void {
  for (const rule of rules) {
    const own = checks[rule] ?? NO_CHECKS;
    checks[rule] = { ...own, [kind]: own[kind] + more };
  }
}

/** Puts the unmutated reference to the whole corpus. */
export async function tryControl(iut: InProcessIut, cases: readonly Case[]): Promise<Control> {
  let passed = 0;
  let declined = 0;
  const failed: string[] = [];
  const checks: Record<string, Checks> = {};
  for (const item of cases) {
    const result = await put(iut, item);
    if (result.kind === "pass") {
      passed++;
      const refused = item.expected.flat().some(({ event }) => event === "error" || event === "expired");
      count(checks, item.rules, refused ? "refusing" : "accepting");
    } else if (result.kind === "declined") declined++;
    else failed.push(`${item.id}: ${result.kind === "fail" ? result.problem : "it crashed"}`);
  }
  return { passed, declined, failed, checks };
}
