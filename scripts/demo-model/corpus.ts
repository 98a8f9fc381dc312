import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Glob } from "bun";

/** What the demo model reads, in the order in which it reads it: each list sorted by path. */
const SOURCES = [
  "README.md",
  "CONTRIBUTING.md",
  "spec/*.md",
  "packages/*/src/**/*.ts",
  "conformance/{src,ports/ts}/**/*.ts",
];

/** The project's own prose: one text for each file that has any. Code, tables and markers are left out, paragraphs unwrapped. */
export async function readCorpus(root: string): Promise<string[]> {
  const texts: string[] = [];
  for (const pattern of SOURCES) {
    const paths = (await Array.fromAsync(new Glob(pattern).scan(root))).sort();
    for (const path of paths.filter((each) => !each.includes("node_modules"))) {
      const source = await readFile(join(root, path), "utf8");
      const text = unwrap(path.endsWith(".md") ? proseOf(source) : commentsOf(source));
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

/** The comments that have a line to themselves, an empty line between any two. */
function commentsOf(source: string): string[] {
  const lines: string[] = [];
  for (const line of source.split("\n")) {
    const comment = /^\s*(?:\/\*\*?|\*\/|\*|\/\/)\s?(.*?)(?:\*\/)?$/.exec(line);
    if (comment !== null) lines.push(comment[1]!.trimEnd());
    else if (lines.at(-1) !== "") lines.push("");
  }
  return lines.filter((line) => !/^(biome-ignore|r\[[\w.-]+\]$|\s*[┌│└├])/.test(line));
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
