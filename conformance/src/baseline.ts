import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { globMatcher } from "./glob.ts";
import type { Outcome } from "./verdict.ts";

/** What the owner of an IUT knows to fail. It belongs to the IUT, not to the corpus. */
export interface BaselineEntry {
  /** Of case ids, as in `--filter`. */
  readonly pattern: string;
  /** How the cases must fail. Default "fail". */
  readonly verdict?: "fail" | "crash" | "timeout";
  readonly reason: string;
  readonly issue?: string;
}

const validate = new Ajv2020({ allErrors: true }).compile<{ entries: BaselineEntry[] }>({
  type: "object",
  required: ["entries"],
  properties: {
    entries: {
      type: "array",
      items: {
        type: "object",
        required: ["pattern", "reason"],
        properties: {
          pattern: { type: "string", minLength: 1 },
          verdict: { enum: ["fail", "crash", "timeout"] },
          reason: { type: "string", minLength: 1 },
          issue: { type: "string" },
        },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
});

/** A file that the user named and that is not what it should be. */
export class BaselineError extends Error {
  override readonly name = "BaselineError";
}

export function readBaseline(path: string): readonly BaselineEntry[] {
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
  return content.entries;
}

/**
 * Turns the failures that an entry foretells into known-fail, and a foretold failure that passes into fixed. One that fails in
 * another way than foretold stays what it is. r[iut.baseline.must-fail] r[iut.baseline.unmatched]
 */
export function applyBaseline(
  outcomes: readonly Outcome[],
  entries: readonly BaselineEntry[],
): { outcomes: readonly Outcome[]; unmatched: readonly BaselineEntry[] } {
  const matchers = entries.map((entry) => ({ entry, matches: globMatcher(entry.pattern), used: false }));
  const judged = outcomes.map((outcome): Outcome => {
    if (outcome.verdict === "not applicable" || outcome.verdict === "declined") return outcome;
    const matcher = matchers.find(({ matches }) => matches(outcome.id));
    if (matcher === undefined) return outcome;
    matcher.used = true;
    const { reason, verdict = "fail" } = matcher.entry;
    if (outcome.verdict === verdict) return { ...outcome, verdict: "known-fail", text: reason };
    return outcome.verdict === "pass" ? { ...outcome, verdict: "fixed", text: reason } : outcome;
  });
  return { outcomes: judged, unmatched: matchers.filter(({ used }) => !used).map(({ entry }) => entry) };
}
