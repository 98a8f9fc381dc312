import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type Block, blocksOf, upstreamOf } from "./page.ts";
import { ROOT, type Sources } from "./sources.ts";

/** Sections of chapters whose every rule has to be on the page; null is the whole chapter. */
export const OWED: readonly (readonly [chapter: string, section: string | null])[] = [
  ["spec/tp-control.md", "Sending"],
  ["spec/tp-control.md", "Session"],
  ["spec/pp-contract.md", "Sending"],
  ["spec/pp-contract.md", "Session"],
  ["spec/pp-contract.md", "Acceptance"],
  ["spec/handshake.md", null],
];

/**
 * What the page says and is not so, and which rule it owes; one sentence each. A table may lack what has come since it was written, never
 * name what is not there: `bun run coverage` writes the tables anew.
 */
export function pageFaults(page: string, sources: Sources, root = ROOT): string[] {
  const blocks = blocksOf(page);
  const named = new Set(blocks.flatMap(({ rules }) => rules));
  const owed = [...sources.rules].filter(([id, { file }]) =>
    OWED.some(([chapter, section]) => chapter === file && (section === null || section === sources.section(id))),
  );
  return [
    ...owed.flatMap(([id]) => (named.has(id) ? [] : [`${id} is not on the page`])),
    ...blocks.flatMap((block) => blockFaults(block, sources)),
    ...upstreamFaults(page, sources),
    ...linkFaults(page, root),
    ...[...page.matchAll(/r\[([a-z0-9.-]+)\]/g)].flatMap(([, id = ""]) =>
      sources.rules.has(id) ? [] : [`the text names ${id}, which is no rule`],
    ),
  ];
}

function blockFaults({ rules, model, faults, table }: Block, sources: Sources): string[] {
  const rows = table.split("\n").filter((line) => line.startsWith("| [`"));
  const found: string[] = [];
  for (const rule of rules) {
    const row = rows.find((line) => line.startsWith(`| [\`${rule}\`](`));
    if (!sources.rules.has(rule)) found.push(`${rule} is no rule`);
    else if (row === undefined) found.push(`${rule} has no row: run \`bun run guarantees\``);
    else found.push(...rowFaults(rule, row, sources));
  }
  if (rows.length !== rules.length) found.push(`a table has ${rows.length} rows for ${rules.length} rules`);
  for (const name of model) if (!sources.model.has(name)) found.push(`the model has no check ${name}`);
  for (const row of faults) if (sources.faults(row).length === 0) found.push(`no row of the fault table is ${row}`);
  return found;
}

/** Each file of a row names the rule, each vector of a row is in its file and names the rule, and there is one of either. */
function rowFaults(rule: string, row: string, sources: Sources): string[] {
  const [, , code = "", shown = "", proof = ""] = row.split("|");
  const found: string[] = [];
  const known = (cell: string, all: readonly string[], what: string) => {
    for (const [, text, file] of cell.matchAll(LINK)) {
      if (!all.includes(`${file} ${what === "vector" ? text : ""}`.trim())) {
        found.push(`${rule}: no ${what} that names it is ${text} in ${file}`);
      }
    }
  };
  const fromSpec = (file: string) => (file.startsWith("spec/") ? file.slice("spec/".length) : `../${file}`);
  known(code, sources.code(rule).map(fromSpec), "code");
  known(proof, sources.proof(rule).map(fromSpec), "test");
  const all = [...sources.vectors(rule), ...sources.scenarios(rule)];
  known(
    shown,
    all.map(({ id, file }) => `${fromSpec(file)} ${id}`),
    "vector",
  );
  if (!(code.includes("](") || shown.includes("](") || proof.includes("]("))) {
    found.push(`${rule} leads nowhere: no code, no vector, no test`);
  }
  return found;
}

function upstreamFaults(page: string, { upstream }: Sources): string[] {
  const { said, table } = upstreamOf(page);
  const rows = table.split("\n");
  return [...new Set([...upstream.keys(), ...said.keys()])].flatMap((id) => {
    if (!upstream.has(id)) return [`no scenario is ${id}`];
    const row = rows.find((line) => line.startsWith(`| ${id} |`));
    if (row === undefined) return [`${id} has no row: run \`bun run guarantees\``];
    const ids = [...row.matchAll(LINK)].map(([, text]) => text!);
    const wrong = ids.filter((text) => !upstream.get(id)!.some((shown) => shown.id === text));
    return [...wrong.map((text) => `${text} is not ${id}`), ...(ids.length === 0 ? [`${id} leads nowhere`] : [])];
  });
}

const LINK = /\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)/g;

function linkFaults(page: string, root: string): string[] {
  return [...page.matchAll(LINK)].flatMap(([, , target = ""]) => {
    if (/^https?:/.test(target)) return [];
    const file = normalize(join(dirname("spec/guarantees.md"), target));
    return existsSync(join(root, file)) ? [] : [`the page leads to ${file}, which is not there`];
  });
}

export const readPage = (root = ROOT) => readFileSync(join(root, "spec/guarantees.md"), "utf8");
