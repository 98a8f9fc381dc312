import { CorpusDefect } from "../corpus/defect.ts";
import type { Case, Corpus } from "../corpus/types.ts";
import type { WireFile, WireScenario } from "../corpus/wire-file.ts";
import { globMatcher } from "../glob.ts";
import type { Limits } from "../protocol.ts";

/** One scenario to play: steps of its own, or cases that are played side by side. */
export interface Item {
  readonly id: string;
  readonly profile: string;
  readonly limits: Limits;
  readonly scenario: WireScenario;
  /** Empty for a scenario of steps. */
  readonly cases: readonly Case[];
}

/** The id of one case of an item, where they are told apart. */
export function idOf({ id, profile, cases }: Item, about: Case): string {
  return cases.length === 1 ? id : `${id}/${about.id.slice(profile.length + 1)}`;
}

/** The items of a file, in its order; each case of a replay is one. Throws `CorpusDefect` for names that nothing bears. */
export function* itemsOf(file: WireFile, corpus: Corpus): Iterable<Item> {
  const { profile } = file;
  const table = casesOf(file, corpus);
  const found = (pattern: string): readonly Case[] => {
    const cases = table.get(pattern) ?? [];
    if (cases.length === 0) throw new CorpusDefect(`vectors/wire: no case is ${pattern}`);
    return cases;
  };
  for (const scenario of file.scenarios) {
    if ("steps" in scenario) {
      yield { id: scenario.id, profile, limits: scenario.limits, scenario, cases: [] };
    } else if ("replay" in scenario) {
      for (const about of scenario.replay.flatMap(found)) {
        const id = `${scenario.id}/${about.id.slice(profile.length + 1)}`;
        yield { id, profile, limits: about.limits, scenario, cases: [about] };
      }
    } else {
      for (const [i, names] of scenario.interleave.entries()) {
        const cases = names.flatMap(found);
        const id = scenario.interleave.length === 1 ? scenario.id : `${scenario.id}/${i + 1}`;
        yield { id, profile, limits: cases[0]?.limits ?? {}, scenario, cases };
      }
    }
  }
}

/** The cases that each pattern of a file names, by one walk over the corpus. */
function casesOf(file: WireFile, corpus: Corpus): ReadonlyMap<string, Case[]> {
  const patterns = new Set(
    file.scenarios.flatMap((scenario) =>
      "replay" in scenario ? scenario.replay : "interleave" in scenario ? scenario.interleave.flat() : [],
    ),
  );
  const byVector = new Map<string, { matches: (id: string) => boolean; cases: Case[] }[]>();
  const table = new Map<string, Case[]>();
  for (const pattern of patterns) {
    const vector = pattern.split("#", 1)[0] ?? "";
    const cases: Case[] = [];
    table.set(pattern, cases);
    const matches = globMatcher(pattern);
    const list = byVector.get(vector);
    if (list === undefined) byVector.set(vector, [{ matches, cases }]);
    else list.push({ matches, cases });
  }
  const wanted = (id: string) => byVector.get(id.split("#", 1)[0] ?? "")?.filter(({ matches }) => matches(id)) ?? [];
  const among = (vector: string) => byVector.has(vector);
  for (const about of corpus.cases((id) => wanted(id).length > 0, among)) {
    for (const { cases } of wanted(about.id)) cases.push(about);
  }
  return table;
}
