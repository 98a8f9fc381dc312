import { expandProbes } from "../probes/expand.ts";
import { CorpusDefect } from "./defect.ts";
import { expand } from "./expand.ts";
import { readCorpusFiles } from "./files.ts";
import type { Corpus } from "./types.ts";
import { compileVector, type Vector } from "./vector.ts";
import type { WireFile } from "./wire-file.ts";

/**
 * Reads the corpus below `directory` (the repository's `vectors/`), holds every file to its hash in `lock.json` and to
 * its schema, and the names in it to each other. Throws `CorpusDefect`.
 */
export function loadCorpus(directory: string): Corpus {
  const { hash, profiles, families, wire } = readCorpusFiles(directory);
  const vectors = families.flatMap(({ family, profile, bins }) =>
    family.vectors.map((vector) => compileVector(vector, profile, bins)),
  );
  checkNames(vectors);
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

function checkNames(vectors: readonly Vector[]): void {
  const byId = new Map<string, Vector>();
  for (const vector of vectors) {
    if (byId.has(vector.id)) throw new CorpusDefect(`${vector.id}: the id stands twice in the corpus`);
    if (!vector.id.startsWith(`${vector.profile}/`)) throw new CorpusDefect(`${vector.id}: not of its profile`);
    byId.set(vector.id, vector);
  }
  for (const vector of vectors) {
    const refuses = vector.role === "decode" ? vector.stream.atEof !== "end" : vector.answer.event === "error";
    if (vector.sibling === undefined) {
      if (refuses) throw new CorpusDefect(`${vector.id}: refuses, but names no accepting sibling`);
      continue;
    }
    const sibling = byId.get(vector.sibling);
    if (!sibling || sibling.profile !== vector.profile || sibling.role !== vector.role) {
      throw new CorpusDefect(`${vector.id}: its sibling ${vector.sibling} is no vector of the same profile and role`);
    }
    if (sibling.role === "decode" ? sibling.stream.atEof === null : sibling.answer.event === "error") {
      throw new CorpusDefect(`${vector.id}: its sibling ${vector.sibling} does not accept`);
    }
  }
}
