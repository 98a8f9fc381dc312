import type { WireBytes, WireScenario, WireStep } from "../corpus/wire-file.ts";
import type { Event } from "../protocol.ts";
import { countBytes, describeEvents } from "../report/describe.ts";
import type { WireEvent } from "../wire/protocol.ts";

const SHORT = 24;

/** A step of a scenario in words: who does what on which connection. What has no words here is shown as it is written. */
export function describeWireStep(step: object): string {
  if (!("conn" in step)) return inShort(JSON.stringify(step));
  return `${step.conn}  ${inWords(step as WireStep)}`;
}

function inWords(step: WireStep): string {
  if ("write" in step) return `the harness writes ${bytesText(step.write)}`;
  if ("flood" in step) {
    return `the harness writes ${bytesText(step.flood)}, ${step.count} times, until no more is taken: it must come to that`;
  }
  if ("finish" in step) return "the harness writes what is left of the flood";
  if ("sync" in step) {
    const until = step.sync === "end" ? "read all and seen the end of the stream" : "read all that was written";
    return `the implementation has ${until}, and says ${eventsText(step.events, step.repeat)}`;
  }
  if ("send" in step) {
    const times = step.count === undefined ? "" : `, ${step.count} times`;
    const blocks = step.blocks === true ? "; it must stop before the last, with a bounded number of bytes in hand" : "";
    const told = step.events === undefined ? "" : `, and says ${eventsText(step.events)}`;
    return `the implementation is asked to send ${inShort(JSON.stringify(step.send))}${times}${blocks}${told}`;
  }
  if ("receive" in step) {
    const times = step.count === undefined ? "" : `, ${step.count} times`;
    const bite = step.bite === undefined ? "" : `; the harness reads ${countBytes(step.bite)} at a time`;
    return `the implementation sends ${bytesText(step.receive)}${times}${bite}`;
  }
  if ("close" in step) return `the implementation is asked to ${step.close === "end" ? "end its direction" : "reset"}`;
  if ("sees" in step) return `the harness sees ${SEEN[step.sees]}`;
  if ("pause" in step) return "the implementation is asked to take nothing";
  if ("resume" in step) return "the implementation is asked to take again";
  if ("end" in step) return "the harness ends its direction";
  if ("reset" in step) return "the harness resets the connection";
  if ("stall" in step) return "the harness stops reading";
  return inShort(JSON.stringify(step));
}

const SEEN = { end: "the end of the implementation's direction", reset: "a reset", close: "an end or a reset" };

/** Fields of a scenario that no other line tells of, as they are written. */
export function otherFields(scenario: WireScenario): [string, string][] {
  return Object.entries(scenario).flatMap(([name, value]): [string, string][] =>
    TOLD.has(name) ? [] : [[name, typeof value === "string" ? value : inShort(JSON.stringify(value))]],
  );
}

const TOLD = new Set(["id", "rules", "level", "why", "opened_by", "over", "replay", "interleave", "limits", "steps"]);

function bytesText(bytes: WireBytes): string {
  if (typeof bytes === "string") return `${countBytes(bytes.length / 2)} ${inShort(bytes)}`;
  if ("parts" in bytes) return bytes.parts.map(bytesText).join(" and ");
  return `${countBytes(bytes.fill.count)}, all ${bytes.fill.byte.toString(16).padStart(2, "0")}`;
}

function eventsText(events: readonly WireEvent[], repeat = 1): string {
  const [first] = events;
  const told =
    first?.event === "reset" && events.length === 1
      ? `that it saw a reset at ${first.at}`
      : describeEvents(events as readonly Event[]);
  return repeat === 1 ? told : `${repeat} times ${told}`;
}

const inShort = (text: string) => (text.length > 4 * SHORT ? `${text.slice(0, 3 * SHORT)}…` : text);
