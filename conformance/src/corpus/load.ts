import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Bins } from "./bytes.ts";
import { CorpusDefect } from "./defect.ts";
import { expand } from "./expand.ts";
import type { Corpus } from "./types.ts";
import { compileVector, type Vector } from "./vector.ts";
import type { ProfileFile, VectorFile } from "./vector-file.ts";

interface Lock {
  readonly corpus: string;
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Reads the corpus below `directory` (the repository's `vectors/`), holds every file to its hash in `lock.json` and to
 * its schema, and the names in it to each other. Throws `CorpusDefect`.
 */
export function loadCorpus(directory: string): Corpus {
  const lock = parse<Lock>(read(directory, "lock.json"), "lock.json");
  const files = lockedFiles(directory, lock);
  const check = schemaCheck(directory);
  const profiles = new Map<string, ProfileFile>();
  const families: [string, VectorFile][] = [];
  for (const [path, bytes] of files) {
    if (path.endsWith("/profile.json")) {
      const profile = check<ProfileFile>("profile.schema.json", bytes, path);
      profiles.set(profile.profile, profile);
    } else if (path.endsWith(".json")) {
      families.push([path, check<VectorFile>("vector-file.schema.json", bytes, path)]);
    }
  }
  const vectors: Vector[] = [];
  for (const [path, family] of families) {
    const profile = profiles.get(family.profile);
    if (!profile) throw new CorpusDefect(`${path}: no profile.json for profile "${family.profile}"`);
    const folder = path.slice(0, path.lastIndexOf("/"));
    const bins: Bins = (file) => {
      const bin = files.get(`${folder}/${file}`);
      if (!bin) throw new CorpusDefect(`${path}: ${folder}/${file} is not in lock.json`);
      return bin;
    };
    for (const vector of family.vectors) vectors.push(compileVector(vector, profile, bins));
  }
  checkNames(vectors);
  return {
    hash: lock.corpus,
    vectors: vectors.length,
    rules: new Set([...vectors.flatMap(({ rules }) => rules), ...[...profiles.values()].flatMap(derivedRules)]),
    cases: (filter) => expand(vectors, filter),
  };
}

function derivedRules({ derived }: ProfileFile): string[] {
  return Object.values(derived).flat();
}

function lockedFiles(directory: string, lock: Lock): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let lines = "";
  for (const [path, digest] of Object.entries(lock.files)) {
    const bytes = read(directory, path);
    if (sha256(bytes) !== digest) throw new CorpusDefect(`${path} is not the file that lock.json names: ${digest}`);
    files.set(path, bytes);
    lines += `${digest}  ${path}\n`;
  }
  if (`sha256:${sha256(lines)}` !== lock.corpus) throw new CorpusDefect("lock.json: the hash of the corpus is wrong");
  return files;
}

function schemaCheck(directory: string) {
  const ajv = new Ajv2020({ allErrors: false, strict: true, strictRequired: false });
  for (const name of ["vector-file.schema.json", "profile.schema.json"]) {
    ajv.addSchema(parse<object>(read(directory, `schema/${name}`), name), name);
  }
  return <T>(schema: string, bytes: Uint8Array, path: string): T => {
    const document = parse<T>(bytes, path);
    if (ajv.validate(schema, document)) return document;
    throw new CorpusDefect(`${path}: ${ajv.errorsText(ajv.errors, { dataVar: "", separator: "; " })}`);
  };
}

function checkNames(vectors: readonly Vector[]): void {
  const byId = new Map<string, Vector>();
  for (const vector of vectors) {
    if (byId.has(vector.id)) throw new CorpusDefect(`${vector.id}: the id stands twice in the corpus`);
    if (!vector.id.startsWith(`${vector.profile}/`))
      throw new CorpusDefect(`${vector.id}: not in its profile's folder`);
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
  }
}

function read(directory: string, path: string): Uint8Array {
  try {
    return readFileSync(join(directory, path));
  } catch (cause) {
    throw new CorpusDefect(`${path}: ${(cause as Error).message}`, { cause });
  }
}

function parse<T>(bytes: Uint8Array, path: string): T {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch (cause) {
    throw new CorpusDefect(`${path}: ${(cause as Error).message}`, { cause });
  }
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}
