import { createHash } from "node:crypto";
import { describeContradiction } from "../contradictions.ts";
import type { Word } from "../verdict.ts";
import { iutName } from "./describe.ts";
import { endingOf } from "./endings.ts";
import { failureArticle } from "./html/failure-article.ts";
import { h, Markup } from "./html/markup.ts";
import { type Cell, type FamilyRows, matrix, type ProfileRows, type State, type VectorRow } from "./html/matrix.ts";
import { SCRIPT } from "./html/script.ts";
import { STYLE } from "./html/style.ts";
import type { JsonReport } from "./report.ts";

const SIGNS: Readonly<Record<State, readonly [sign: string, word: string]>> = {
  failed: ["✗", "failed"],
  unknown: ["?", "could not tell"],
  known: ["≈", "known to fail"],
  warned: ["!", "warned"],
  passed: ["✓", "passed"],
  declined: ["–", "declined"],
  absent: ["·", "not claimed"],
};

const STATE_OF_WORD: Readonly<Record<Word, State>> = {
  conformant: "passed",
  "not conformant": "failed",
  "not claimed": "absent",
  "could not tell": "unknown",
};

const grouped = (count: number) => count.toLocaleString("en-US");

/**
 * One page that needs nothing else: a matrix of agents by profiles, families and vectors, and behind each failing cell its
 * page. What reports say is shown as text and never as markup, and the policy in the head lets nothing else run or load.
 */
export function html(reports: readonly JsonReport[]): string {
  const rows = matrix(reports);
  const pages = reports.map(pagesOf);
  const title =
    reports.length === 1 ? `${nameOf(reports[0])}: conformance` : `Conformance of ${reports.length} implementations`;
  const hash = createHash("sha256").update(SCRIPT).digest("base64");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const vectors = rows.flatMap(({ families }) => families.flatMap((family) => family.vectors));
  return h`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${title}</title>
<style>${new Markup(STYLE)}</style></head>
<body>
<main>
<a class="skip" href="#matrix">To the matrix</a>
<h1><bdi>${title}</bdi></h1>
${corpora(reports)}
<ul class="agents">${reports.map(agent)}</ul>
<div class="tools" hidden><label>Search <input type="search" id="search" placeholder="a vector, such as eof"></label>
<label><input type="checkbox" id="only"> only what fails somewhere</label> <span class="dim" id="shown" role="status">${vectors.length} vectors</span></div>
${rows.length === 0 ? h`<p>No case was executed.</p>` : table(reports, rows, pages)}
${legend()}
</main>
${pages.flatMap((column) => column.list.map(({ markup }) => markup))}
<footer>A cell counts the cases of a vector: itself and its sweeps. Arrow keys walk the matrix; n, p and Escape walk the failures.</footer>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`.html;
}

const nameOf = (report: JsonReport | undefined) => {
  if (report?.iut == null) return "no implementation";
  return iutName(report.iut);
};

function corpora(reports: readonly JsonReport[]): Markup {
  const hashes = [...new Set(reports.map(({ corpus }) => corpus.hash))];
  if (hashes.length === 1) return h`<p class="dim">Corpus <code>${hashes[0]}</code></p>`;
  return h`<p class="trouble">These reports are of ${hashes.length} different corpora: their columns cannot be compared case by case.</p>`;
}

function agent(report: JsonReport): Markup {
  const { summary, iut, corpus, selection } = report;
  const state = summary.exit === 0 ? "passed" : summary.exit <= 2 ? "failed" : "unknown";
  const narrowed = [
    selection.profiles !== null && `profiles ${selection.profiles.join(", ")}`,
    selection.filter !== null && `cases ${selection.filter}`,
  ].filter((part) => part !== false);
  return h`<li><h2><bdi>${nameOf(report)}</bdi></h2>
<p><span class="chip ${state}">${endingOf(summary.exit, summary["known-fail"])}</span> <span class="dim">exit ${summary.exit}</span></p>
<p>${grouped(summary.total)} cases in ${summary.seconds.toFixed(1)} s: ${grouped(summary.pass)} passed, ${grouped(summary.fail + summary.crash + summary.timeout + summary.disagreement)} failed${summary["not run"] > 0 && `, ${grouped(summary["not run"])} not run`}</p>
${summary.stranded > 0 && h`<p class="trouble">${grouped(summary.stranded)} ranks were stranded</p>`}
${narrowed.length > 0 && h`<p>Only <bdi>${narrowed.join("; ")}</bdi></p>`}
${(summary.notes ?? []).map((note) => h`<p><bdi>${note}</bdi></p>`)}
${contradictions(report)}
${summary.trouble !== undefined && h`<p class="trouble"><bdi>${summary.trouble}</bdi></p>`}
<p class="dim">${iut?.way ?? ""} · seed <bdi>${summary.seed}</bdi> · corpus <bdi>${corpus.hash.slice(0, 15)}</bdi></p></li>
`;
}

/** A report of an older harness says nothing of them. */
function contradictions(report: JsonReport): Markup | false {
  const { contradictions: all = [] } = report as Partial<JsonReport>;
  if (all.length === 0) return false;
  const said = all.map((one) => h`<li><bdi>${describeContradiction(one)}</bdi></li>`);
  return h`<div class="contradictions">Hello and answers contradict each other:<ul>${said}</ul></div>`;
}

interface Pages {
  readonly list: readonly { readonly vector: string; readonly anchor: string; readonly markup: Markup }[];
  /** By vector: the page that its cell leads to, the worst first. */
  readonly first: ReadonlyMap<string, string>;
}

const cellAnchor = (column: number, vector: string) => `c${column}-${Buffer.from(vector).toString("base64url")}`;

function pagesOf(report: JsonReport, column: number): Pages {
  const first = new Map<string, string>();
  const list = report.failures.map((failure, i) => {
    const anchor = `f${column}-${i}`;
    if (!first.has(failure.vector) || failure.verdict !== "warn")
      first.set(failure.vector, first.get(failure.vector) ?? anchor);
    const markup = failureArticle(failure, {
      anchor,
      cell: cellAnchor(column, failure.vector),
      previous: i > 0 ? `f${column}-${i - 1}` : undefined,
      next: i + 1 < report.failures.length ? `f${column}-${i + 1}` : undefined,
      iut: nameOf(report),
    });
    return { vector: failure.vector, anchor, markup };
  });
  return { list, first };
}

function table(reports: readonly JsonReport[], rows: readonly ProfileRows[], pages: readonly Pages[]): Markup {
  return h`<div class="scroll" id="matrix" role="region" aria-label="Matrix" tabindex="0"><table class="matrix">
<caption class="hidden">Implementations by profiles, families and vectors</caption>
<thead><tr><th scope="col">Vector</th>${reports.map((report) => h`<th scope="col"><bdi>${nameOf(report)}</bdi></th>`)}</tr></thead>
${rows.map((profile) => profileRows(profile, pages))}
</table></div>`;
}

function profileRows({ profile, words, families, cells }: ProfileRows, pages: readonly Pages[]): Markup {
  const wordCells = words.map((word = "not claimed", i) => {
    const state = STATE_OF_WORD[word];
    return h`<td><span class="${state}">${SIGNS[state][0]} ${word}</span> <small>${tallyOf(cells[i])}</small></td>`;
  });
  return h`<tbody><tr class="profile"><th scope="rowgroup">${profile}</th>${wordCells}</tr></tbody>
${families.map((family) => familyRows(profile, family, pages))}`;
}

function familyRows(profile: string, { family, vectors, cells }: FamilyRows, pages: readonly Pages[]): Markup {
  const open = cells.some(({ state }) => state === "failed" || state === "unknown");
  const size = vectors.length === 1 ? "1 vector" : `${vectors.length} vectors`;
  const sums = cells.map((cell) => h`<td>${sign(cell)} <small>${tallyOf(cell)}</small></td>`);
  return h`<tbody data-family="${profile}/${family}" data-open="${String(open)}">
<tr class="family"><th scope="rowgroup"><button type="button" aria-expanded="true">${family} <small>${size}</small></button></th>${sums}</tr>
${vectors.map((row) => vectorRow(profile, row, pages))}</tbody>
`;
}

function vectorRow(profile: string, { vector, cells }: VectorRow, pages: readonly Pages[]): Markup {
  const fails = cells.some(({ state }) => state === "failed" || state === "unknown");
  const name = vector.startsWith(`${profile}/`) ? vector.slice(profile.length + 1) : vector;
  const drawn = cells.map((cell, column) => {
    const page = pages[column]?.first.get(vector);
    if (page === undefined) return h`<td>${sign(cell)}</td>`;
    const [mark, word] = SIGNS[cell.state];
    const count = `${cell.counts[cell.state]} of ${cell.total}`;
    return h`<td><a id="${cellAnchor(column, vector)}" class="${cell.state}" href="#${page}" aria-label="${name}: ${count} cases ${word}">${mark} ${count}</a></td>`;
  });
  return h`<tr class="vector" data-name="${vector}" data-fails="${String(fails)}"><th scope="row">${name}</th>${drawn}</tr>
`;
}

function sign({ state, total }: Cell): Markup {
  const [mark, word] = total === 0 ? ["", "not run"] : SIGNS[state];
  return h`<span class="${state}" title="${word}">${mark}<span class="hidden">${word}</span></span>`;
}

/** What passed of what was judged. */
function tallyOf(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  const { passed, failed, known, warned, unknown } = cell.counts;
  const judged = passed + failed + known + warned + unknown;
  if (judged === 0) return "";
  return passed === judged ? grouped(passed) : `${grouped(passed)} of ${grouped(judged)}`;
}

const legend = () => h`<p class="dim">${Object.values(SIGNS).map(([mark, word]) => h`${mark} ${word} &ensp; `)}</p>`;
