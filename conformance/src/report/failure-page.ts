import type { Case } from "../corpus/types.ts";
import { type Difference, judge } from "../judge.ts";
import type { Event, Events, Granularity } from "../protocol.ts";
import type { Outcome } from "../verdict.ts";
import { countBytes, describeDifference, describeEvents, describeStep } from "./describe.ts";
import { omittedText, repeatOf } from "./failure.ts";
import { hexdump } from "./hexdump.ts";
import type { Paint } from "./paint.ts";
import type { FailureGroup, Report } from "./report.ts";
import { type Stream, streamOf } from "./stream.ts";

const STEPS = 12;

/** Everything that one needs to mend a failure, on a page: what, why, the bytes, both event lists, how to repeat it. */
export function failurePage({ first, more }: FailureGroup, report: Report, paint: Paint): string[] {
  const { id, verdict, case: about, omitted, difference, text, timeline, record } = first;
  const others = more === 0 ? "" : paint.dim(`  and ${more} more of this vector`);
  const lines = [`${paint.bad(verdict)}  ${paint.bold(id)}${others}`];
  const item = (name: string, value: string) => lines.push(`  ${name.padEnd(8)} ${value}`);
  if (about !== undefined) {
    item("why", about.why);
    item("rules", about.rules.map((rule) => `r[${rule}]`).join(" ") || "none");
    if (about.sibling !== undefined) item("sibling", `${about.sibling} is its accepted neighbour`);
    for (const { reason } of about.alternatives ?? []) item("allowed", `another outcome too: ${reason}`);
  }
  if (difference !== undefined) item("problem", paint.bad(difference.problem));
  if (text !== undefined && text !== "") item(verdict === "fixed" ? "baseline" : "said", text);
  if (about !== undefined) lines.push(...evidence(about, first, report.granularity, paint));
  if (omitted !== undefined) item("omitted", omittedText(omitted));
  if (timeline !== undefined && timeline.length > 0) {
    item("timeline", "of the connections, by name");
    lines.push(...timeline.map((line) => `    ${line}`));
  }
  if (record !== undefined && record.length > 0) {
    item("link", "its last lines");
    lines.push(...record.map((line) => `    ${line}`));
  }
  item("repeat", repeatOf(report, id));
  return lines;
}

function evidence(about: Case, { difference, actual }: Outcome, granularity: Granularity, paint: Paint): string[] {
  const lines: string[] = [];
  const limits = Object.entries(about.limits).map(([name, value]) => `${name} ${value}`);
  const under = limits.length === 0 ? "" : `, under ${limits.join(", ")}`;
  const stream = streamOf(about);
  const beside = stream.connections > 1 ? ` of ${stream.connections} connections, one behind the other` : "";
  const step = difference?.step;
  if (stream.total > 0) {
    lines.push(`  stream   ${countBytes(stream.total)} in ${reads(about)}${beside}${under}`);
    const focus = step === undefined ? 0 : (stream.ends[step] ?? 0);
    lines.push(...indent(hexdump(stream.bytes, { ...stream, marks: about.marks, focus })));
  } else if (about.steps.length > 0) {
    lines.push(`  ${about.role.padEnd(8)} ${about.profile}${under}`);
    if (difference !== undefined) lines.push(...encodedBytes(about, difference, actual));
  }
  lines.push(...comparison(about, stream, step, actual, granularity, paint));
  if (step !== undefined) lines.push(`  good to  ${lastGood(about, stream, step)}`);
  return lines;
}

const indent = (lines: readonly string[]) => lines.map((line) => `    ${line}`);

/** Where an encoder gave other bytes: both, around the first that differs. */
function encodedBytes(about: Case, { step, index }: Difference, actual: Events | undefined): string[] {
  const want = hexOf(about.expected[step]?.[index]);
  const got = hexOf(actual?.[step]?.[index]);
  if (want === undefined) return [];
  const lines = ["  expected bytes", ...indent(hexdump(want, { marks: about.marks, rows: 8 }))];
  if (got === undefined) return lines;
  const differs = want.findIndex((byte, at) => byte !== got[at]);
  const focus = differs === -1 ? want.length : differs;
  return [
    `  expected ${countBytes(want.length)}`,
    ...indent(hexdump(want, { marks: about.marks, rows: 8, focus })),
    `  actual   ${countBytes(got.length)}, the first difference at byte ${focus}`,
    ...indent(hexdump(got, { rows: 8, focus })),
  ];
}

function hexOf(event: Event | undefined): Buffer | undefined {
  return event?.event === "bytes" && "hex" in event ? Buffer.from(event.hex, "hex") : undefined;
}

/** A row for each step, those around the difference: what was sent, what had to come, what came. */
function comparison(
  about: Case,
  stream: Stream,
  step: number | undefined,
  actual: Events | undefined,
  granularity: Granularity,
  paint: Paint,
): string[] {
  const lines: string[] = [];
  const centre = step ?? 0;
  const from = Math.max(0, Math.min(centre - STEPS / 2, about.steps.length - STEPS));
  const to = Math.min(about.steps.length, from + STEPS);
  if (from > 0) lines.push(`    … ${from} steps before`);
  for (let at = from; at < to; at++) {
    const sent = about.steps[at];
    if (sent === undefined) continue;
    const here = at === step;
    const position = stream.total === 0 ? "" : ` → ${stream.ends[at] ?? 0}`;
    const line = `    step ${String(at).padEnd(3)} ${describeStep(sent)}${position}`;
    lines.push(here ? paint.bold(`${line}   ◀`) : line);
    const want = about.expected[at] ?? [];
    const got = actual?.[at] ?? [];
    if (actual !== undefined && judge([want], [got], granularity) === null) {
      lines.push(paint.dim(`      agreed    ${describeEvents(want)}`));
      continue;
    }
    const [expected, came] = actual === undefined ? [describeEvents(want), "no answer"] : describeDifference(want, got);
    lines.push(paint.good(`      expected  ${expected}`), paint.bad(`      actual    ${came}`));
  }
  if (to < about.steps.length) lines.push(`    … ${about.steps.length - to} steps more`);
  return lines;
}

function lastGood(about: Case, stream: Stream, step: number): string {
  if (step === 0) return "nothing: the first step already differs";
  const events = about.expected.slice(0, step).reduce((sum, list) => sum + list.length, 0);
  const where = stream.total === 0 ? "" : `, byte ${stream.ends[step - 1] ?? 0} of the stream`;
  return `step ${step - 1}${where}: ${events === 1 ? "1 event" : `${events} events`} agreed until there`;
}

function reads({ steps }: Case): string {
  const count = steps.filter((step) => "feed" in step || "feed_fill" in step).length;
  return count === 1 ? "1 read" : `${count} reads`;
}
