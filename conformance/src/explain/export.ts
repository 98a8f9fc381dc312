import type { Case, Corpus } from "../corpus/types.ts";
import { selected } from "../wire/level2.ts";
import type { Item } from "../wire/scenarios.ts";

/** A line about level 2: a scenario as its file states it, and the cases that it plays where it plays some. */
export interface ExportedScenario {
  readonly id: string;
  /** The scenario of which this is one item: `wire/tp/split` of `wire/tp/split/noop#cut=1`. */
  readonly scenario: string;
  readonly profile: string;
  readonly limits: Case["limits"];
  /** Side by side, each on a connection of its own. */
  readonly cases?: readonly Case[];
  readonly [field: string]: unknown;
}

/**
 * Writes all that there is to run as JSON Lines, so that a consumer without the harness loses nothing: the cases of level 1, those of
 * level 3, which say what they `require`, and what is played at level 2, which names its `scenario`. A case has its steps and the
 * events that each must give. Returns the number of lines.
 */
export function exportCases(
  corpus: Corpus,
  stream: { write(text: string): unknown },
  filter: (id: string) => boolean = () => true,
): number {
  let count = 0;
  for (const line of linesOf(corpus, filter)) {
    stream.write(`${JSON.stringify(line)}\n`);
    count++;
  }
  return count;
}

function* linesOf(corpus: Corpus, filter: (id: string) => boolean): Iterable<Case | ExportedScenario> {
  yield* corpus.cases(filter);
  yield* corpus.probes?.(filter) ?? [];
  for (const item of selected({ corpus, filter, profile: () => true })) yield lineOf(item);
}

/** The patterns by which a scenario names its cases are left out: the cases stand there. */
function lineOf({ id, profile, limits, scenario, cases }: Item): ExportedScenario {
  const { id: name, ...fields } = scenario;
  const own = Object.entries(fields).filter(([field]) => field !== "replay" && field !== "interleave");
  return {
    id,
    scenario: name,
    profile,
    limits,
    ...Object.fromEntries(own),
    ...(cases.length > 0 && { cases }),
  };
}
