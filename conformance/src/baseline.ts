import { readFileSync } from "node:fs";
import schema from "@tensorwire/spec/iut/baseline.schema.json";
import common from "@tensorwire/spec/iut/common.schema.json";
import { Ajv2020 } from "ajv/dist/2020.js";
import { globMatcher } from "./glob.ts";
import type { Outcome } from "./verdict.ts";

/** One thing that the owner of an IUT knows to fail. It belongs to the IUT, not to the corpus. */
export interface BaselineEntry {
  /** Of case ids: `*` is any run of characters, `?` is one. */
  readonly pattern: string;
  /** How the cases must fail. Default "fail". */
  readonly verdict?: "fail" | "crash" | "timeout";
  /** The error class, or stage, that must come where the answer first differs. */
  readonly class?: string;
  readonly reason: string;
  readonly issue?: string;
  /** The last day on which the entry holds: `2026-12-31`. */
  readonly expires?: string;
}

export interface Baseline {
  /** Fail each time. */
  readonly entries: readonly BaselineEntry[];
  /** Fail at times. */
  readonly flaky: readonly BaselineEntry[];
}

/** Why an entry does not hold. Each makes the exit status 2. */
export interface BaselineProblem {
  readonly kind: "unmatched" | "fixed" | "too broad" | "otherwise" | "expired" | "no reason" | "both";
  readonly entry: BaselineEntry;
  /** One sentence, with numbers and an example. */
  readonly text: string;
}

const validate = new Ajv2020({ allErrors: true })
  .addSchema(common)
  .compile<{ entries?: BaselineEntry[]; flaky?: BaselineEntry[] }>(schema);

/** A file that the user named and that is not what it should be. */
export class BaselineError extends Error {
  override readonly name = "BaselineError";
}

export function readBaseline(path: string): Baseline {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new BaselineError(`${path}: ${(error as Error).message}`);
  }
  if (!validate(content)) {
    const [first] = validate.errors ?? [];
    throw new BaselineError(`${path}${first?.instancePath ?? ""}: ${first?.message ?? "does not fit the schema"}`);
  }
  return { entries: content.entries ?? [], flaky: content.flaky ?? [] };
}

/** Whether a case was put to the IUT and could be judged. */
export const executed = ({ verdict }: Outcome) =>
  verdict !== "not applicable" && verdict !== "declined" && verdict !== "adapter error" && verdict !== "harness error";

export const failed = ({ verdict }: Outcome) => verdict === "fail" || verdict === "crash" || verdict === "timeout";

/** Whether a failure is the one that an entry states. */
export function asStated(entry: BaselineEntry, outcome: Outcome): boolean {
  if (outcome.verdict !== (entry.verdict ?? "fail")) return false;
  return entry.class === undefined || entry.class === classOf(outcome);
}

/** The error class that came where the answer first differs. */
function classOf({ difference, actual }: Outcome): string | undefined {
  if (difference === undefined) return undefined;
  const came = actual?.[difference.step]?.[difference.index];
  return came?.event === "error" ? came.class : undefined;
}

interface Matched {
  readonly entry: BaselineEntry;
  readonly flaky: boolean;
  readonly expired: boolean;
  readonly matches: (id: string) => boolean;
}

/** Judges outcomes in the light of a baseline. `today` is `YYYY-MM-DD`. */
export class BaselineJudge {
  readonly #rows: readonly Matched[];

  constructor({ entries, flaky }: Baseline, today: string) {
    const row = (flaky: boolean) => (entry: BaselineEntry) => ({
      entry,
      flaky,
      // r[iut.baseline.expiry]
      expired: entry.expires !== undefined && entry.expires < today,
      matches: globMatcher(entry.pattern),
    });
    this.#rows = [...entries.map(row(false)), ...flaky.map(row(true))];
  }

  /**
   * Turns a failure that an entry foretells into known-fail, and a foretold failure that passes into fixed. One that fails in
   * another way than foretold stays what it is. r[iut.baseline.must-fail] r[iut.baseline.flaky]
   */
  judge(outcome: Outcome): Outcome {
    if (!executed(outcome)) return outcome;
    const rows = this.#rows.filter(({ matches, expired }) => !expired && matches(outcome.id));
    const stated = rows.find(({ entry }) => asStated(entry, outcome));
    if (stated !== undefined) {
      const { reason } = stated.entry;
      return { ...outcome, verdict: "known-fail", text: stated.flaky ? `flaky: ${reason}` : reason };
    }
    const steady = rows.find(({ flaky }) => !flaky);
    if (outcome.verdict !== "pass" || steady === undefined) return outcome;
    return { ...outcome, verdict: "fixed", text: steady.entry.reason };
  }

  /** What is wrong with the baseline, given all outcomes as they were before `judge`. */
  problems(outcomes: readonly Outcome[]): BaselineProblem[] {
    const cases = outcomes.filter(executed);
    const problems = this.#rows.flatMap((row) => problemsOf(row, cases));
    return [...problems, ...this.#both(cases)];
  }

  /** r[iut.baseline.exclusive] */
  #both(cases: readonly Outcome[]): BaselineProblem[] {
    return this.#rows
      .filter(({ flaky }) => flaky)
      .flatMap(({ entry, matches }) => {
        const found = cases.find(({ id }) => matches(id) && this.#rows.some((row) => !row.flaky && row.matches(id)));
        if (found === undefined) return [];
        return [{ kind: "both", entry, text: `${found.id} is listed as failing and as flaky` } as const];
      });
  }
}

/** r[iut.baseline.unmatched] r[iut.baseline.broad] r[iut.baseline.reason] */
function problemsOf({ entry, flaky, expired, matches }: Matched, cases: readonly Outcome[]): BaselineProblem[] {
  const problem = (kind: BaselineProblem["kind"], text: string) => ({ kind, entry, text });
  const problems: BaselineProblem[] = [];
  if (entry.reason.trim() === "") problems.push(problem("no reason", "it gives no reason"));
  if (expired) return [...problems, problem("expired", `it expired after ${entry.expires}`)];
  const matched = cases.filter(({ id }) => matches(id));
  const stated = matched.filter((outcome) => asStated(entry, outcome)).length;
  const passing = matched.filter(({ verdict }) => verdict === "pass");
  const passes = passing.length;
  if (matched.length === 0) problems.push(problem("unmatched", "no executed case matches it"));
  else if (flaky) {
    if (stated + passes === 0)
      problems.push(problem("otherwise", `none of its ${matched.length} cases fails as stated`));
  } else if (passes === matched.length) {
    problems.push(problem("fixed", `all of its ${passes} cases pass, such as ${passing[0]?.id}`));
  } else if (stated === 0) {
    problems.push(problem("otherwise", `none of its ${matched.length} cases fails as stated`));
  } else if (passes > 0) {
    problems.push(problem("too broad", `${passes} of its ${matched.length} cases pass, such as ${passing[0]?.id}`));
  }
  return problems;
}
