import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Bins } from "./bytes.ts";
import { CorpusDefect } from "./defect.ts";
import { checkHistory, type History } from "./history.ts";
import type { ProfileFile, VectorFile } from "./vector-file.ts";
import type { WireFile } from "./wire-file.ts";

interface Lock {
  readonly corpus: string;
  readonly files: Readonly<Record<string, string>>;
}

const isLock = (lock: Partial<Lock> | null): lock is Lock =>
  typeof lock?.corpus === "string" && typeof lock.files === "object" && lock.files !== null;

export interface FamilyFiles {
  /** Path of the family below the folder of the corpus. */
  readonly path: string;
  readonly family: VectorFile;
  readonly profile: ProfileFile;
  /** The .bin files beside it. */
  readonly bins: Bins;
}

export interface CorpusFiles {
  /** `sha256:…` over the list of files and their hashes. */
  readonly hash: string;
  readonly profiles: readonly ProfileFile[];
  readonly families: readonly FamilyFiles[];
  readonly wire: readonly WireFile[];
  /** Absent where `lock.json` names none. */
  readonly history: History | undefined;
  /** Real defects that vectors would have shown, by the id of an issue or pull request: what was wrong. None in a corpus that does not say. */
  readonly defects: Readonly<Record<string, string>>;
}

/** The hash of a corpus, as its lock has it and without a look at its files. Throws `CorpusDefect`. */
export const hashOf = (directory: string) => lockOf(directory).corpus;

function lockOf(directory: string): Lock {
  const lock = parse<Partial<Lock>>(read(directory, "lock.json"), "lock.json");
  if (isLock(lock)) return lock;
  throw new CorpusDefect("lock.json: expected the fields corpus and files, as a corpus has them");
}

/** Reads the files that `lock.json` names, in its order, and holds each to its hash and its schema. Throws `CorpusDefect`. */
export function readCorpusFiles(directory: string): CorpusFiles {
  const lock = lockOf(directory);
  const files = lockedFiles(directory, lock);
  const check = schemaCheck(directory);
  const profiles = new Map<string, ProfileFile>();
  const families: { path: string; family: VectorFile }[] = [];
  const wire: WireFile[] = [];
  let history: History | undefined;
  let defects: Readonly<Record<string, string>> = {};
  for (const [path, bytes] of files) {
    if (path.endsWith("/profile.json")) {
      const profile = check<ProfileFile>("profile.schema.json", bytes, path);
      profiles.set(profile.profile, profile);
    } else if (path === "history.json") {
      history = check<History>("history.schema.json", bytes, path);
      // Its own schema cannot know what this harness reads.
      if (typeof history.digests !== "object")
        throw new CorpusDefect(`${path} has no digests: this harness does not read a corpus so old`);
    } else if (path === "defects.json") {
      ({ defects } = check<{ defects: typeof defects }>("defects.schema.json", bytes, path));
    } else if (path.startsWith("wire/")) {
      wire.push(check<WireFile>("wire-file.schema.json", bytes, path));
    } else if (path.endsWith(".json")) {
      families.push({ path, family: check<VectorFile>("vector-file.schema.json", bytes, path) });
    }
  }
  const items = [...families.flatMap(({ family }) => family.vectors), ...wire.flatMap(({ scenarios }) => scenarios)];
  if (history !== undefined) {
    checkHistory(
      history,
      items.map(({ id }) => id),
    );
  }
  return {
    hash: lock.corpus,
    profiles: [...profiles.values()],
    wire,
    history,
    defects,
    families: families.map(({ path, family }) => {
      const profile = profiles.get(family.profile);
      if (!profile) throw new CorpusDefect(`${path}: no profile.json for profile "${family.profile}"`);
      const folder = path.slice(0, path.lastIndexOf("/"));
      if (folder !== family.profile)
        throw new CorpusDefect(`${path}: not in the folder of profile "${family.profile}"`);
      const bins: Bins = (file) => {
        const bin = files.get(`${folder}/${file}`);
        if (!bin) throw new CorpusDefect(`${path}: ${folder}/${file} is not in lock.json`);
        return bin;
      };
      return { path, family, profile, bins };
    }),
  };
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
  const ajv = new Ajv2020({ strict: true, strictRequired: false });
  return <T>(schema: string, bytes: Uint8Array, path: string): T => {
    const document = parse<T>(bytes, path);
    // A corpus of another release may not have all the kinds of files, and then not their schemas.
    if (ajv.getSchema(schema) === undefined)
      ajv.addSchema(parse<object>(read(directory, `schema/${schema}`), schema), schema);
    if (ajv.validate(schema, document)) return document;
    throw new CorpusDefect(`${path}: ${ajv.errorsText(ajv.errors, { dataVar: "", separator: "; " })}`);
  };
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
