import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CorpusFiles, readCorpusFiles } from "../corpus/index.ts";
import type { ProfileFile, VectorFile } from "../corpus/vector-file.ts";
import type { Outcome } from "../verdict.ts";
import { Prober, type ProberOptions } from "./prober.ts";
import { type Accepting, describeShrunk, failuresToShrink, type Shrunk, shrink } from "./shrink.ts";

export interface ShrinkOptions extends ProberOptions {
  /** Where to: `<profile>/shrunk.json`, and `<profile>/shrunk.cases.jsonl` for what no vector can say. */
  readonly folder: string;
  /** The folder of the corpus, whose profiles say what the fields are. */
  readonly corpus: string;
}

/** Makes one failure of each kind small and writes what came of it. Returns it too. */
export async function shrinkFailures(outcomes: readonly Outcome[], options: ShrinkOptions): Promise<readonly Shrunk[]> {
  const { folder, corpus, log } = options;
  // Level 0 has no reads to leave out: what an endpoint reads at once is its own affair.
  if (["attach", "replay", "wire"].includes(options.way.kind)) {
    log("--shrink needs an adapter that the harness can start or dial itself; nothing was made smaller");
    return [];
  }
  const files = readCorpusFiles(corpus);
  const profiles = new Map(files.profiles.map((profile) => [profile.profile, profile]));
  const found: Shrunk[] = [];
  const prober = new Prober(options);
  try {
    for (const outcome of failuresToShrink(outcomes)) {
      const profile = profiles.get(outcome.profile);
      const shrunk = profile && (await shrink(outcome, profile, prober, acceptingIn(files)));
      log(shrunk === undefined ? `${outcome.id} cannot be made smaller` : describeShrunk(shrunk));
      if (shrunk !== undefined) found.push(shrunk);
    }
  } finally {
    await prober.close();
  }
  for (const [profile, group] of Map.groupBy(found, ({ from }) => from.profile)) write(folder, profile, group);
  return found;
}

/** The case's own vector, where it is one and accepts; else the first of its profile and role that does. */
function acceptingIn({ families }: CorpusFiles): Accepting {
  const vectors = families.flatMap(({ family }) => family.vectors);
  const accepts = vectors.filter((vector) => (vector.role === "decode" ? vector.at_eof === "end" : !vector.refusal));
  return ({ vector, profile, role }) => {
    const own = accepts.find(({ id }) => id === vector);
    return (own ?? accepts.find((other) => other.role === role && other.id.startsWith(`${profile}/`)))?.id ?? vector;
  };
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
