import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Glob } from "bun";

const ROOT = resolve(import.meta.dir, "..");
const ID = "[a-z0-9-]+(?:\\.[a-z0-9-]+)+";

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A rule, with the strongest word of its text; `states` where it has none and says how something is. */
export interface Rule extends Place {
  readonly text: string;
  readonly level: "must" | "should" | "may" | "states";
}

export interface RuleIndex {
  /** Rule id to the line of the spec that states it. */
  readonly rules: ReadonlyMap<string, Rule>;
  /** Rule id to where code names it in a comment or test. */
  readonly inCode: ReadonlyMap<string, readonly Place[]>;
  /** Rule id to the ids of the vectors that name it, and to the profiles whose sweeps do. */
  readonly inVectors: ReadonlyMap<string, readonly string[]>;
  /** Ids that the spec states twice. */
  readonly doubled: readonly string[];
}

/** Reads the rules of `spec/*.md` and everything that names one: vectors, and `r[…]` in code. */
export function indexRules(root = ROOT): RuleIndex {
  const rules = new Map<string, Rule>();
  const doubled: string[] = [];
  for (const file of scan(root, "spec/*.md")) {
    eachMatch(root, file, new RegExp(`^r\\[(${ID})\\]`, "g"), (id, place) => {
      if (rules.has(id)) doubled.push(id);
      rules.set(id, { ...place, ...textOf(root, place) });
    });
  }
  const inCode = new Map<string, Place[]>();
  for (const pattern of [
    "packages/**/*.ts",
    "conformance/**/*.{ts,py,go,rs,c,h}",
    "scripts/**/*.{ts,py}",
    "spec/proto/*",
  ]) {
    for (const file of scan(root, pattern)) {
      eachMatch(root, file, new RegExp(`\\br\\[(${ID})\\]`, "g"), (id, place) => append(inCode, id, place));
    }
  }
  const inVectors = new Map<string, string[]>();
  for (const file of scan(root, "vectors/*/*.json").filter((file) => !file.startsWith("vectors/schema/"))) {
    const family = JSON.parse(readFileSync(join(root, file), "utf8")) as {
      vectors?: { id: string; rules: string[] }[];
      scenarios?: { id: string; rules: string[] }[];
      derived?: Record<string, string[]>;
    };
    const named = [...(family.vectors ?? []), ...(family.scenarios ?? [])];
    for (const { id, rules } of named) for (const rule of rules) append(inVectors, rule, id);
    for (const id of Object.values(family.derived ?? {}).flat()) append(inVectors, id, file);
  }
  return { rules, inCode, inVectors, doubled };
}

export interface RuleFaults {
  readonly doubled: readonly string[];
  /** Rules that no vector and no code names. */
  readonly unnamed: readonly string[];
  /** Names that no rule bears, with where they stand. */
  readonly unknown: readonly string[];
}

export function ruleFaults({ rules, inCode, inVectors, doubled }: RuleIndex): RuleFaults {
  const unnamed = [...rules.keys()].filter((id) => !inCode.has(id) && !inVectors.has(id));
  const unknown = [
    ...[...inCode].flatMap(([id, places]) => (rules.has(id) ? [] : places.map((p) => `${id} at ${p.file}:${p.line}`))),
    ...[...inVectors].flatMap(([id, vectors]) => (rules.has(id) ? [] : vectors.map((v) => `${id} in vector ${v}`))),
  ];
  return { doubled, unnamed, unknown };
}

/** Matches a text that names this rule, and not one whose id is longer. */
export function naming(id: string): RegExp {
  return new RegExp(`(?<![\\w.-])${id.replaceAll(".", "[.]")}(?![\\w-]|[.]\\w)`);
}

/** Finds the unit tests of packages that name a rule, in a title or a comment. */
export function testsNaming(root = ROOT): (id: string) => string[] {
  const files = scan(root, "packages/*/src/**/*.test.ts");
  const texts = files.map((file) => [file, readFileSync(join(root, file), "utf8")] as const);
  return (id) => {
    const whole = naming(id);
    return texts.filter(([, text]) => whole.test(text)).map(([file]) => file);
  };
}

/** Files of the project, sorted. */
export function scan(root: string, pattern: string): string[] {
  return [...new Glob(pattern).scanSync(root)]
    .filter((file) => !/node_modules|\/target\/|\.venv|scripts\/rules/.test(file))
    .sort();
}

/** The paragraph below a rule's id. */
function textOf(root: string, { file, line }: Place): Pick<Rule, "text" | "level"> {
  const below = readFileSync(join(root, file), "utf8").split("\n").slice(line);
  const text = below
    .slice(
      0,
      below.findIndex((row) => row.trim() === ""),
    )
    .join(" ");
  const level = /\bMUST\b/.test(text)
    ? "must"
    : /\bSHOULD\b/.test(text)
      ? "should"
      : /\bMAY\b/.test(text)
        ? "may"
        : "states";
  return { text, level };
}

function eachMatch(root: string, file: string, pattern: RegExp, act: (id: string, place: Place) => void): void {
  readFileSync(join(root, file), "utf8")
    .split("\n")
    .forEach((text, i) => {
      for (const match of text.matchAll(pattern)) act(match[1]!, { file, line: i + 1 });
    });
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

if (import.meta.main) {
  const index = indexRules();
  const faults = ruleFaults(index);
  const named = (kind: ReadonlyMap<string, unknown>) => [...index.rules.keys()].filter((id) => kind.has(id)).length;
  console.log(
    `${index.rules.size} rules: ${named(index.inVectors)} named by vectors, ${named(index.inCode)} named in code`,
  );
  for (const id of faults.doubled) console.error(`stated twice: ${id}`);
  for (const id of faults.unnamed)
    console.error(`named by nothing: ${id} (${index.rules.get(id)!.file}:${index.rules.get(id)!.line})`);
  for (const name of faults.unknown) console.error(`no such rule: ${name}`);
  process.exit(faults.doubled.length + faults.unnamed.length + faults.unknown.length === 0 ? 0 : 1);
}
