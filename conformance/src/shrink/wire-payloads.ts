import type { ProfileFile } from "../corpus/vector-file.ts";
import type { RankStep, WireBytes } from "../corpus/wire-file.ts";
import type { Json } from "../protocol.ts";
import type { WireEvent } from "../wire/protocol.ts";
import { bigEndian, isFramed, widthOf } from "./frames.ts";
import { changedSteps, eventsOf, type OfSteps } from "./wire-steps.ts";

/** Messages less in what is written and told of; shorter payloads wherever the scenario has them, in what is sent and received too. */
export function* shorterPayloads(scenario: OfSteps, profile: Pick<ProfileFile, "fields">): Iterable<OfSteps> {
  if (!isFramed(profile)) return;
  const width = widthOf(profile);
  const frame = (payload: string) => bigEndian(BigInt(payload.length / 2), width).toHex() + payload;
  const values = scenario.steps.flatMap((step) => [
    ...("send" in step ? [step.send] : []),
    ...(eventsOf(step) ?? []).flatMap((event) => (event.event === "message" ? [event.value] : [])),
  ]);
  const changed = (swap: Swap) =>
    changedSteps(
      scenario,
      scenario.steps.map((step) => swapped(step, swap)),
    );
  const lead = Object.keys(profile.fields).length === 3 ? 2 : 0;
  for (const payload of new Set(values.map(payloadIn).filter((one) => one !== undefined))) {
    const from = frame(payload);
    yield changed({ payload, from, to: "", lead });
    const half = payload.slice(0, 2 * (payload.length >> 2));
    for (const shorter of new Set(["", payload.slice(0, 2), half])) {
      if (shorter.length < payload.length) yield changed({ payload, shorter, from, to: frame(shorter), lead: 0 });
    }
  }
}

interface Swap {
  readonly payload: string;
  /** Undefined: the message is left out. */
  readonly shorter?: string;
  readonly from: string;
  readonly to: string;
  /** Digits of hex that stand before the length and are left out too. */
  readonly lead: number;
}

function payloadIn(value: Json): string | undefined {
  const { payload } = value as { readonly payload?: Json };
  return typeof payload === "string" ? payload : undefined;
}

function swapped(step: RankStep, swap: Swap): RankStep {
  const events = eventsOf(step);
  if (events !== undefined)
    return { ...step, events: events.flatMap((event) => swappedEvent(event, swap)) } as RankStep;
  if ("write" in step) return { ...step, write: swappedBytes(step.write, swap) };
  if ("receive" in step && swap.shorter !== undefined) return { ...step, receive: swappedBytes(step.receive, swap) };
  return "send" in step ? ({ ...step, send: swappedValue(step.send, swap) } as RankStep) : step;
}

function swappedEvent(event: WireEvent, swap: Swap): WireEvent[] {
  if (event.event !== "message") return [event];
  if (swap.shorter === undefined && payloadIn(event.value) === swap.payload) return [];
  return [{ ...event, value: swappedValue(event.value, swap) }];
}

const swappedValue = (value: Json, { payload, shorter }: Swap): Json =>
  shorter !== undefined && payloadIn(value) === payload ? { ...(value as object), payload: shorter } : value;

/** Frames at whole bytes alone: hex has other places too. */
function swappedBytes(bytes: WireBytes, { from, to, lead }: Swap): WireBytes {
  if (typeof bytes !== "string") return bytes;
  let out = "";
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.startsWith(from, at + lead);
    out += found ? to : bytes.slice(at, at + 2);
    at += found ? lead + from.length : 2;
  }
  return out;
}
