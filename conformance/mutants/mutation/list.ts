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
  /** From 1. */
  readonly line: number;
  /** How `SURVIVORS.md` names it: `file: what stood there → what replaced it`, without a line number. */
  readonly key: string;
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
  return listed.filter(({ ignored }) => !ignored).map((one) => change(one, sources.get(one.file)!));
}

export function change({ file, mutatorName, replacement, location }: Listed, original: string): Change {
  const from = offsetOf(original, location.start);
  const to = offsetOf(original, location.end);
  const stood = original.slice(from, to);
  return {
    file,
    line: location.start.line + 1,
    key: `${file.split("/").at(-1)}: ${short(stood)} → ${short(replacement)}`,
    text: mutatorName === "StringLiteral" && stood.includes(" "),
    original,
    mutated: original.slice(0, from) + replacement + original.slice(to),
  };
}

function offsetOf(source: string, { line, column }: Position): number {
  let at = 0;
  for (let i = 0; i < line; i++) at = source.indexOf("\n", at) + 1;
  return at + column;
}

/** One line, without what would end a line of code in Markdown. */
function short(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("`", "'");
}
