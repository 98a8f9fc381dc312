#!/usr/bin/env bun
/**
 * Holds the corpus against its two derivations: the Python generator gives the stored files, the TypeScript encoders give
 * the stored bytes. Checks schemas, hashes, ids and siblings on the way, that every MUST has vectors on both sides, that what is refused
 * breaks one rule, and that each field is told from the others; lints the position-proof vectors.
 *
 *     bun scripts/vectors/verify.ts
 */
import { resolve } from "node:path";
import {
  CorpusDefect,
  type CorpusFiles,
  digestFaults,
  type FileDecodeVector,
  loadCorpus,
  readCorpusFiles,
} from "@tensorwire/conformance/corpus";
import { places } from "./body-values.ts";
import { coverageFaults, sidesOf } from "./coverage.ts";
import { checkEncoders } from "./encoders.ts";
import { checkOneFault, ruleFaults } from "./one-fault/one-fault.ts";
import { type Accepted, fieldFaults, positionFaults, valueFaults } from "./position.ts";

export const CORPUS = resolve(import.meta.dir, "../../vectors");
const GENERATOR = resolve(import.meta.dir, "generate.py");
const DEADLINE_MS = 120_000;

/** The stored files that the generator would write otherwise. */
export function generatorFaults(python = "python3"): string[] {
  const { exitCode, stderr, exitedDueToTimeout } = Bun.spawnSync([python, GENERATOR, "--check"], {
    timeout: DEADLINE_MS,
    stderr: "pipe",
  });
  if (exitCode === 0) return [];
  if (exitedDueToTimeout) return [`${GENERATOR}: no answer within ${DEADLINE_MS} ms`];
  return stderr.toString().trimEnd().split("\n");
}

export function positionProof(directory = CORPUS): { vectors: number; faults: string[] } {
  const { profiles, families } = readCorpusFiles(directory);
  const bodies = places();
  const decode = families
    .flatMap(({ family }) => family.vectors.map((vector) => ({ profile: family.profile, vector })))
    .filter(({ vector }) => vector.role === "decode") as { profile: string; vector: FileDecodeVector }[];
  return {
    vectors: decode.filter(({ vector }) => vector.position_proof).length,
    faults: profiles.flatMap((profile) => {
      const own = decode.filter((each) => each.profile === profile.profile).map(({ vector }) => vector);
      const place = bodies.get(profile.profile);
      return [...positionFaults(profile, own), ...(place ? valueFaults(profile.profile, place, own) : [])];
    }),
  };
}

/** What the vectors of each profile with a protobuf body have every implementation read or write. */
export function acceptedBodies(directory = CORPUS): Accepted[] {
  const { families } = readCorpusFiles(directory);
  return [...places()].flatMap(([profile, place]) => {
    const vectors = families.flatMap(({ family }) => (family.profile === profile ? family.vectors : []));
    const binding = vectors.filter(({ level }) => level === "must");
    const read = binding.flatMap((vector) => {
      if (vector.role !== "decode" || vector.alternatives !== undefined) return [];
      return vector.events.flatMap((event) => (event.event === "message" ? [event.value] : []));
    });
    const written = binding.flatMap((vector) =>
      vector.role === "encode" && vector.refusal === undefined ? [vector.value] : [],
    );
    return [
      { profile, role: "decode", place, values: read },
      { profile, role: "encode", place, values: written },
    ] as const;
  });
}

/** Defects that vectors name and `defects.json` does not tell, and the other way round. */
export function defectFaults({ families, defects }: Pick<CorpusFiles, "families" | "defects">): string[] {
  const named = new Set(families.flatMap(({ family }) => family.vectors.flatMap((vector) => vector.defects ?? [])));
  const told = new Set(Object.keys(defects));
  return [
    ...[...named.difference(told)].map(
      (id) => `${id}: a vector names it, and defects.json does not tell what was wrong`,
    ),
    ...[...told.difference(named)].map((id) => `${id}: stands in defects.json, and no vector names it`),
  ];
}

function main(): number {
  const faults: string[] = [];
  const report = (what: string, found: readonly string[]) => {
    console.log(`${found.length === 0 ? "ok  " : "FAIL"} ${what}`);
    faults.push(...found);
  };
  try {
    const corpus = loadCorpus(CORPUS);
    report(`${corpus.vectors} vectors: schemas, hashes, ids, siblings`, []);
    report("what each vector and scenario means has the digest of history.json", digestFaults(CORPUS));
    const { messages, refusals, faults: encoders } = checkEncoders(readCorpusFiles(CORPUS).families);
    report(`${messages} messages and ${refusals} refusals: the TypeScript encoders agree`, encoders);
    report("every rule of the chapters on the wire has both sides, or a reason", coverageFaults(sidesOf(CORPUS)));
    report("each defect that a vector names is told", defectFaults(readCorpusFiles(CORPUS)));
    const { refusals: refused, faults: healed } = checkOneFault(readCorpusFiles(CORPUS).families);
    const named = ruleFaults(readCorpusFiles(CORPUS).families);
    report(`${refused} vectors that refuse: each breaks one rule, and names it`, [...named, ...healed]);
    const { vectors, faults: position } = positionProof();
    report(`${vectors} position-proof vectors: every mistake changes the bytes`, position);
    report("the fields of protobuf bodies are told apart, read and written", fieldFaults(acceptedBodies()));
  } catch (error) {
    if (!(error instanceof CorpusDefect)) throw error;
    report("schemas, hashes, ids, siblings", [error.message]);
  }
  if (Bun.which("python3")) report("the Python generator gives the stored files", generatorFaults());
  else report("the Python generator: no python3 on this machine", ["python3 is needed to check the first derivation"]);
  for (const fault of faults) console.error(fault);
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exit(main());
