import type { Mark } from "../../corpus/types.ts";
import { h, type Markup } from "./markup.ts";

const WIDTH = 8;
/** Colours for fields; their names stand beside the bytes, so that no colour is needed to read them. */
const HUES = 6;

export interface DumpOptions {
  /** What the table is called. */
  readonly caption: string;
  readonly total?: number;
  /** Places where one read ends and the next begins. */
  readonly cuts?: readonly number[];
  readonly marks?: readonly Mark[];
  /** The rows around this place are shown. */
  readonly focus?: number;
  /** Everything before this place agreed. */
  readonly good?: number;
  /** The first byte that differs. */
  readonly differs?: number;
  readonly rows?: number;
}

/** Bytes with offsets, field names and cuts, eight to a row so that a row fits on a phone. */
export function dump(bytes: Uint8Array, options: DumpOptions): Markup {
  const { caption, total = bytes.length, focus = 0, rows: most = 24 } = options;
  const rows = Math.ceil(bytes.length / WIDTH);
  const first = Math.max(0, Math.min(Math.floor(focus / WIDTH) - Math.floor(most / 2), rows - most));
  const last = Math.min(first + most, rows);
  const shown = Math.min(last * WIDTH, bytes.length);
  const note = (count: number, where: string) =>
    count > 0 && h`<tr><td></td><td colspan="3" class="dim">… ${count} bytes ${where}</td></tr>`;
  const body: Markup[] = [];
  for (let row = first; row < last; row++) body.push(rowOf(bytes, row * WIDTH, options));
  return h`<table class="dump"><caption>${caption}</caption>
<thead class="hidden"><tr><th>offset</th><th>bytes</th><th>text</th><th>fields that begin here</th></tr></thead>
<tbody>${note(first * WIDTH, "before")}${body}${note(total - shown, "more")}</tbody></table>`;
}

function rowOf(bytes: Uint8Array, from: number, { cuts = [], marks = [], good, differs }: DumpOptions): Markup {
  const to = Math.min(from + WIDTH, bytes.length);
  const pieces: Markup[] = [];
  let at = from;
  while (at < to) {
    const mark = innermost(marks, at);
    const start = at;
    do at++;
    while (at < to && innermost(marks, at) === mark && !cuts.includes(at) && at !== good && !isDiffering(at, differs));
    const text = [...bytes.subarray(start, at)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const classes = [mark === undefined ? "" : `f${hueOf(marks, mark)}`, start === differs ? "differs" : ""];
    const title = mark === undefined ? "" : `${mark.field}, bytes ${mark.start} to ${mark.end - 1}`;
    pieces.push(h`${edge(start, cuts, good)}<span class="${classes.join(" ").trim()}" title="${title}">${text}</span>`);
  }
  if (to === bytes.length && to < from + WIDTH) pieces.push(edge(to, cuts, good));
  const ascii = [...bytes.subarray(from, to)].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·",
  );
  const begun = marks.filter(({ start, end }) => start >= from && start < to && end > start);
  const fields = begun.map(
    (mark) =>
      h`<span class="field"><span class="swatch f${hueOf(marks, mark)}"></span>${mark.field} <span class="dim">${mark.start}–${mark.end - 1}</span></span> `,
  );
  return h`<tr><th scope="row">${from.toString(16).padStart(4, "0")}</th><td class="hex">${pieces}</td><td class="ascii">${ascii.join("")}</td><td class="fields">${fields}</td></tr>
`;
}

const isDiffering = (at: number, differs: number | undefined) =>
  differs !== undefined && (at === differs || at === differs + 1);

function edge(at: number, cuts: readonly number[], good: number | undefined): Markup {
  const ends = at > 0 && at === good;
  if (!cuts.includes(at) && !ends) return h` `;
  const title = [cuts.includes(at) && `a read ends at ${at}`, ends && `all agreed until ${at}`]
    .filter(Boolean)
    .join("; ");
  return h`<span class="edge${ends && " good"}" title="${title}"><span class="hidden">(${title})</span></span>`;
}

/** Fields of one name have one colour. */
function hueOf(marks: readonly Mark[], { field }: Mark): number {
  return [...new Set(marks.map((mark) => mark.field))].indexOf(field) % HUES;
}

function innermost(marks: readonly Mark[], at: number): Mark | undefined {
  let best: Mark | undefined;
  for (const mark of marks) {
    if (mark.start > at || at >= mark.end) continue;
    if (best === undefined || mark.end - mark.start < best.end - best.start) best = mark;
  }
  return best;
}
