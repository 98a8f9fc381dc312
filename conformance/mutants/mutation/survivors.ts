import type { Fate } from "./fates.ts";
import type { Change } from "./list.ts";

/** An entry of `SURVIVORS.md`: one place, one change, and why nothing notices it. */
export interface Explanation {
  readonly package: string;
  /** As `keyOf` gives it. */
  readonly key: string;
  readonly reason: string;
}

/** The file is not what it should be. */
export class SurvivorsDefect extends Error {
  override readonly name = "SurvivorsDefect";
}

/**
 * How `SURVIVORS.md` names a change: its file, the line of code it begins on, and what is done to it. No line number: an edit
 * elsewhere in the file leaves the name as it is, an edit of the line asks for the reason anew.
 */
export function keyOf({ file, code, change, nth }: Pick<Change, "file" | "code" | "change" | "nth">): string {
  const path = file.split("/").slice(2).join("/");
  return `${path}: ${span(code)}: ${span(change)}${nth === 1 ? "" : ` (${nth})`}`;
}

const KEY = /^src\/\S+\.ts: ``[^`]+``: ``[^`]+ → [^`]*``(?: \(\d+\))?$/;

/** The sections are packages; in them a line that begins with `- ` is a reason, and the lines below it, indented, are keys. */
export function readSurvivors(text: string, packages: readonly string[]): Explanation[] {
  const explanations: Explanation[] = [];
  const named = new Set<string>();
  let section: string | null = null;
  let reason: string | null = null;
  let unused = false;
  const defect = (line: number, what: string) => new SurvivorsDefect(`SURVIVORS.md:${line + 1}: ${what}`);
  const lines = text.split("\n");
  for (const [i, line] of [...lines, "## "].entries()) {
    if (unused && !line.startsWith("  - ")) throw defect(i - 1, "a reason without a mutant");
    unused = false;
    if (i === lines.length) break;
    if (line.startsWith("## ")) {
      section = line.slice(3);
      reason = null;
      if (!packages.includes(section)) throw defect(i, `${section} is no package that is mutated`);
      continue;
    }
    // Before the first section it is text for people; in a section, lines that end so stand above its lists.
    if (section === null || line === "" || /^[A-Z].*:$/.test(line)) continue;
    if (line.startsWith("- ")) {
      reason = line.slice(2);
      unused = true;
      continue;
    }
    const key = line.slice(4);
    if (reason === null || !line.startsWith("  - ") || !KEY.test(key)) throw defect(i, "neither a reason nor a mutant");
    const name = `${section} ${key}`;
    if (named.has(name)) throw defect(i, "it is named twice");
    named.add(name);
    explanations.push({ package: section, key, reason });
  }
  return explanations;
}

/** What explains nothing any more. A mutant that its deadline has ended shows nothing: the machine may have been busy. */
export function staleOf(
  explanations: readonly Explanation[],
  changes: readonly Change[],
  fates: readonly Fate[],
): Explanation[] {
  const open = changes.filter(({ text }, i) => !text && (fates[i] === "survived" || fates[i] === "timeout"));
  const keys = new Set(open.map(keyOf));
  return explanations.filter(({ key }) => !keys.has(key));
}

/** Code on one line of Markdown: the backticks of a template are told as apostrophes. */
function span(code: string): string {
  return `\`\`${code.replaceAll("`", "'")}\`\``;
}
