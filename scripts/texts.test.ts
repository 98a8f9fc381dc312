import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DEFAULT_CORPUS, DEFAULT_SPEC, explain, idFilter, listCorpus, loadCorpus } from "@tensorwire/conformance";
import { Glob } from "bun";
import { PORTS } from "../conformance/ports/ports.ts";
import { tools } from "../packages/cli/src/doctor-tools.ts";
import { missingPrograms } from "./model/spin.ts";

const ROOT = resolve(import.meta.dir, "..");
const corpus = loadCorpus(DEFAULT_CORPUS);
const profiles = new Set(listCorpus(corpus, idFilter(undefined)).vectors.map(({ profile }) => profile));
/** A vector, a case, a scenario, or a pattern of them. What stands behind a slash is a path. */
const ID = new RegExp(String.raw`(?<![\w./-])(?:wire|${[...profiles].join("|")})/[\w*?=#,./-]*[\w*?]`, "g");

/** Code of a page: fenced, set in by four blanks, or between backticks. */
function codeOf(page: string): string {
  const fenced = page.match(/^```[\s\S]*?^```/gm) ?? [];
  const rest = page.replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...fenced, ...(rest.match(/^ {4}.+$/gm) ?? []), ...(rest.match(/`[^`\n]+`/g) ?? [])].join("\n");
}

function idsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = new Set((file.endsWith(".md") ? codeOf(text) : text).match(ID));
  return [...found].filter((id) => !id.endsWith(".json"));
}

/** A pattern has to match something, and a name has to be one. */
function leadsSomewhere(id: string): boolean {
  if (/[*?]/.test(id)) {
    const { cases, probes, scenarios } = listCorpus(corpus, idFilter(id)).totals;
    return cases + probes + scenarios > 0;
  }
  return explain(id, { corpus, vectors: DEFAULT_CORPUS, spec: DEFAULT_SPEC }) !== undefined;
}

describe("an id or pattern of the corpus that a text gives as an example", () => {
  const files = ["packages/cli/src/*.ts", "*.md", "spec/*.md", "conformance/README.md", "vectors/README.md"]
    .flatMap((pattern) => [...new Glob(pattern).scanSync(ROOT)])
    .filter((file) => !file.endsWith(".test.ts") && !/coverage|guarantees/.test(file));
  const given = files.sort().flatMap((file) => idsOf(file).map((id) => [id, file] as const));

  test("is looked for where examples are", () => {
    expect(new Set(given.map(([, file]) => file))).toContain("packages/cli/src/explain-command.ts");
    expect(new Set(given.map(([, file]) => file))).toContain("spec/porting.md");
    expect(leadsSomewhere("len64/helo")).toBe(false);
    expect(leadsSomewhere("len64/eof*")).toBe(false);
  });

  test.each(given)("%s in %s is there", (id) => expect(leadsSomewhere(id)).toBe(true));
});

test("doctor has a row for every program that a port, a peer or the model needs", () => {
  const peers = [...new Glob("conformance/peers/*/peer.json").scanSync(ROOT)].map(
    (file) => JSON.parse(readFileSync(join(ROOT, file), "utf8")) as { needs: readonly string[] },
  );
  const needed = [
    ...peers.flatMap(({ needs }) => needs),
    ...PORTS.flatMap(({ needs }) => needs.map(([program]) => program!)),
    ...missingPrograms(""),
  ];
  expect(new Set(needed).difference(new Set(tools().map(({ what }) => what)))).toEqual(new Set(["bun"]));
});
