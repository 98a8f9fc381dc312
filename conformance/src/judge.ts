import type { Case } from "./corpus/types.ts";
import { type Event, type Events, type Granularity, type Json, stageOf } from "./protocol.ts";

/** Where an answer first leaves the expectation. */
export interface Difference {
  /** Index of the step, and of the event in its list. */
  readonly step: number;
  readonly index: number;
  /** One sentence. */
  readonly problem: string;
}

/**
 * Compares the event lists step by step, exactly: an event in a later step than its own is late, and wrong.
 * r[iut.judge.exact] r[iut.judge.late] r[iut.event.moment]
 */
export function judge(expected: Events, actual: Events, granularity: Granularity): Difference | null {
  for (let step = 0; step < expected.length; step++) {
    const want = expected[step] ?? [];
    const got = actual[step] ?? [];
    const most = Math.max(want.length, got.length);
    for (let index = 0; index < most; index++) {
      if (sameEvent(want[index], got[index], granularity)) continue;
      return { step, index, problem: problemOf(expected, actual, step, index, granularity) };
    }
  }
  return null;
}

/** The same for a case: an answer that an alternative allows is as right as the expected one. */
export function judgeCase(
  { expected, alternatives = [] }: Pick<Case, "expected" | "alternatives">,
  actual: Events,
  granularity: Granularity,
): Difference | null {
  const difference = judge(expected, actual, granularity);
  const allowed =
    difference !== null && alternatives.some((other) => judge(other.expected, actual, granularity) === null);
  return allowed ? null : difference;
}

/** The reason of the alternative that a right answer is; undefined where it is the expected one. */
export function alternativeOf(
  { expected, alternatives = [] }: Pick<Case, "expected" | "alternatives">,
  actual: Events,
  granularity: Granularity,
): string | undefined {
  if (alternatives.length === 0 || judge(expected, actual, granularity) === null) return undefined;
  return alternatives.find((other) => judge(other.expected, actual, granularity) === null)?.reason;
}

function sameEvent(want: Event | undefined, got: Event | undefined, granularity: Granularity): boolean {
  if (want === undefined || got === undefined) return want === got;
  if (want.event === "error") {
    return (
      got.event === "error" &&
      want.at === got.at &&
      want.fatal === got.fatal &&
      sameClass(want.class, got.class, granularity)
    );
  }
  if (want.event === "memory") return got.event === "memory" && excess(want, got) === undefined;
  return sameJson(want as unknown as Json, got as unknown as Json);
}

type Memory = Extract<Event, { event: "memory" }>;

/** What is more than the expectation allows. r[iut.probe.memory.bound] r[iut.probe.memory.linear] */
function excess(most: Memory, got: Memory): string | undefined {
  if (BigInt(got.held) > BigInt(most.held)) return `${got.held} bytes are held, at most ${most.held} are allowed`;
  if (most.copied === undefined || got.copied === undefined || BigInt(got.copied) <= BigInt(most.copied))
    return undefined;
  return `${got.copied} bytes were copied, at most ${most.copied} are allowed`;
}

// r[iut.granularity.judged]
function sameClass(want: string | undefined, got: string | undefined, granularity: Granularity): boolean {
  if (want === undefined || granularity === "none") return true;
  return granularity === "class" ? want === got : stageOf(want) === got;
}

/** Deep equality; the order of an object's fields does not count. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameJson(a[i], b[i])) return false;
    return true;
  }
  const left = a as Readonly<Record<string, Json>>;
  const right = b as Readonly<Record<string, Json>>;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  for (const key of keys) if (!Object.hasOwn(right, key) || !sameJson(left[key], right[key])) return false;
  return true;
}

function problemOf(expected: Events, actual: Events, step: number, index: number, granularity: Granularity): string {
  const want = expected[step]?.[index];
  const got = actual[step]?.[index];
  if (want !== undefined) {
    const later = actual.findIndex(
      (list, at) => at > step && list.some((event) => sameEvent(want, event, granularity)),
    );
    if (later !== -1 && (got === undefined || !sameEvent(want, got, granularity))) {
      return `${nameOf(want)} belongs to step ${step} and was reported late, in step ${later}`;
    }
  }
  if (got === undefined) return `${nameOf(want)} is missing in step ${step}`;
  if (want === undefined) return `${nameOf(got)} in step ${step} should not be there`;
  if (want.event !== got.event) return `step ${step} should give ${nameOf(want)}; it gave ${nameOf(got)}`;
  if (want.event === "error" && got.event === "error") {
    if (!sameClass(want.class, got.class, granularity)) {
      return `step ${step} should give ${nameOf(want)}; it gave ${nameOf(got)}`;
    }
    if (want.at !== got.at) return `${nameOf(want)} is at ${want.at}; it was reported at ${got.at}`;
    return `${nameOf(want)} should have fatal ${want.fatal}; it was ${got.fatal}`;
  }
  if (want.event === "memory" && got.event === "memory") return `in step ${step} ${excess(want, got)}`;
  return `${nameOf(want)} in step ${step} has other content than expected`;
}

function nameOf(event: Event | undefined): string {
  switch (event?.event) {
    case undefined:
      return "no event";
    case "error":
      return event.class === undefined ? "an error" : `the error ${event.class}`;
    case "end":
      return "a clean end";
    case "message":
      return "a message";
    case "expired":
      return "a deadline that passes";
    case "memory":
      return "a memory report";
    default:
      return "bytes";
  }
}
