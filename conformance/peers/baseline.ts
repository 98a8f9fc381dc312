import type { Baseline, BaselineEntry } from "../src/baseline.ts";
import { globMatcher } from "../src/glob.ts";
import type { Event } from "../src/protocol.ts";
import type { Outcome } from "../src/verdict.ts";
import type { Difference } from "./peer.ts";

const FAILED = { fail: "fail", crash: "crash", timeout: "timeout" } as const;

/** How a case failed, in the words of `peer.json`. */
export function wordsOf({ verdict, case: about, actual, difference }: Outcome): { want: string; got: string } {
  if (difference === undefined) return { want: "*", got: verdict === "fail" ? "errored" : verdict };
  const { step, index } = difference;
  const wanted = about?.expected[step]?.[index];
  const came = actual?.[step]?.[index];
  const later = [...(about?.expected[step]?.slice(index + 1) ?? []), ...(about?.expected.slice(step + 1).flat() ?? [])];
  const early = came?.event === "message" && later.some((event) => Bun.deepEquals(event, came));
  return { want: isEmpty(wanted) ? "empty message" : wordOf(wanted), got: early ? "later message" : wordOf(came) };
}

function wordOf(event: Event | undefined): string {
  if (event === undefined) return "nothing";
  return event.event === "error" ? (event.class ?? "error") : event.event;
}

const isEmpty = (event: Event | undefined) =>
  event?.event === "message" && Bun.deepEquals((event.value as { readonly payload?: unknown }).payload, "");

/** A known failure with the verdict that it has without its baseline. */
function asItWas(outcome: Outcome, { entries }: Pick<Baseline, "entries">): Outcome {
  if (outcome.verdict !== "known-fail") return outcome;
  const entry = entries.find(({ pattern, reason }) => reason === outcome.text && globMatcher(pattern)(outcome.id));
  return { ...outcome, verdict: entry?.verdict ?? "fail" };
}

/**
 * What is wrong with a run that its baseline calls known, one sentence each: an entry says that a case fails, and `peer.json` how. A
 * case that begins to fail in another way is a new failure.
 */
export function strangers(
  outcomes: readonly Outcome[],
  baseline: Baseline,
  differences: readonly Difference[],
): string[] {
  const faults: string[] = [];
  const unused = new Set(differences);
  for (const outcome of outcomes) {
    const failure = asItWas(outcome, baseline);
    if (!(failure.verdict in FAILED)) continue;
    const difference = explain(failure, differences);
    if (difference === undefined) {
      const { want, got } = wordsOf(failure);
      faults.push(`peer.json does not explain ${outcome.id}: expected ${want}, got ${got}`);
      continue;
    }
    unused.delete(difference);
    if (outcome.verdict === "known-fail" && difference.reason !== outcome.text)
      faults.push(`${outcome.id} fails by "${difference.reason}", and its entry says "${outcome.text}"`);
  }
  return [...faults, ...[...unused].map(({ want, got }) => `nothing any more is explained by ${want} and ${got}`)];
}

/** The known difference that explains a failed case. */
function explain(outcome: Outcome, differences: readonly Difference[]): Difference | undefined {
  const { want, got } = wordsOf(outcome);
  const fits = (pattern: string, word: string) => word === "*" || globMatcher(pattern)(word);
  return differences.find(
    (known) =>
      fits(known.want, want) && fits(known.got, got) && (known.cases === undefined || fits(known.cases, outcome.id)),
  );
}

export interface Draft {
  readonly entries: readonly BaselineEntry[];
  /** Failed cases that no difference of `peer.json` explains. */
  readonly unexplained: readonly Outcome[];
  /** Differences that explained nothing. */
  readonly unused: readonly Difference[];
}

/**
 * The baseline that a run would have passed with. Patterns are as wide as they can be without touching a case that passes, or
 * that fails in another way or for another reason; the widest come first.
 */
export function draftBaseline(outcomes: readonly Outcome[], differences: readonly Difference[]): Draft {
  const unexplained: Outcome[] = [];
  const used = new Set<Difference>();
  const kinds = new Map<string, { entry: Omit<BaselineEntry, "pattern">; ids: Set<string> }>();
  const judged: string[] = [];
  for (const outcome of outcomes) {
    const { id, verdict } = outcome;
    if (verdict === "declined" || verdict === "not applicable") continue;
    judged.push(id);
    if (!(verdict in FAILED)) continue;
    const difference = explain(outcome, differences);
    if (difference === undefined) {
      unexplained.push(outcome);
      continue;
    }
    used.add(difference);
    const { reason } = difference;
    const entry = verdict === "fail" ? { reason } : { verdict: FAILED[verdict as keyof typeof FAILED], reason };
    const key = JSON.stringify(entry);
    const kind = kinds.get(key) ?? { entry, ids: new Set<string>() };
    kinds.set(key, kind);
    kind.ids.add(id);
  }
  const entries = [...kinds.values()].flatMap(({ entry, ids }) =>
    cover(ids, judged).map((pattern) => ({ pattern, ...entry })),
  );
  return { entries, unexplained, unused: differences.filter((difference) => !used.has(difference)) };
}

/** Patterns that match every id of `wanted`, and of `judged` nothing else. */
function cover(wanted: ReadonlySet<string>, judged: readonly string[]): string[] {
  const safe = new Map<string, readonly string[]>();
  for (const id of wanted) {
    for (const pattern of candidates(id)) {
      if (safe.has(pattern)) continue;
      const matched = judged.filter(globMatcher(pattern));
      safe.set(pattern, matched.every((other) => wanted.has(other)) ? matched : []);
    }
  }
  const widest = [...safe].sort(([, a], [, b]) => b.length - a.length);
  const left = new Set(wanted);
  const patterns: string[] = [];
  for (const [pattern, matched] of widest) {
    if (!matched.some((id) => left.has(id))) continue;
    for (const id of matched) left.delete(id);
    patterns.push(pattern);
  }
  return patterns;
}

/** Ever narrower patterns for an id, `profile/vector#sweep=parameters`. */
function candidates(id: string): string[] {
  const [vector = id, sweep] = id.split("#", 2);
  const profile = vector.slice(0, vector.lastIndexOf("/"));
  const words = vector.slice(profile.length + 1).split("-");
  const stems = words.slice(1).map((_, at) => `${profile}/${words.slice(0, at + 1).join("-")}-*`);
  const wide = [`${profile}/*`, ...stems, `${vector}*`];
  if (sweep === undefined) return [...wide, id];
  const kind = sweep.split("=", 1)[0];
  const tails = [`#${sweep}`, `#${kind}=*`, "#*"];
  const named = tails.flatMap((tail) => [`${profile}/*${tail}`, ...stems.map((stem) => stem + tail), vector + tail]);
  return [...wide, ...named, id];
}
