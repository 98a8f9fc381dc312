import { describe, expect, test } from "bun:test";
import { DEFAULT_CORPUS, loadCorpus } from "../index.ts";
import { testCase, testCorpus } from "../testing.ts";
import { itemsOf } from "./scenarios.ts";

const about = { rules: ["x.y"], level: "must", why: "A scenario of the test." } as const;

describe("the scenarios of the corpus", () => {
  const corpus = loadCorpus(DEFAULT_CORPUS);
  const items = (corpus.wire ?? []).flatMap((file) => [...itemsOf(file, corpus)]);

  test("name cases that are there, each scenario once", () => {
    expect(items.length).toBeGreaterThan(1500);
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  });

  test("cut every byte of a few vectors of each profile, byte by byte too", () => {
    for (const { profile } of corpus.wire ?? []) {
      const own = items.filter((item) => item.profile === profile).map(({ id }) => id);
      expect(own.filter((id) => id.includes("#cut=") || id.includes("#eof=")).length).toBeGreaterThan(20);
      expect(own.some((id) => id.includes("#chunk=1")) || own.some((id) => id.includes("two-connections"))).toBeTrue();
    }
  });

  test("play side by side only cases under the same limits: a connection has one set", () => {
    for (const { id, limits, cases } of items) {
      for (const one of cases) expect([id, one.limits]).toEqual([id, limits]);
    }
  });
});

test("a scenario that names no case is a defect of the corpus", () => {
  const file = {
    profile: "len32",
    about: "…",
    scenarios: [{ id: "wire/len32/x", ...about, replay: ["len32/nonesuch"] }],
  };
  expect(() => [...itemsOf(file, testCorpus(testCase("len32/hello")))]).toThrow("no case is len32/nonesuch");
});

test("a pattern takes a vector without its sweeps, or the cases of a sweep", () => {
  const corpus = testCorpus(testCase("len32/hello"), testCase("len32/hello#cut=1"), testCase("len32/hello#chunk=1"));
  const ids = (replay: readonly string[]) => {
    const scenarios = [{ id: "wire/len32/x", ...about, replay }];
    return [...itemsOf({ profile: "len32", about: "…", scenarios }, corpus)].map(({ id }) => id);
  };
  expect(ids(["len32/hello"])).toEqual(["wire/len32/x/hello"]);
  expect(ids(["len32/hello#cut=*"])).toEqual(["wire/len32/x/hello#cut=1"]);
});
