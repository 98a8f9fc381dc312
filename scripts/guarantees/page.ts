import { markdownTable } from "markdown-table";
import type { Shown, Sources } from "./sources.ts";

/**
 * `spec/guarantees.md` is written by hand but for its tables. A table stands between a comment that says what it is about and
 * `<!-- /rows -->`:
 *
 * ```
 * <!-- rows
 * rules: tp.send.order tp.send.nothing
 * model: tp HEADER_FIRST
 * faults: leader killed *; worker killed *
 * -->
 * ```
 */
const BLOCK = /<!-- rows\n(?<said>[\s\S]*?)-->\n(?<table>[\s\S]*?)<!-- \/rows -->/g;

/**
 * The table of the scenarios of the source, likewise: a line for each says what it is, and the table which scenarios here are it.
 *
 * ```
 * <!-- upstream
 * OM-01: metadata that cannot be serialised
 * -->
 * ```
 */
const UPSTREAM = /<!-- upstream\n(?<said>[\s\S]*?)-->\n(?<table>[\s\S]*?)<!-- \/upstream -->/;

/** The scenarios of the source that the page names, in words, and the table as it stands there. */
export function upstreamOf(page: string): { readonly said: ReadonlyMap<string, string>; readonly table: string } {
  const { said = "", table = "" } = UPSTREAM.exec(page)?.groups ?? {};
  const rows = said.trim().split("\n");
  return { said: new Map(rows.map((row) => [row.slice(0, row.indexOf(":")), row.slice(row.indexOf(":") + 2)])), table };
}

/** What one table is about, by what its comment says. */
export interface Block {
  readonly rules: readonly string[];
  readonly model: readonly string[];
  readonly faults: readonly string[];
  /** As it stands in the page. */
  readonly table: string;
}

export function blocksOf(page: string): Block[] {
  return [...page.matchAll(BLOCK)].map(({ groups }) => {
    const said = new Map<string, string>();
    for (const line of (groups?.said ?? "").trim().split("\n")) {
      const [, name = "", list = ""] = /^(rules|model|faults): (.+)$/.exec(line) ?? [];
      if (name === "") throw new Error(`expected rules:, model: or faults: in a comment of the page, ${line} came`);
      said.set(name, list);
    }
    const list = (name: string, by: string) => (said.get(name)?.split(by) ?? []).map((item) => item.trim());
    return {
      rules: list("rules", " "),
      model: list("model", ";"),
      faults: list("faults", ";"),
      table: groups?.table ?? "",
    };
  });
}

/** The page with each table as the sources have it. */
export function withTables(page: string, sources: Sources): string {
  const blocks = blocksOf(page).values();
  const upstream = upstreamTable(upstreamOf(page).said, sources);
  const withRows = page.replaceAll(BLOCK, (whole, ...rest) => {
    const { said } = rest.at(-1) as { said: string };
    return `<!-- rows\n${said}-->\n\n${tableOf(blocks.next().value ?? never(whole), sources)}\n<!-- /rows -->`;
  });
  return withRows.replace(UPSTREAM, (_, said) => `<!-- upstream\n${said}-->\n\n${upstream}\n\n<!-- /upstream -->`);
}

/** The first scenario of each file, and how many there are. */
function upstreamTable(said: ReadonlyMap<string, string>, sources: Sources): string {
  const rows = [...said].map(([id, words]) => {
    const shown = sources.upstream.get(id) ?? [];
    const first = [...Map.groupBy(shown, ({ file }) => file).values()].map(([one]) => one!);
    return [id, words, first.map(shownLink).join("<br>"), String(shown.length)].map(orDash);
  });
  return markdownTable([["", "what happens", "first scenario of each file", "scenarios"], ...rows], {
    align: ["l", "l", "l", "r"],
    alignDelimiters: false,
    padding: true,
  });
}

function never(text: string): never {
  throw new Error(`unreachable: no block for ${text}`);
}

function tableOf({ rules, model, faults }: Block, sources: Sources): string {
  const rows = rules.map((rule) => [
    ruleLink(rule, sources),
    sources.code(rule).map(fileLink).join("<br>"),
    [...chosen(sources.vectors(rule)), ...sources.scenarios(rule).slice(0, MOST_SCENARIOS)].map(shownLink).join("<br>"),
    sources.proof(rule).map(fileLink).join("<br>"),
  ]);
  const table = markdownTable([["rule", "code", "shown by", "tests, model"], ...rows.map((row) => row.map(orDash))], {
    alignDelimiters: false,
    padding: true,
  });
  const notes = [
    ...model.map((name) => {
      const check = sources.model.get(name);
      return `- \`bun run model\`, ${name}: ${check?.what}; then \`${check?.breaks}\` is broken.`;
    }),
    ...faults.map((pattern) => `- \`bun run faults\`: ${sources.faults(pattern).join("; ")}.`),
  ];
  return `${table}\n${notes.length === 0 ? "" : `\n${notes.join("\n")}\n`}`;
}

const MOST_SCENARIOS = 4;

/** One vector that is refused and one that is accepted, or where there is none the sweeps; the coverage page has all. */
function chosen(shown: readonly Shown[]): Shown[] {
  const vectors = shown.filter(({ sweeps }) => !sweeps);
  const refused = vectors.find(({ sibling }) => sibling !== undefined);
  const accepted = vectors.find(({ sibling }) => sibling === undefined);
  const pair = [refused, accepted].filter((vector) => vector !== undefined);
  return pair.length > 0 ? pair : shown.slice(0, 1);
}

const orDash = (cell: string) => (cell === "" ? "–" : cell);

function ruleLink(rule: string, sources: Sources): string {
  const chapter = sources.rules.get(rule)?.file.slice("spec/".length);
  return `[\`${rule}\`](${chapter}#${anchorOf(sources.section(rule))})`;
}

const shownLink = ({ id, file }: Shown) => `[${id}](../${file})`;

function fileLink(file: string): string {
  if (file.startsWith("spec/")) return `[${file.slice("spec/".length)}](${file.slice("spec/".length)})`;
  return `[${file.replace(/^packages\/([^/]+)\/src\//, "$1/")}](../${file})`;
}

/** As the common renderers make it: lower case, no punctuation, blanks as hyphens. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}
