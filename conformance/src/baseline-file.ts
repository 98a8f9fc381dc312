import { existsSync } from "node:fs";
import { type Baseline, readBaseline } from "./baseline.ts";
import { baselineText, updateBaseline } from "./baseline-update.ts";
import { type ConformanceOptions, UsageError } from "./options.ts";
import { save } from "./report/write.ts";
import type { Outcome } from "./verdict.ts";

export const NO_BASELINE: Baseline = { entries: [], flaky: [] };

/** The file that the options name; one that is to be written need not be there yet. */
export function baselineOf({ baseline, updateBaseline }: ConformanceOptions): Baseline | undefined {
  if (baseline === undefined) {
    if (updateBaseline === true) throw new UsageError("--update-baseline needs --baseline FILE: the file to write");
    return undefined;
  }
  return updateBaseline === true && !existsSync(baseline) ? NO_BASELINE : readBaseline(baseline);
}

/** Writes the file anew and says what changed. */
export function rewriteBaseline(
  { baseline: path = "", seed: given }: ConformanceOptions,
  old: Baseline = NO_BASELINE,
  outcomes: readonly Outcome[],
  { narrowed, seed, log }: { readonly narrowed: boolean; readonly seed: string; readonly log: (line: string) => void },
): Baseline {
  const { baseline, kept, added, removed } = updateBaseline(old, outcomes, narrowed);
  save(path, baselineText(baseline));
  const unexplained = baseline.entries.filter(({ reason }) => reason === "").length;
  const fill = unexplained === 0 ? "" : `; fill in the reason of ${unexplained} before the next run`;
  log(`${path}: ${kept} entries kept, ${added} added, ${removed} removed${fill}`);
  const fresh = baseline.entries.find(({ pattern }) => pattern.startsWith("challenge/"));
  if (given === undefined && fresh !== undefined) {
    log(`${path}: ${fresh.pattern} names fresh cases: it holds with --seed ${seed} alone`);
  }
  return baseline;
}
