import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Glob } from "bun";

/** What the demo model reads, in the order in which it reads it: each list sorted by path. */
const SOURCES = ["README.md", "CONTRIBUTING.md", "spec/*.md"];

/**
 * The project's own prose: one text for each file that has any. Code and tables are left out, paragraphs unwrapped. Comments of
 * the sources are not read: they are fragments, and a model this small writes better with less to remember.
 */
export async function readCorpus(root: string): Promise<string[]> {
  const texts: string[] = [];
  for (const pattern of SOURCES) {
    const paths = (await Array.fromAsync(new Glob(pattern).scan(root))).sort();
    for (const path of paths) {
      const text = unwrap(proseOf(await readFile(join(root, path), "utf8")));
      if (text !== "") texts.push(text);
    }
  }
  return texts;
}

/** Markdown without fenced code and tables. */
function proseOf(markdown: string): string[] {
  let fenced = false;
  return markdown.split("\n").filter((line) => {
    const fence = /^\s*(```|~~~)/.test(line);
    if (fence) fenced = !fenced;
    return !fence && !fenced && !/^\s*\|/.test(line) && !/^ {4}/.test(line);
  });
}

/** One line for a paragraph or list item, so that the model learns sentences and not where columns end. */
function unwrap(lines: readonly string[]): string {
  const out: string[] = [];
  for (const line of lines.map((each) => each.trim())) {
    const starts = /^([-*#]|\d+\.|@\w)/.test(line) || line === "" || !out.at(-1) || out.at(-1)!.startsWith("#");
    if (!starts) out[out.length - 1] += ` ${line}`;
    else if (line !== "" || (out.length > 0 && out.at(-1) !== "")) out.push(line);
  }
  return out.join("\n").trim();
}
