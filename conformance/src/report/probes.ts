import { PROBES, type Probe } from "../protocol.ts";
import { type Counts, count, type Outcome, type Word, wordOf } from "../verdict.ts";
import type { Report } from "./report.ts";

export interface ProbeSummary {
  readonly probe: Probe;
  /** "not claimed" for a capability that hello does not declare. */
  readonly word: Word;
  readonly counts: Counts;
}

/** The probes of level 3 that the run's cases are of, over all profiles. */
export function probesOf({ outcomes }: Pick<Report, "outcomes">): ProbeSummary[] {
  const groups = new Map<Probe, Outcome[]>(PROBES.map((probe) => [probe, []]));
  for (const outcome of outcomes) {
    const name = /#([a-z]+)/.exec(outcome.id)?.[1];
    groups.get(name as Probe)?.push(outcome);
  }
  return [...groups].flatMap(([probe, group]) => {
    const counts = count(group);
    return group.length === 0 ? [] : [{ probe, word: wordOf(counts, 0), counts }];
  });
}
