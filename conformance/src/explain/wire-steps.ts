import type { FakeRank, Over, OverStep, RankStep, WireBytes, WireScenario } from "../corpus/wire-file.ts";
import { countBytes, describeEvents } from "../report/describe.ts";
import { isDecoded, type WireEvent } from "../wire/protocol.ts";

const SHORT = 24;

/** A step of a scenario in words: who does what on which connection. What has no words here is shown as it is written. */
export function describeWireStep(step: object, ofRanks = false): string {
  if ("conn" in step) return `${step.conn}  ${inWords(step as OnConnection, ofRanks)}`;
  if (!("group" in step && "send" in step)) return inShort(JSON.stringify(step));
  const { group, send, events } = step as Extract<RankStep, { readonly group: string }>;
  const told = events === undefined ? "" : `, and says ${eventsText(events)}`;
  return `${group}  the implementation is asked to broadcast ${inShort(JSON.stringify(send))}${told}`;
}

type OnConnection = Extract<RankStep, { readonly conn: string }>;

/** A rank that the harness plays, and what the implementation is to it. */
export function describeRank({ conn, role, rank, group, identity, limits }: FakeRank): string {
  const who = role === "tp-leader" || role === "pp-driver" ? "which dials" : "which listens";
  const more = Object.entries({ group, ...limits }).flatMap(([name, value]) => (value ? [`, ${name} ${value}`] : []));
  const greeting =
    identity === undefined ? "" : `, with a handshake as ${identity.role} ${identity.rank} of ${identity.job}`;
  return `${conn}  rank ${rank}, to the implementation as ${role}, ${who}${more.join("")}${greeting}`;
}

const ENDS: Readonly<Record<Over, string>> = {
  end: "ends its direction in order, and sends nothing more",
  close: "ends its direction or resets, and sends nothing more",
  shutdown: "sends SHUTDOWN and ends its direction",
  released: "sends SHUTDOWN and ends its direction, or resets",
  cut: "ends the connection anywhere, with no SHUTDOWN behind a cut",
};

function overText({ over, may = [] }: OverStep): string {
  const before = may.length === 0 ? "" : `; before that it may send ${may.map(bytesText).join(", then ")}`;
  return `the implementation ${ENDS[over]}${before}`;
}

function inWords(step: OnConnection, ofRanks: boolean): string {
  // r[iut.rank.sync]
  if (ofRanks && "sync" in step && step.sync === "end") {
    return `the connection is over for the implementation, which says ${eventsText(step.events)}`;
  }
  if ("over" in step) return overText(step);
  if ("quiet" in step) return "nothing more has come, though the implementation has had its turn";
  if ("error_result" in step) return `the implementation sends an error result of call ${step.error_result.call_id}`;
  if ("write" in step) {
    const bite = step.bite === undefined ? "" : `, ${countBytes(step.bite)} at a time, with a barrier between`;
    return `the harness writes ${bytesText(step.write)}${bite}`;
  }
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

const TOLD = new Set([
  "id",
  "rules",
  "level",
  "why",
  "opened_by",
  "over",
  "replay",
  "interleave",
  "limits",
  "steps",
  "ranks",
]);

function bytesText(bytes: WireBytes): string {
  if (typeof bytes === "string") return `${countBytes(bytes.length / 2)} ${inShort(bytes)}`;
  if ("parts" in bytes) return bytes.parts.map(bytesText).join(" and ");
  return `${countBytes(bytes.fill.count)}, all ${bytes.fill.byte.toString(16).padStart(2, "0")}`;
}

function eventsText(events: readonly WireEvent[], repeat = 1): string {
  const told = events.length === 0 ? describeEvents([]) : events.map(eventText).join(", then ");
  return repeat === 1 ? told : `${repeat} times ${told}`;
}

function eventText(event: WireEvent): string {
  if (isDecoded(event)) return describeEvents([event]);
  if (event.event === "reset") return `that it saw a reset at ${event.at}`;
  if (event.event === "dropped") return `that it dropped a result of call ${event.call_id} as ${event.reason}`;
  const calls = event.calls.length === 0 ? "no call" : `call ${event.calls.join(", ")}`;
  return `that the rank is lost with ${calls}`;
}

const inShort = (text: string) => (text.length > 4 * SHORT ? `${text.slice(0, 3 * SHORT)}…` : text);
