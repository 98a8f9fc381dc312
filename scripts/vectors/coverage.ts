import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type RanksScenario, readCorpusFiles, refuses } from "@tensorwire/conformance/corpus";
import oneSided from "./one-sided.json";

/**
 * Which rules the corpus shows from both sides: kept by a vector that is accepted, broken by one that is refused. What can have no
 * other side stands in `one-sided.json`, with the reason.
 */
export interface Sides {
  readonly accepted: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
}

/** By what a sweep shows, which side of the profile's rules its cases are on. */
const DERIVED: Readonly<Record<string, readonly ("accepted" | "refused")[]>> = {
  chunking: ["accepted"],
  glued: ["accepted"],
  end: ["accepted"],
  "eof.in-prefix": ["refused"],
  "eof.in-header": ["refused"],
  "eof.in-body": ["refused"],
  sticky: ["refused"],
  delivered: ["accepted", "refused"],
  isolation: ["accepted"],
  "limit.accept": ["accepted"],
  "limit.refuse": ["refused"],
  "limit.wide": ["refused"],
  "record.cut": ["refused"],
  "record.wide": ["refused"],
  "record.top-bit": ["refused"],
  "record.hash-cut": ["refused"],
  "encode.again": ["accepted"],
  "encode.after": ["accepted", "refused"],
  memory: ["accepted"],
  "write.given-up": ["accepted", "refused"],
};

/** A vector that refuses is on both sides of its rules: its sibling keeps what it breaks. */
export function sidesOf(directory: string): Sides {
  const sides = { accepted: new Set<string>(), refused: new Set<string>() };
  const { profiles, families, wire } = readCorpusFiles(directory);
  for (const { family } of families) {
    for (const vector of family.vectors) {
      for (const rule of vector.rules) {
        if (refuses(vector)) sides.refused.add(rule);
        if (!refuses(vector) || vector.sibling !== undefined) sides.accepted.add(rule);
      }
    }
  }
  for (const { derived } of profiles) {
    for (const [shows, rules] of Object.entries(derived)) {
      for (const side of DERIVED[shows]!) for (const rule of rules) sides[side].add(rule);
    }
  }
  // What binds a rank no codec can show: there the scenarios of ranks are the only ones that name the rule.
  const byVectors = new Set([...sides.accepted, ...sides.refused]);
  for (const scenario of wire.flatMap(({ scenarios }) => scenarios)) {
    if (!("ranks" in scenario)) continue;
    const side = sides[faulty(scenario) ? "refused" : "accepted"];
    for (const rule of scenario.rules) if (!byVectors.has(rule)) side.add(rule);
  }
  return sides;
}

/** True where the implementation has to tell of a fault. */
const faulty = ({ steps }: RanksScenario) =>
  steps.some((step) => "events" in step && step.events?.some(({ event }) => event === "error"));

const CHAPTERS = ["framing.md", "tp-control.md", "pp-contract.md", "handshake.md"];

/** The ids of all rules of the chapters on the wire, of every level. */
export function wireRules(spec = resolve(import.meta.dir, "../../spec")): string[] {
  return CHAPTERS.flatMap((chapter) => {
    const text = readFileSync(resolve(spec, chapter), "utf8");
    return [...text.matchAll(/^r\[([a-z0-9.-]+)\]$/gm)].map(([, id]) => id!);
  });
}

/** Rules that lack a side without a reason, and reasons that have become untrue. */
export function coverageFaults(
  { accepted, refused }: Sides,
  rules = wireRules(),
  reasons: typeof oneSided = oneSided,
): string[] {
  const lacks = (rule: string) => {
    if (!accepted.has(rule) && !refused.has(rule)) return "untested";
    return accepted.has(rule) ? "accepted" : "refused";
  };
  const expected = new Map<string, string>();
  for (const [side, given] of Object.entries(reasons)) for (const rule of Object.keys(given)) expected.set(rule, side);
  const faults: string[] = [];
  for (const rule of rules) {
    const whole = accepted.has(rule) && refused.has(rule);
    const reason = expected.get(rule);
    if (!whole && reason !== lacks(rule)) faults.push(`${rule}: only ${lacks(rule)}, and no reason says so`);
    if (whole && reason !== undefined) faults.push(`${rule}: has both sides, and a reason why it has not`);
    expected.delete(rule);
  }
  for (const rule of expected.keys()) faults.push(`${rule}: a reason for what is no rule of these chapters`);
  return faults;
}
