import { existsSync } from "node:fs";
import { join } from "node:path";
import { withChallenges } from "./challenge/cases.ts";
import { loadCorpus } from "./corpus/index.ts";
import type { Corpus } from "./corpus/types.ts";
import { DEFAULT_CORPUS, UsageError } from "./options.ts";

const holdsLock = (folder: string) => existsSync(join(folder, "lock.json"));

/**
 * The corpus of a folder, by default the one that came with this harness; with the challenges of a run, where its seed is given.
 * Throws `UsageError` where the folder is that of no corpus, and `CorpusDefect` where it is that of a broken one.
 */
export function corpusAt(folder = DEFAULT_CORPUS, seed?: string): Corpus {
  if (!holdsLock(folder)) {
    const meant = ["vectors", "package"].map((name) => join(folder, name)).find(holdsLock);
    const instead = meant === undefined ? "" : `; ${meant} has one`;
    throw new UsageError(`${folder} is no folder of a corpus: expected a lock.json in it, and there is none${instead}`);
  }
  const corpus = loadCorpus(folder);
  return seed === undefined ? corpus : withChallenges(corpus, seed);
}
