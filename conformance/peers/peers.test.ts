import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withChallenges } from "../src/challenge/cases.ts";
import { globMatcher } from "../src/glob.ts";
import { DEFAULT_CORPUS, loadCorpus, runConformance } from "../src/index.ts";
import { count } from "../src/verdict.ts";
import { wordsOf } from "./baseline.ts";
import { peerNames, readPeer, SEED } from "./peer.ts";

const RESULTS = readFileSync(join(import.meta.dir, "RESULTS.md"), "utf8");

describe("every peer", () => {
  for (const name of peerNames()) {
    test(`${name} has a baseline whose reasons are those of its peer.json, and a section of RESULTS.md`, () => {
      const { folder, differences } = readPeer(name);
      const known = differences.map(({ reason }) => reason);
      const baseline = JSON.parse(readFileSync(join(folder, "baseline.json"), "utf8")) as {
        readonly entries: readonly { readonly reason: string }[];
      };
      expect(new Set(baseline.entries.map(({ reason }) => reason))).toEqual(new Set(known));
      expect(known.filter((reason) => !/^(Defect|Difference): /.test(reason))).toEqual([]);
      expect(RESULTS).toContain(`## ${name}\n`);
    });
  }
});

describe("every pattern of a baseline matches a case of the corpus or a challenge:", () => {
  // Those of other seeds have other ids; these are the ones that `bun run peers` puts.
  const corpus = withChallenges(loadCorpus(DEFAULT_CORPUS), SEED);
  const ids = [...corpus.cases()].map(({ id }) => id);
  for (const name of peerNames()) {
    test(name, () => {
      const baseline = readFileSync(join(readPeer(name).folder, "baseline.json"), "utf8");
      const { entries } = JSON.parse(baseline) as { readonly entries: readonly { readonly pattern: string }[] };
      const patterns = entries.map(({ pattern }) => pattern).filter((pattern) => !pattern.startsWith("link-check/"));
      const unmatched = patterns.filter((pattern) => !ids.some(globMatcher(pattern)));
      expect({ entries: entries.length > 0, unmatched }).toEqual({ entries: true, unmatched: [] });
    });
  }
});

describe("grpc-js against a slice of the corpus", () => {
  const { folder, launch, differences } = readPeer("grpc-js");

  async function run(filter: string) {
    const { report } = await runConformance({
      way: { kind: "launch", command: `cd '${folder}' && exec ${launch}` },
      filter,
      profiles: ["grpc-lpm"],
      jobs: 1,
      seed: SEED,
      startDeadline: 30_000,
      unusableToo: true,
      log: () => {},
      print: () => {},
    });
    if (report === undefined) throw new Error("no report");
    return report.outcomes.filter(({ id }) => !id.startsWith("link-check/"));
  }

  test("reads two glued frames, cut anywhere", async () => {
    const outcomes = await run("grpc-lpm/two#cut=*");
    expect(outcomes.length).toBeGreaterThan(10);
    expect(count(outcomes).pass).toBe(outcomes.length);
  });

  for (const vector of ["limit-exact#cut=*", "limit-over-prefix-only#cut=2", "encode-hello", "encode-over"]) {
    test(`passes ${vector}`, async () => {
      const outcomes = await run(`grpc-lpm/${vector}`);
      // The probes of a vector are of those that declare them.
      const judged = outcomes.filter(({ verdict }) => verdict !== "not applicable");
      expect(judged.length).toBeGreaterThan(0);
      expect(judged.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
    });
  }

  test("loses whole messages before a length above its limit, as its peer.json says", async () => {
    const [outcome] = await run("grpc-lpm/limit-over-second");
    expect(outcome?.verdict).toBe("fail");
    const words = wordsOf(outcome!);
    expect(words).toEqual({ want: "message", got: "oversize.declared" });
    expect(differences.map(({ want, got }) => ({ want, got }))).toContainEqual(words);
  });

  test("takes a flag of 2 for 0, as its peer.json says", async () => {
    const [outcome] = await run("grpc-lpm/flag-2");
    expect(outcome?.verdict).toBe("fail");
    const words = wordsOf(outcome!);
    expect(words).toEqual({ want: "flags.reserved", got: "message" });
    expect(differences.map(({ want, got }) => ({ want, got }))).toContainEqual(words);
  });
});
