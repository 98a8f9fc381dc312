import { expandProbes } from "../probes/expand.ts";
import { CorpusDefect } from "./defect.ts";
import { expand } from "./expand.ts";
import { type FamilyFiles, readCorpusFiles } from "./files.ts";
import { meaningsOf } from "./history.ts";
import { sameLimits } from "./sweeps/plan.ts";
import type { Corpus } from "./types.ts";
import { compileVector } from "./vector.ts";
import { type FileVector, refuses } from "./vector-file.ts";
import type { WireFile } from "./wire-file.ts";

/**
 * Reads the corpus below `directory` (the repository's `vectors/`), holds every file to its hash in `lock.json` and to
 * its schema, and the names in it to each other. Throws `CorpusDefect`.
 */
export function loadCorpus(directory: string): Corpus {
  const { hash, profiles, families, wire, history } = readCorpusFiles(directory);
  checkNames(families);
  const vectors = families.flatMap(({ family, profile, bins }) =>
    family.vectors.map((vector) => compileVector(vector, profile, bins)),
  );
  checkScenarios(wire);
  return {
    hash,
    vectors: vectors.length,
    rules: new Set([
      ...vectors.flatMap(({ rules }) => rules),
      ...profiles.flatMap(({ derived }) => Object.values(derived).flat()),
      ...wire.flatMap(({ scenarios }) => scenarios.flatMap(({ rules }) => rules)),
    ]),
    families: new Map(families.flatMap(({ family }) => family.vectors.map(({ id }) => [id, family.family] as const))),
    wire,
    ...(history !== undefined && { meanings: meaningsOf(history) }),
    cases: (filter, among) => expand(vectors, filter, among),
    probes: (filter) => expandProbes(vectors, filter),
  };
}

function checkScenarios(files: readonly WireFile[]): void {
  const ids = new Set<string>();
  for (const { profile, scenarios } of files) {
    for (const { id } of scenarios) {
      if (ids.has(id)) throw new CorpusDefect(`${id}: the id stands twice in the corpus`);
      if (!id.startsWith(`wire/${profile}/`)) throw new CorpusDefect(`${id}: not of its profile`);
      ids.add(id);
    }
  }
}

function checkNames(families: readonly FamilyFiles[]): void {
  const byId = new Map<string, { readonly profile: string; readonly vector: FileVector }>();
  for (const { profile, vectors } of families.map(({ family }) => family)) {
    for (const vector of vectors) {
      if (byId.has(vector.id)) throw new CorpusDefect(`${vector.id}: the id stands twice in the corpus`);
      if (!vector.id.startsWith(`${profile}/`)) throw new CorpusDefect(`${vector.id}: not of its profile`);
      byId.set(vector.id, { profile, vector });
    }
  }
  for (const { profile, vector } of byId.values()) {
    const { id, role, limits } = vector;
    if (vector.sibling === undefined) {
      if (refuses(vector)) throw new CorpusDefect(`${id}: refuses, but names no accepting sibling`);
      continue;
    }
    const sibling = byId.get(vector.sibling);
    const defect = (what: string) => new CorpusDefect(`${id}: its sibling ${vector.sibling} ${what}`);
    if (sibling?.profile !== profile || sibling.vector.role !== role) {
      throw defect("is no vector of the same profile and role");
    }
    if (!sameLimits(sibling.vector.limits, limits)) throw defect("has other limits");
    if (refuses(sibling.vector)) throw defect("does not accept");
  }
}
