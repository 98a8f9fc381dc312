import { asStated, type Baseline, type BaselineEntry, executed, failed } from "./baseline.ts";
import { globMatcher } from "./glob.ts";
import type { Outcome } from "./verdict.ts";

export interface BaselineUpdate {
  readonly baseline: Baseline;
  readonly kept: number;
  readonly added: number;
  readonly removed: number;
}

/**
 * The baseline that a run calls for: entries that hold stay as they are, what fails without one gets one, and what holds no
 * more goes. A new entry has the reason of the old one that matched its cases, or an empty one, to be filled by its owner.
 * `outcomes` are those before the baseline was applied; `narrowed`: the run had a filter, so an entry without a case stays.
 */
export function updateBaseline(old: Baseline, outcomes: readonly Outcome[], narrowed: boolean): BaselineUpdate {
  const cases = outcomes.filter(executed);
  const covers = (entry: BaselineEntry) => {
    const matches = globMatcher(entry.pattern);
    return cases.filter(({ id }) => matches(id));
  };
  const flaky = old.flaky.filter((entry) => narrowed || covers(entry).length > 0);
  const shaky = new Set(flaky.flatMap(covers));
  const steady = cases.filter((outcome) => !shaky.has(outcome));
  const kept = old.entries.filter((entry) => {
    const matched = covers(entry);
    if (matched.length === 0) return narrowed;
    return matched.every((outcome) => asStated(entry, outcome) && !shaky.has(outcome));
  });
  const explained = new Set(kept.flatMap(covers));
  const added = entriesFor(steady, explained).map(({ pattern, verdict, first }): BaselineEntry => {
    const before = old.entries.find((entry) => globMatcher(entry.pattern)(first.id));
    const { reason = "", issue, expires } = before ?? {};
    return {
      pattern,
      verdict,
      reason,
      ...(issue !== undefined && { issue }),
      ...(expires !== undefined && { expires }),
    };
  });
  const removed = old.entries.length - kept.length + old.flaky.length - flaky.length;
  return {
    baseline: { entries: [...kept, ...added], flaky },
    kept: kept.length + flaky.length,
    added: added.length,
    removed,
  };
}

interface Found {
  readonly pattern: string;
  readonly verdict: "fail" | "crash" | "timeout";
  readonly first: Outcome;
}

/** The fewest patterns that name the unexplained failures and nothing else: a profile, a vector's sweeps, one sweep, a case. */
function entriesFor(cases: readonly Outcome[], explained: ReadonlySet<Outcome>): Found[] {
  const found: Found[] = [];
  const left = new Set(cases.filter((outcome) => failed(outcome) && !explained.has(outcome)));
  const tooBroad = new Set<string>();
  for (const first of left) {
    for (const pattern of patternsFor(first.id)) {
      if (tooBroad.has(pattern)) continue;
      const matches = globMatcher(pattern);
      const matched = pattern === first.id ? [first] : cases.filter(({ id }) => matches(id));
      if (!matched.every((other) => other.verdict === first.verdict && !explained.has(other))) {
        tooBroad.add(pattern);
        continue;
      }
      found.push({ pattern, verdict: first.verdict as Found["verdict"], first });
      for (const outcome of matched) left.delete(outcome);
      break;
    }
  }
  return found;
}

/** Patterns that match a case, the widest first; the last is its id. */
function patternsFor(id: string): string[] {
  const [, vector = id, sweep] = /^([^#]*)(?:#([^=]*))?/.exec(id) ?? [];
  const profile = vector.split("/", 1)[0] ?? vector;
  return [`${profile}/*`, ...(sweep === undefined ? [] : [`${vector}#*`, `${vector}#${sweep}=*`]), id];
}

/** The text of a baseline file. */
export function baselineText({ entries, flaky }: Baseline): string {
  return `${JSON.stringify({ entries, ...(flaky.length > 0 && { flaky }) }, null, 2)}\n`;
}
