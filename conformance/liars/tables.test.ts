import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { withChallenges } from "../src/challenge/cases.ts";
import { loadCorpus } from "../src/corpus/index.ts";
import { DEFAULT_CORPUS } from "../src/options.ts";
import { runConformance } from "../src/run.ts";
import type { Liar } from "./gallery.ts";
import { TABLES } from "./tables.ts";

// The harness has deadlines of its own; this one catches a hang of the harness.
setDefaultTimeout(120_000);

const SEED = "tables";
const stored = loadCorpus(DEFAULT_CORPUS);
const SLICE = ["len32/two", "tp/infer-tensor", "pp-result/ok"];
const ofSlice = (id: string) => SLICE.includes(id.split("#", 1)[0] ?? id);
/** A slice of the corpus, and behind it what a run adds to it. */
const corpus = withChallenges(
  {
    hash: stored.hash,
    vectors: SLICE.length,
    rules: stored.rules,
    cases: (filter = () => true, among) => stored.cases((id) => ofSlice(id) && filter(id), among),
  },
  SEED,
);
const main = fileURLToPath(new URL("main.ts", import.meta.url));

async function meet({ name, exit, says, verdict }: Liar, profile = "len32") {
  let printed = "";
  const { exitCode, report } = await runConformance({
    way: { kind: "launch", command: `"${process.execPath}" "${main}" ${name}` },
    corpus,
    profiles: [profile],
    jobs: 1,
    seed: SEED,
    startDeadline: 60_000,
    caseDeadline: 20_000,
    log: () => {},
    print: (text) => {
      printed += text;
    },
  });
  const judged = report?.outcomes.filter((outcome) => outcome.verdict !== "not applicable") ?? [];
  expect(printed).toMatch(says);
  expect(judged.map((outcome) => outcome.verdict)).toContain(verdict!);
  expect(exitCode).toBe(exit as typeof exitCode);
  return judged;
}

const liar = (name: string) => TABLES.find((one) => one.name === name)!;

describe("r[iut.challenge.seed]: a table of the corpus' answers in the place of a codec is found out", () => {
  test("by the link check, before any case", async () => {
    const judged = await meet(liar("echoes-the-expectation"));
    expect(judged.map(({ id, verdict }) => `${verdict} ${id}`)).toEqual(["fail link-check/len32/frame"]);
  });

  test("where it is honest there, by the challenges, and by nothing else", async () => {
    const judged = await meet(liar("echoes-the-expectation-of-cases"));
    const ids = (verdict: string) => judged.filter((outcome) => outcome.verdict === verdict).map(({ id }) => id);
    expect(ids("pass").filter(ofSlice).length).toBeGreaterThan(50);
    expect(ids("pass").length + ids("fail").length).toBe(judged.length);
    expect(ids("fail").filter((id) => !id.startsWith("challenge/len32/"))).toEqual([]);
    expect(ids("fail").length).toBeGreaterThan(20);
  });

  for (const [name, profile] of [
    ["manifests", "tp"],
    ["results", "pp-result"],
  ] as const) {
    test(`and of ${name}, which no header and no frame of the link check asks for`, async () => {
      const judged = await meet(liar(`echoes-the-expectation-of-${name}`), profile);
      const ids = (verdict: string) => judged.filter((outcome) => outcome.verdict === verdict).map(({ id }) => id);
      expect(ids("pass").filter(ofSlice).length).toBeGreaterThan(50);
      expect(ids("fail").filter((id) => !id.startsWith(`challenge/${profile}/`))).toEqual([]);
      expect(ids("fail").filter((id) => name === "results" || id.includes("/infer-")).length).toBeGreaterThan(30);
    });
  }
});
