import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCorpusFiles } from "../corpus/index.ts";
import type { ProfileFile, VectorFile } from "../corpus/vector-file.ts";
import type { Outcome } from "../verdict.ts";
import { Prober, type ProberOptions } from "./prober.ts";
import { describeShrunk, failuresToShrink, type Shrunk, shrink } from "./shrink.ts";

export interface ShrinkOptions extends ProberOptions {
  /** Where to: `<profile>/shrunk.json`, and `<profile>/shrunk.cases.jsonl` for what no vector can say. */
  readonly folder: string;
  /** The folder of the corpus, whose profiles say what the fields are. */
  readonly corpus: string;
}

/** Makes one failure of each kind small and writes what came of it. Returns it too. */
export async function shrinkFailures(outcomes: readonly Outcome[], options: ShrinkOptions): Promise<readonly Shrunk[]> {
  const { folder, corpus, log } = options;
  if (options.way.kind === "attach" || options.way.kind === "replay") {
    log(`--shrink needs an implementation that the harness can start or dial itself; nothing was made smaller`);
    return [];
  }
  const profiles = new Map(readCorpusFiles(corpus).profiles.map((profile) => [profile.profile, profile]));
  const found: Shrunk[] = [];
  const prober = new Prober(options);
  try {
    for (const outcome of failuresToShrink(outcomes)) {
      const profile = profiles.get(outcome.profile);
      const shrunk = profile && (await shrink(outcome, profile, prober));
      log(shrunk === undefined ? `${outcome.id} cannot be made smaller` : describeShrunk(shrunk));
      if (shrunk !== undefined) found.push(shrunk);
    }
  } finally {
    await prober.close();
  }
  for (const [profile, group] of Map.groupBy(found, ({ from }) => from.profile)) write(folder, profile, group);
  return found;
}

function write(folder: string, profile: ProfileFile["profile"], group: readonly Shrunk[]): void {
  mkdirSync(join(folder, profile), { recursive: true });
  const vectors = new Map(group.flatMap(({ vector }) => (vector === undefined ? [] : [[vector.id, vector] as const])));
  if (vectors.size > 0) {
    const file: VectorFile = {
      family: "shrunk",
      profile,
      about: "Failures of one implementation, made as small as they go.",
      vectors: [...vectors.values()],
    };
    writeFileSync(join(folder, profile, "shrunk.json"), `${JSON.stringify(file, null, 2)}\n`);
  }
  const left = group.filter(({ vector }) => vector === undefined).map(({ smallest }) => JSON.stringify(smallest));
  if (left.length > 0) writeFileSync(join(folder, profile, "shrunk.cases.jsonl"), `${left.join("\n")}\n`);
}
