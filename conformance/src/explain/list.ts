import type { Case, Corpus } from "../corpus/types.ts";
import type { Role } from "../protocol.ts";
import { selected } from "../wire/level2.ts";

export interface ListedVector {
  readonly id: string;
  readonly profile: string;
  readonly family: string;
  readonly role: Role;
  readonly level: string;
  readonly rules: readonly string[];
  /** SHA-256 of what it means, and the version from which on it means that. */
  readonly digest?: string;
  readonly changed?: string;
  /** The vector itself and its sweeps. */
  readonly cases: number;
  /** Cases by sweep: `cut`, `eof`, `glue`. */
  readonly sweeps: Readonly<Record<string, number>>;
  /** Cases of level 3, by probe. */
  readonly probes: Readonly<Record<string, number>>;
}

export interface Listing {
  readonly corpus: string;
  readonly vectors: readonly ListedVector[];
  /** Rules with the vectors whose cases name them, and how many cases do. */
  readonly rules: readonly { readonly id: string; readonly vectors: number; readonly cases: number }[];
  /** Scenarios on real connections (level 2). */
  readonly scenarios: readonly {
    readonly id: string;
    readonly profile: string;
    readonly rules: readonly string[];
    readonly digest?: string;
    readonly changed?: string;
    /** What it plays, one after the other: a case, cases side by side, or its steps. */
    readonly items: number;
  }[];
  readonly totals: {
    readonly vectors: number;
    readonly cases: number;
    readonly probes: number;
    readonly rules: number;
    readonly scenarios: number;
  };
}

/** What there is to run. */
export function listCorpus(corpus: Corpus, filter: (id: string) => boolean = () => true): Listing {
  const vectors = new Map<string, CountedVector>();
  const rules = new Map<string, { vectors: Set<string>; cases: number }>();
  const rowOf = ({ vector, profile, role, level, rules }: Case): CountedVector => {
    const row = vectors.get(vector);
    if (row !== undefined) return row;
    const family = corpus.families?.get(vector) ?? "other";
    const fresh = {
      id: vector,
      profile,
      family,
      role,
      level,
      rules,
      ...meantBy(corpus, vector),
      cases: 0,
      sweeps: {},
      probes: {},
    };
    vectors.set(vector, fresh);
    return fresh;
  };
  for (const item of corpus.cases(filter)) {
    const row = rowOf(item);
    row.cases++;
    const sweep = sweepOf(item.id);
    if (sweep !== undefined) increment(row.sweeps, sweep);
    for (const rule of item.rules) {
      const entry = rules.get(rule) ?? { vectors: new Set(), cases: 0 };
      rules.set(rule, entry);
      entry.vectors.add(item.vector);
      entry.cases++;
    }
  }
  for (const item of corpus.probes?.(filter) ?? []) increment(rowOf(item).probes, item.requires?.[0] ?? "");
  const rows = [...vectors.values()];
  const scenarios = scenariosOf(corpus, filter);
  return {
    corpus: corpus.hash,
    vectors: rows,
    rules: [...rules].map(([id, { vectors, cases }]) => ({ id, vectors: vectors.size, cases })),
    scenarios,
    totals: {
      vectors: rows.length,
      cases: rows.reduce((sum, { cases }) => sum + cases, 0),
      probes: rows.flatMap(({ probes }) => Object.values(probes)).reduce((sum, count) => sum + count, 0),
      rules: rules.size,
      scenarios: scenarios.length,
    },
  };
}

type CountedVector = ListedVector & { cases: number; sweeps: Record<string, number>; probes: Record<string, number> };

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function scenariosOf(corpus: Corpus, filter: (id: string) => boolean): Listing["scenarios"] {
  const items = Map.groupBy(selected({ corpus, filter, profile: () => true }), ({ scenario }) => scenario);
  return [...items].map(([{ id, rules }, all]) => {
    return { id, profile: all[0]!.profile, rules, ...meantBy(corpus, id), items: all.length };
  });
}

function meantBy({ meanings }: Corpus, id: string): Pick<ListedVector, "digest" | "changed"> {
  const meaning = meanings?.get(id);
  return meaning === undefined ? {} : { digest: meaning.digest, changed: meaning.changed };
}

/** The sweep of a case's id: `cut` of `len64/hello#cut=3`, `prefix` of `len64/hello#prefix@0=1+7`. */
export function sweepOf(id: string): string | undefined {
  return /#([a-z_-]+)/.exec(id)?.[1];
}
