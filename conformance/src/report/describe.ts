import type { Event, IutName, ProbeStep, Step } from "../protocol.ts";

export const countBytes = (count: number) => (count === 1 ? "1 byte" : `${count} bytes`);

/** A commit as people name it. */
const SHORT = 12;

export const iutName = ({ name, version, commit = "", language }: IutName) =>
  [name, version, commit.slice(0, SHORT), `(${language})`].filter(Boolean).join(" ");

/** A step in a few words. */
export function describeStep(step: Step): string {
  if ("feed" in step) return step.feed === "" ? "empty read" : `read of ${countBytes(step.feed.length / 2)}`;
  if ("feed_fill" in step) {
    return `read of ${countBytes(step.feed_fill.count)}, all ${step.feed_fill.byte.toString(16).padStart(2, "0")}`;
  }
  if ("encode" in step) return `encode ${shorten(JSON.stringify(step.encode))}`;
  if ("eof" in step) return "end of the stream";
  return "reset" in step ? "a new connection" : describeProbe(step);
}

function describeProbe(step: ProbeStep): string {
  if ("poison" in step) return "from here on chunks are overwritten after each read";
  if ("recall" in step) return "all chunks and messages once more";
  if ("quota" in step) return `from here on the sink takes ${countBytes(step.quota)}, then none`;
  if ("drain" in step) return "the sink takes as much again";
  if ("cancel" in step) return "the pending read is cancelled, and begun again";
  if ("deadline" in step) return `from here on a message has ${step.deadline} ms`;
  if ("advance" in step) return `the clock moves on by ${step.advance} ms`;
  if ("trickle" in step) return `${step.trickle.count} reads of 1 byte`;
  if ("on" in step) return `connection ${step.on} from here on`;
  return "memory report";
}

/** A list of events on one line. */
export const describeEvents = (events: readonly Event[] | undefined) => shorten(inFull(events));

/** Two lists that differ, each cut so that the place where they first do is to be seen. */
export function describeDifference(
  want: readonly Event[] | undefined,
  got: readonly Event[] | undefined,
): [string, string] {
  const left = inFull(want);
  const right = inFull(got);
  let same = 0;
  while (same < left.length && left[same] === right[same]) same++;
  return [shorten(left, same), shorten(right, same)];
}

function inFull(events: readonly Event[] | undefined): string {
  if (events === undefined || events.length === 0) return "no event";
  return events.map(describeEvent).join("; ");
}

function describeEvent(event: Event): string {
  switch (event.event) {
    case "end":
      return "end";
    case "message":
      return `message ${JSON.stringify(event.value)}`;
    case "error": {
      const text = event.text === undefined ? "" : ` (${event.text})`;
      return `error ${event.class ?? "of no class"} at ${event.at}, ${event.fatal ? "fatal" : "not fatal"}${text}`;
    }
    case "expired":
      return `deadline passed at ${event.at}`;
    case "memory":
      return `${event.held} bytes held${event.copied === undefined ? "" : `, ${event.copied} copied`}`;
    default:
      return "hex" in event ? `bytes ${event.hex}` : `${event.length} bytes, sha256 ${event.sha256}`;
  }
}

const WIDTH = 160;

function shorten(text: string, around = 0): string {
  if (text.length <= WIDTH) return text;
  const from = around < WIDTH - 40 ? 0 : Math.min(around - WIDTH / 2, text.length - WIDTH);
  const rest = text.length - from - WIDTH;
  return `${from > 0 ? "…" : ""}${text.slice(from, from + WIDTH)}${rest > 0 ? `… (${rest} more)` : ""}`;
}
