import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Glob } from "bun";

export const ROOT = resolve(import.meta.dir, "../../..");
const LIST = join(import.meta.dir, "list.mjs");

interface Position {
  readonly line: number;
  readonly column: number;
}

interface Listed {
  readonly file: string;
  readonly mutatorName: string;
  readonly replacement: string;
  readonly location: { readonly start: Position; readonly end: Position };
  readonly ignored: boolean;
}

/** A small mechanical change to one file. */
export interface Change {
  /** From the root of the repository. */
  readonly file: string;
  /** From 1: the line it begins on, and that line's code. */
  readonly line: number;
  readonly code: string;
  /** `what stood there → what replaced it`, on one line. */
  readonly change: string;
  /** From 1: among the changes of its file that read the same on lines that read the same. */
  readonly nth: number;
  /** It changes a text for people alone, which nothing compares. */
  readonly text: boolean;
  readonly original: string;
  readonly mutated: string;
}

/** Every change that Stryker's mutators make to a package's sources. */
export async function changesTo(name: string): Promise<Change[]> {
  const files = [...new Glob(`packages/${name}/src/**/*.ts`).scanSync(ROOT)]
    .filter((file) => !/\.test\.ts$|\/testing\.ts$|\/index\.ts$|\.d\.ts$/.test(file))
    .sort();
  const child = Bun.spawn(["node", LIST, ...files], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const told = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`Stryker's mutators ended with status ${child.exitCode}`);
  const listed = JSON.parse(told) as Listed[];
  const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
  const inOrder = listed.filter(({ ignored }) => !ignored).sort((a, b) => order(a.location, b.location));
  return numbered(inOrder.map((one) => change(one, sources.get(one.file)!)));
}

/** @internal */
export function change({ file, mutatorName, replacement, location }: Listed, original: string): Omit<Change, "nth"> {
  const from = offsetOf(original, location.start);
  const to = offsetOf(original, location.end);
  const stood = original.slice(from, to);
  const { line } = location.start;
  return {
    file,
    line: line + 1,
    code: short(original.split("\n")[line]!),
    change: `${short(stood)} → ${short(replacement)}`,
    text: mutatorName === "StringLiteral" && stood.includes(" "),
    original,
    mutated: original.slice(0, from) + replacement + original.slice(to),
  };
}

type Location = Listed["location"];
const order = ({ start: a }: Location, { start: b }: Location) => a.line - b.line || a.column - b.column;

/** @internal The changes in the order of their files. */
export function numbered(changes: readonly Omit<Change, "nth">[]): Change[] {
  const seen = new Map<string, number>();
  return changes.map((one) => {
    const name = JSON.stringify([one.file, one.code, one.change]);
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return { ...one, nth };
  });
}

function offsetOf(source: string, { line, column }: Position): number {
  let at = 0;
  for (let i = 0; i < line; i++) at = source.indexOf("\n", at) + 1;
  return at + column;
}

function short(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
