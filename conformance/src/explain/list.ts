import type { Corpus } from "../corpus/types.ts";
import type { Role } from "../protocol.ts";

export interface ListedVector {
  readonly id: string;
  readonly profile: string;
  readonly family: string;
  readonly role: Role;
  readonly level: string;
  readonly rules: readonly string[];
  /** The vector itself and its sweeps. */
  readonly cases: number;
  /** Cases by sweep: `cut`, `eof`, `glue`. */
  readonly sweeps: Readonly<Record<string, number>>;
}

export interface Listing {
  readonly corpus: string;
  readonly vectors: readonly ListedVector[];
  /** Rules with the vectors whose cases name them, and how many cases do. */
  readonly rules: readonly { readonly id: string; readonly vectors: number; readonly cases: number }[];
  /** Scenarios on real connections (level 2). */
  readonly scenarios: readonly { readonly id: string; readonly profile: string; readonly rules: readonly string[] }[];
  readonly totals: {
    readonly vectors: number;
    readonly cases: number;
    readonly rules: number;
    readonly scenarios: number;
  };
}

/** What there is to run. */
export function listCorpus(corpus: Corpus, selected: (id: string) => boolean = () => true): Listing {
  const vectors = new Map<string, ListedVector & { cases: number; sweeps: Record<string, number> }>();
  const rules = new Map<string, { vectors: Set<string>; cases: number }>();
  for (const { id, vector, profile, role, level, rules: named } of corpus.cases(selected)) {
    const family = corpus.families?.get(vector) ?? "other";
    const row = vectors.get(vector) ?? { id: vector, profile, family, role, level, rules: named, cases: 0, sweeps: {} };
    vectors.set(vector, row);
    row.cases++;
    const sweep = sweepOf(id);
    if (sweep !== undefined) row.sweeps[sweep] = (row.sweeps[sweep] ?? 0) + 1;
    for (const rule of named) {
      const entry = rules.get(rule) ?? { vectors: new Set(), cases: 0 };
      rules.set(rule, entry);
      entry.vectors.add(vector);
      entry.cases++;
    }
  }
  const scenarios = (corpus.wire ?? [])
    .flatMap((file) => file.scenarios.map(({ id, rules }) => ({ id, profile: file.profile, rules })))
    .filter(({ id }) => selected(id));
  const rows = [...vectors.values()];
  return {
    corpus: corpus.hash,
    vectors: rows,
    rules: [...rules].map(([id, { vectors, cases }]) => ({ id, vectors: vectors.size, cases })),
    scenarios,
    totals: {
      vectors: rows.length,
      cases: rows.reduce((sum, { cases }) => sum + cases, 0),
      rules: rules.size,
      scenarios: scenarios.length,
    },
  };
}

/** The sweep of a case's id: `cut` of `len64/hello#cut=3`, `prefix` of `len64/hello#prefix@0=1+7`. */
export function sweepOf(id: string): string | undefined {
  return /#([a-z-]+)/.exec(id)?.[1];
}
