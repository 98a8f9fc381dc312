import type { Verdict, Word } from "../../verdict.ts";
import type { JsonReport } from "../report.ts";

/** What stands in a cell, the worst first. */
export const STATES = ["failed", "unknown", "known", "warned", "passed", "declined", "absent"] as const;
export type State = (typeof STATES)[number];

const STATE_OF: Readonly<Record<Verdict, State>> = {
  fail: "failed",
  crash: "failed",
  timeout: "failed",
  fixed: "failed",
  disagreement: "failed",
  "adapter error": "unknown",
  "harness error": "unknown",
  "known-fail": "known",
  warn: "warned",
  pass: "passed",
  declined: "declined",
  "not applicable": "absent",
};

/** Cases of one vector, family or profile under one IUT, by state. */
export interface Cell {
  readonly state: State;
  readonly counts: Readonly<Record<State, number>>;
  readonly total: number;
}

export interface VectorRow {
  readonly vector: string;
  readonly cells: readonly Cell[];
}

export interface FamilyRows {
  readonly family: string;
  readonly cells: readonly Cell[];
  readonly vectors: readonly VectorRow[];
}

export interface ProfileRows {
  readonly profile: string;
  /** By IUT; undefined where its report does not speak of the profile. */
  readonly words: readonly (Word | undefined)[];
  readonly cells: readonly Cell[];
  readonly families: readonly FamilyRows[];
}

type Tally = Record<State, number>;

const tally = (): Tally => Object.fromEntries(STATES.map((state) => [state, 0])) as Tally;

/** Agents by profiles, families and vectors: rows in the order in which the reports first name them. */
export function matrix(reports: readonly JsonReport[]): ProfileRows[] {
  const profiles = new Map<string, Map<string, Map<string, Tally[]>>>();
  for (const [column, report] of reports.entries()) {
    for (const { id, verdict } of report.cases) {
      const { profile, family, vector } = placeOf(id, report.families);
      const families = entry(profiles, profile, () => new Map<string, Map<string, Tally[]>>());
      const vectors = entry(families, family, () => new Map<string, Tally[]>());
      const row = entry(vectors, vector, () => reports.map(tally));
      const counts = row[column];
      if (counts !== undefined) counts[STATE_OF[verdict]]++;
    }
  }
  return [...profiles].map(([profile, families]) => {
    const rows = [...families].map(([family, vectors]): FamilyRows => {
      const list = [...vectors].map(([vector, row]): VectorRow => ({ vector, cells: row.map(cellOf) }));
      return { family, vectors: list, cells: sumOf(list, reports.length) };
    });
    const words = reports.map((report) => report.profiles.find((each) => each.profile === profile)?.word);
    return { profile, words, families: rows, cells: sumOf(rows, reports.length) };
  });
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/** Cases that stand in no vector file, those of the link check, have their group before their profile. */
function placeOf(id: string, families: JsonReport["families"]) {
  const vector = id.split("#", 1)[0] ?? id;
  const [first = "", second = ""] = vector.split("/");
  const family = Object.hasOwn(families, vector) ? families[vector] : undefined;
  if (family !== undefined) return { vector, family, profile: first };
  return vector.split("/").length > 2
    ? { vector, family: first, profile: second }
    : { vector, family: "other", profile: first };
}

function cellOf(counts: Tally): Cell {
  const total = STATES.reduce((sum, state) => sum + counts[state], 0);
  return { counts, total, state: STATES.find((state) => counts[state] > 0) ?? "absent" };
}

function sumOf(rows: readonly { readonly cells: readonly Cell[] }[], columns: number): Cell[] {
  return Array.from({ length: columns }, (_, column) => {
    const sum = tally();
    for (const { cells } of rows) for (const state of STATES) sum[state] += cells[column]?.counts[state] ?? 0;
    return cellOf(sum);
  });
}
