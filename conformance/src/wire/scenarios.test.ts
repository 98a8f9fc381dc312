import { describe, expect, test } from "bun:test";
import type { RankStep, RanksScenario } from "../corpus/wire-file.ts";
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

describe("the scenarios of ranks", () => {
  const all = (loadCorpus(DEFAULT_CORPUS).wire ?? []).flatMap(({ scenarios }) =>
    scenarios.filter((one): one is RanksScenario => "ranks" in one),
  );
  const on = (conn: string) => (step: RankStep) => "conn" in step && step.conn === conn;
  const ends = (step: RankStep) => "over" in step || "end" in step || "reset" in step;
  const connections = all.flatMap(({ id, ranks, steps }) => ranks.map(({ conn }) => ({ id, conn, steps })));

  test("write nothing where the harness has ended: it would go nowhere, and show nothing", () => {
    const wrong = connections.filter(({ conn, steps }) => {
      const own = steps.filter(on(conn));
      return own.some((step, at) => "write" in step && own.slice(0, at).some(ends));
    });
    expect(wrong.map(({ id, conn }) => `${id} ${conn}`)).toEqual([]);
  });

  test("read a stalled connection again only behind something that the implementation had to do", () => {
    const awaited = (step: RankStep) =>
      "over" in step || "error_result" in step || ("sync" in step && step.sync === "end");
    const wrong = connections.filter(({ conn, steps }) => {
      const stalled = steps.findIndex((step) => on(conn)(step) && "stall" in step);
      const again = steps.findIndex(
        (step, at) => at > stalled && on(conn)(step) && ("over" in step || "receive" in step),
      );
      return stalled >= 0 && !steps.slice(stalled, again).some(awaited);
    });
    expect(wrong.map(({ id, conn }) => `${id} ${conn}`)).toEqual([]);
  });

  test("leave it to a rank when it reads and when it ends", () => {
    const asked = (step: RankStep) => "close" in step || "pause" in step || "resume" in step;
    expect(all.filter(({ steps }) => steps.some(asked)).map(({ id }) => id)).toEqual([]);
  });

  test("come to an end on every connection", () => {
    const open = connections.filter(
      ({ conn, steps }) => !steps.some((step) => on(conn)(step) && ("over" in step || "reset" in step)),
    );
    expect(open.map(({ id, conn }) => `${id} ${conn}`)).toEqual([]);
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
