import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { loadCorpus } from "../corpus/load.ts";
import { answer } from "../corpus/naive-decoder.ts";
import { challenges, withChallenges } from "./cases.ts";
import { LAYOUTS } from "./layouts.ts";

// It bounds a hang, and no work: a busy machine takes its time.
setDefaultTimeout(60_000);

const of = (seed: string) => [...challenges(seed)];
const corpus = loadCorpus(join(import.meta.dir, "../../../vectors"));

describe("challenges", () => {
  test("follow from the seed, and from nothing else", () => {
    expect(of("a")).toEqual(of("a"));
    const b = new Map(of("b").map((item) => [item.id, item]));
    const same = of("a").filter((item) => Bun.deepEquals(item.steps, b.get(item.id)?.steps));
    // Drawn alike by chance: a stream that ends before its first byte, a frame without a record.
    expect(same.length).toBeLessThan(20);
  });

  test("are a few hundred, under ids of their own that a filter selects without a change", () => {
    const all = of("seed");
    expect(all.length).toBeGreaterThan(500);
    expect(all.length).toBeLessThan(900);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect([...challenges("seed", (id) => id === "challenge/len64/over-7")]).toEqual(
      all.filter(({ id }) => id === "challenge/len64/over-7"),
    );
  });

  test("are what a decoder that shares no code with them answers", () => {
    const cases = ["a", "b", "c", "d"]
      .flatMap(of)
      .filter(({ profile, role }) => profile === "len32" && role === "decode");
    expect(cases.length).toBeGreaterThan(100);
    for (const item of cases)
      expect({ id: item.id, events: answer(item) }).toEqual({ id: item.id, events: item.expected });
  });

  test("reach every profile of the corpus, and what INFER carries", () => {
    const cases = of("x");
    const profiles = new Set([...corpus.cases((id) => !id.includes("#"))].map(({ profile }) => profile));
    expect([...new Set(cases.map(({ profile }) => profile))].sort()).toEqual([...profiles].sort());
    const told = cases.flatMap(({ profile, expected }) => expected.flat().map((event) => [profile, event] as const));
    for (const [profile, field] of [
      ["tp", "manifest"],
      ["tp-session", "manifest"],
      ["pp-envelope", "tensor_specs"],
      ["pp-session", "tensor_specs"],
      ["pp-result", "tensor_specs"],
    ]) {
      const carried = told.filter(
        ([name, { event, ...rest }]) => name === profile && `${field}` in ((rest as { value?: object }).value ?? {}),
      );
      expect([profile, carried.length > 15]).toEqual([profile, true]);
    }
  });

  test("have each fault of a layout at least once", () => {
    const ids = new Set(of("x").map(({ id }) => id.replace(/-\d+$/, "")));
    for (const { profile, kind, faults } of LAYOUTS) {
      const missing = faults.filter(
        ({ name }) => !ids.has(`challenge/${profile}/${kind === undefined ? "" : `${kind}-`}${name}`),
      );
      expect(missing).toEqual([]);
    }
  });

  test("end, fail and go well, each in every profile", () => {
    for (const profile of new Set(of("x").map((item) => item.profile))) {
      const classes = of("x")
        .filter((item) => item.profile === profile)
        .map(({ expected }) => expected.flat().at(-1));
      expect(classes.filter((event) => event?.event === "end").length).toBeGreaterThan(10);
      expect(classes.filter((event) => event?.event === "error").length).toBeGreaterThan(10);
    }
  });

  test("name rules that the specification has, and stand behind the corpus", () => {
    const named = new Set(of("x").flatMap(({ rules }) => rules));
    expect([...named].filter((rule) => !corpus.rules.has(rule))).toEqual([]);
    const ids = [...withChallenges(corpus, "x").cases((id) => /^challenge\/len32|^len32\/hello$/.test(id))];
    expect(ids[0]?.id).toBe("len32/hello");
    expect(ids.length).toBe(1 + 46);
  });
});
