import type { Case } from "../corpus/types.ts";
import type { Event, Events, Step } from "../protocol.ts";
import { hexdump } from "./hexdump.ts";
import type { Paint } from "./paint.ts";
import type { FailureGroup, Report } from "./report.ts";
import { type Stream, streamOf } from "./stream.ts";

const STEPS = 12;

/** Everything that one needs to mend a failure, on a page: what, why, the bytes, both event lists, how to repeat it. */
export function failurePage({ first, more }: FailureGroup, report: Report, paint: Paint): string[] {
  const { id, verdict, case: about, difference, text, actual, record } = first;
  const others = more === 0 ? "" : paint.dim(`  and ${more} more of this vector`);
  const lines = [`${paint.bad(verdict)}  ${paint.bold(id)}${others}`];
  const item = (name: string, value: string) => lines.push(`  ${name.padEnd(8)} ${value}`);
  if (about !== undefined) {
    item("why", about.why);
    item("rules", about.rules.map((rule) => `r[${rule}]`).join(" ") || "none");
    if (about.sibling !== undefined) item("sibling", `${about.sibling} differs in one point and is accepted`);
  }
  if (difference !== undefined) item("problem", paint.bad(difference.problem));
  if (text !== undefined && text !== "") item(verdict === "fixed" ? "baseline" : "said", text);
  if (about !== undefined) lines.push(...evidence(about, first.difference?.step, actual, paint));
  if (record !== undefined && record.length > 0) {
    item("link", "its last lines");
    lines.push(...record.map((line) => `    ${line}`));
  }
  item("repeat", `${report.command} --filter ${quote(id)} --seed ${report.seed}`);
  return lines;
}

function evidence(about: Case, step: number | undefined, actual: Events | undefined, paint: Paint): string[] {
  const lines: string[] = [];
  const limits = Object.entries(about.limits).map(([name, value]) => `${name} ${value}`);
  const under = limits.length === 0 ? "" : `, under ${limits.join(", ")}`;
  const stream = streamOf(about);
  if (stream.total > 0) {
    lines.push(`  stream   ${bytes(stream.total)} in ${reads(about)}${under}`);
    const focus = step === undefined ? 0 : (stream.ends[step] ?? 0);
    lines.push(...hexdump(stream.bytes, { ...stream, marks: about.marks, focus }).map((line) => `    ${line}`));
  } else {
    lines.push(`  ${about.role.padEnd(8)} ${about.profile}${under}`);
    const whole = about.expected.flat().find((event) => event.event === "bytes");
    if (whole !== undefined && "hex" in whole) {
      lines.push("  expected bytes");
      lines.push(...hexdump(Buffer.from(whole.hex, "hex"), { marks: about.marks }).map((line) => `    ${line}`));
    }
  }
  lines.push(...comparison(about, stream, step, actual, paint));
  if (step !== undefined) lines.push(`  good to  ${lastGood(about, stream, step)}`);
  return lines;
}

/** A row for each step, those around the difference: what was sent, what had to come, what came. */
function comparison(
  about: Case,
  stream: Stream,
  step: number | undefined,
  actual: Events | undefined,
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
    const want = describe(about.expected[at]);
    const got = actual === undefined ? "no answer" : describe(actual[at]);
    if (want === got) {
      lines.push(paint.dim(`      agreed    ${want}`));
    } else {
      lines.push(paint.good(`      expected  ${want}`), paint.bad(`      actual    ${got}`));
    }
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

const bytes = (count: number) => (count === 1 ? "1 byte" : `${count} bytes`);

function reads({ steps }: Case): string {
  const count = steps.filter((step) => "feed" in step || "feed_fill" in step).length;
  return count === 1 ? "1 read" : `${count} reads`;
}

function describeStep(step: Step): string {
  if ("feed" in step) return step.feed === "" ? "empty read" : `read of ${bytes(step.feed.length / 2)}`;
  if ("feed_fill" in step) {
    return `read of ${bytes(step.feed_fill.count)}, all ${step.feed_fill.byte.toString(16).padStart(2, "0")}`;
  }
  if ("encode" in step) return `encode ${shorten(JSON.stringify(step.encode))}`;
  return "eof" in step ? "end of the stream" : "a new connection";
}

function describe(events: readonly Event[] | undefined): string {
  if (events === undefined || events.length === 0) return "no event";
  return events.map(describeEvent).join("; ");
}

function describeEvent(event: Event): string {
  switch (event.event) {
    case "end":
      return "end";
    case "message":
      return `message ${shorten(JSON.stringify(event.value))}`;
    case "error": {
      const text = event.text === undefined ? "" : ` (${event.text})`;
      return `error ${event.class ?? "of no class"} at ${event.at}, ${event.fatal ? "fatal" : "not fatal"}${text}`;
    }
    default:
      return "hex" in event ? `bytes ${shorten(event.hex)}` : `${event.length} bytes, sha256 ${event.sha256}`;
  }
}

const shorten = (text: string) => (text.length > 160 ? `${text.slice(0, 120)}…${text.slice(-32)}` : text);

/** For a POSIX shell. */
export const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
