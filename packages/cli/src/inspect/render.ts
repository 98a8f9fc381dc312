import type { Paint } from "@tensorwire/conformance/paint";
import { toJson } from "../output.ts";
import type { Field } from "./fields.ts";
import type { InspectReport } from "./inspect.ts";

const PER_LINE = 16;
/** Lines of a long payload that are shown before it is shortened. */
const SHORT = 4;

/** One line for each field, or several for a long one: offset, bytes, text, name and value. */
export function renderText(report: InspectReport, { all, paint }: { all: boolean; paint: Paint }): string {
  const { bytes, fields, messages, error } = report;
  const lines = [paint.bold(`${report.profile}, ${bytes.length} bytes`), ""];
  for (const field of fields) lines.push(...fieldLines(bytes, field, all, paint));
  for (const [i, message] of messages.entries()) {
    lines.push("", paint.bold(`message ${i}`), JSON.stringify(message, toJson, 2));
  }
  lines.push("", error === null ? paint.good("clean end") : paint.bad(error.message));
  return lines.join("\n");
}

function fieldLines(bytes: Uint8Array, { start, end, field, value }: Field, all: boolean, paint: Paint): string[] {
  const name = value === undefined ? paint.name(field) : `${paint.name(field)} = ${value}`;
  if (start === end) return [line(start, new Uint8Array(0), `${name} (empty)`, paint)];
  const count = Math.ceil((end - start) / PER_LINE);
  const shown = all || count <= SHORT + 1 ? count : SHORT;
  const lines = Array.from({ length: shown }, (_, i) => {
    const from = start + i * PER_LINE;
    const row = bytes.subarray(from, Math.min(end, from + PER_LINE));
    return line(from, row, i > 0 ? "" : value === undefined ? `${name} (${end - start} bytes)` : name, paint);
  });
  if (shown < count) lines.push(paint.dim(`          … ${end - start - shown * PER_LINE} bytes more`));
  return lines;
}

function line(offset: number, row: Uint8Array, note: string, paint: Paint): string {
  const hex = Buffer.from(row)
    .toString("hex")
    .replaceAll(/../g, "$& ")
    .padEnd(PER_LINE * 3);
  const text = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
  return `${paint.dim(offset.toString(16).padStart(8, "0"))}  ${hex} ${text.padEnd(PER_LINE)}  ${note}`.trimEnd();
}
