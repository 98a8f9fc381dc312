import type { Mark } from "../corpus/types.ts";

const WIDTH = 16;

export interface HexdumpOptions {
  /** Length of the whole stream, when `bytes` is only its beginning. */
  readonly total?: number;
  /** Positions at which one read ends and the next begins: drawn as `|`. */
  readonly cuts?: readonly number[];
  readonly marks?: readonly Mark[];
  /** The position that the page is about: the rows around it are shown. */
  readonly focus?: number;
  /** Rows at most. Default 24. */
  readonly rows?: number;
}

/**
 * Offsets, bytes and text, sixteen to a row, with the cuts between reads as `|`; below a row the fields that it holds, each
 * under its letter:
 *
 *     00000000  00 00 00|05 68 65 6c 6c  6f                       ....hello
 *               aaaaaaaaaaa bbbbbbbbbbb  bb                       a length  b payload
 */
export function hexdump(bytes: Uint8Array, options: HexdumpOptions = {}): string[] {
  const { total = bytes.length, cuts = [], marks = [], focus = 0, rows: most = 24 } = options;
  const cutAt = new Set(cuts);
  const count = Math.ceil(bytes.length / WIDTH);
  const first = Math.max(0, Math.min(Math.floor(focus / WIDTH) - Math.floor(most / 2), count - most));
  const lines: string[] = [];
  if (first > 0) lines.push(`          … ${first * WIDTH} bytes before`);
  for (let row = first; row < Math.min(first + most, count); row++) {
    lines.push(...dumpRow(bytes, row * WIDTH, cutAt, marks));
  }
  const shown = Math.min((first + most) * WIDTH, bytes.length);
  if (total > shown) lines.push(`          … ${total - shown} bytes more`);
  if (cutAt.has(bytes.length) && total === bytes.length) lines.push("          | (empty reads at the end)");
  return lines;
}

function dumpRow(bytes: Uint8Array, from: number, cuts: ReadonlySet<number>, marks: readonly Mark[]): string[] {
  const to = Math.min(from + WIDTH, bytes.length);
  const letters = new Map<Mark, string>();
  let hex = "";
  let fields = "";
  let text = "";
  for (let at = from; at < from + WIDTH; at++) {
    const gap = at - from === WIDTH / 2 ? 2 : 1;
    const mark = at < to ? innermost(marks, at) : undefined;
    const letter = mark === undefined ? " " : letterOf(letters, mark);
    const joined = at > from && mark !== undefined && innermost(marks, at - 1) === mark ? letter : " ";
    if (at < to && cuts.has(at)) hex += gap === 2 ? " |" : "|";
    else hex += at === from ? " " : " ".repeat(gap);
    fields += at === from ? " " : joined.repeat(gap);
    const byte = bytes[at] ?? 0;
    hex += at < to ? byte.toString(16).padStart(2, "0") : "  ";
    fields += letter.repeat(2);
    if (at < to) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
  }
  const lines = [`${from.toString(16).padStart(8, "0")} ${hex}  ${text}`];
  if (letters.size > 0) {
    lines.push(`         ${fields}  ${[...letters].map(([{ field }, letter]) => `${letter} ${field}`).join("  ")}`);
  }
  return lines;
}

/** Of the marks that hold a byte, the shortest: a field before the frame around it. */
function innermost(marks: readonly Mark[], at: number): Mark | undefined {
  let best: Mark | undefined;
  for (const mark of marks) {
    if (mark.start > at || at >= mark.end) continue;
    if (best === undefined || mark.end - mark.start < best.end - best.start) best = mark;
  }
  return best;
}

function letterOf(letters: Map<Mark, string>, mark: Mark): string {
  const known = letters.get(mark);
  if (known !== undefined) return known;
  const letter = String.fromCharCode(0x61 + (letters.size % 26));
  letters.set(mark, letter);
  return letter;
}
