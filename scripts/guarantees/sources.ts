import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { globMatcher } from "@tensorwire/conformance/glob";
import { Glob } from "bun";
import { namedPlans } from "../faults/plan.ts";
import { CHECKS, type Check } from "../model/checks.ts";
import { indexRules, type Rule, testsNaming } from "../rules.ts";

export const ROOT = resolve(import.meta.dir, "../..");

/** A vector or a scenario of level 2, with the file that has it; or the sweeps of a profile, whose cases show the rule. */
export interface Shown {
  readonly id: string;
  readonly file: string;
  /** The accepting sibling of a vector that is refused. */
  readonly sibling?: string;
  readonly sweeps: boolean;
}

/** Everything that a rule can lead to. Files are paths from the root of the repository. */
export interface Sources {
  readonly rules: ReadonlyMap<string, Rule>;
  /** The heading of its chapter under which a rule stands. */
  section(rule: string): string;
  /** Where the protocol's packages and messages name the rule in a comment. */
  code(rule: string): readonly string[];
  vectors(rule: string): readonly Shown[];
  scenarios(rule: string): readonly Shown[];
  /** Scenarios by the scenario of the source that they are: `OM-01`. */
  readonly upstream: ReadonlyMap<string, readonly Shown[]>;
  /** Tests and models that name the rule. */
  proof(rule: string): readonly string[];
  /** Checks of the model that take a rule away, by `tp HEADER_FIRST`. */
  readonly model: ReadonlyMap<string, Check>;
  /** Rows of the fault table whose names match. */
  faults(pattern: string): readonly string[];
}

export function readSources(root = ROOT): Sources {
  const { rules, inCode } = indexRules(root);
  const { byRule: shown, upstream } = readVectors(root);
  const sections = new Map([...rules].map(([id, { file, line }]) => [id, sectionAbove(root, file, line)]));
  const rows = namedPlans(false).map(({ name }) => name);
  const tests = testsNaming(root);
  const filesOf = (rule: string, wanted: RegExp) => [
    ...new Set((inCode.get(rule) ?? []).map(({ file }) => file).filter((file) => wanted.test(file))),
  ];
  return {
    rules,
    section: (rule) => sections.get(rule) ?? "",
    code: (rule) =>
      filesOf(rule, /^(?:packages\/[^/]+\/src\/|spec\/proto\/[^/]+\.proto$)/).filter(
        (file) => !file.endsWith(".test.ts"),
      ),
    vectors: (rule) => (shown.get(rule) ?? []).filter(({ file }) => !file.startsWith("vectors/wire/")),
    scenarios: (rule) => (shown.get(rule) ?? []).filter(({ file }) => file.startsWith("vectors/wire/")),
    upstream,
    proof: (rule) => [...tests(rule), ...modelsNaming(rule, root)],
    model: new Map(
      CHECKS.flatMap((check) =>
        check.mutation === null ? [] : [[`${check.model} ${check.mutation}`, check] as const],
      ),
    ),
    faults: (pattern) => rows.filter(globMatcher(pattern)),
  };
}

function readVectors(root: string) {
  const byRule = new Map<string, Shown[]>();
  const upstream = new Map<string, Shown[]>();
  for (const file of [...new Glob("vectors/*/*.json").scanSync(root)].sort()) {
    if (file.startsWith("vectors/schema/")) continue;
    const {
      vectors = [],
      scenarios = [],
      profile,
      derived,
    } = JSON.parse(readFileSync(join(root, file), "utf8")) as {
      vectors?: { id: string; rules: string[]; sibling?: string }[];
      scenarios?: { id: string; rules: string[]; upstream?: string }[];
      profile: string;
      derived?: Record<string, string[]>;
    };
    for (const rule of new Set(Object.values(derived ?? {}).flat())) {
      byRule.set(rule, [...(byRule.get(rule) ?? []), { id: `sweeps of ${profile}`, file, sweeps: true }]);
    }
    for (const { id, rules, ...rest } of [...vectors, ...scenarios]) {
      const { sibling, upstream: source } = rest as { sibling?: string; upstream?: string };
      const shown = { id, file, sweeps: false, ...(sibling !== undefined && { sibling }) };
      for (const rule of rules) byRule.set(rule, [...(byRule.get(rule) ?? []), shown]);
      if (source !== undefined) upstream.set(source, [...(upstream.get(source) ?? []), shown]);
    }
  }
  return { byRule, upstream };
}

function modelsNaming(rule: string, root: string): string[] {
  return [...new Glob("spec/model/*.pml").scanSync(root)]
    .filter((file) => readFileSync(join(root, file), "utf8").includes(`r[${rule}]`))
    .sort();
}

function sectionAbove(root: string, file: string, line: number): string {
  const above = readFileSync(join(root, file), "utf8").split("\n").slice(0, line);
  return /^#+ (.+)$/.exec(above.findLast((text) => /^#+ /.test(text)) ?? "")?.[1] ?? "";
}
