import { describe, expect, test } from "bun:test";
import type { Case } from "../src/corpus/types.ts";
import { globMatcher } from "../src/glob.ts";
import type { Events } from "../src/protocol.ts";
import type { Outcome } from "../src/verdict.ts";
import { draftBaseline, wordsOf } from "./baseline.ts";

const END: Events = [[{ event: "end" }]];
const CUT: Events = [[{ event: "error", class: "eof.in-body", at: "4", fatal: true }]];

const about = { expected: CUT } as Case;
const passed = (id: string): Outcome => ({ id, profile: "len32", verdict: "pass" });
const failed = (id: string, actual: Events = END): Outcome => ({
  ...passed(id),
  verdict: "fail",
  case: about,
  actual,
  difference: { step: 0, index: 0, problem: "" },
});

const silent = { want: "eof.*", got: "end", reason: "It says nothing." };
const OUTCOMES = [
  failed("len32/a"),
  failed("len32/a#eof=1"),
  passed("len32/a#eof=2"),
  failed("len32/b#cut=1"),
  failed("len32/b#cut=2"),
  passed("len32/c"),
];

describe("a drafted baseline", () => {
  test("names a failure by the first events that differ", () => {
    expect(wordsOf(failed("len32/a"))).toEqual({ want: "eof.in-body", got: "end" });
    expect(wordsOf(failed("len32/a", [[]]))).toEqual({ want: "eof.in-body", got: "nothing" });
    expect(wordsOf({ ...passed("len32/a"), verdict: "fail", text: "lost" })).toEqual({ want: "*", got: "errored" });
    expect(wordsOf({ ...passed("len32/a"), verdict: "crash" })).toEqual({ want: "*", got: "crash" });
  });

  test("foretells every failure and no pass", () => {
    const { entries, unexplained, unused } = draftBaseline(OUTCOMES, [silent]);
    expect({ unexplained, unused }).toEqual({ unexplained: [], unused: [] });
    const foretold = OUTCOMES.filter(({ id }) => entries.some(({ pattern }) => globMatcher(pattern)(id)));
    expect(foretold).toEqual(OUTCOMES.filter(({ verdict }) => verdict === "fail"));
  });

  test("has wide patterns", () => {
    const { entries } = draftBaseline(OUTCOMES, [silent]);
    expect(entries.map(({ pattern }) => pattern).sort()).toEqual(["len32/*#eof=1", "len32/a", "len32/b*"]);
  });

  test("keeps reasons apart, and says which way a case fails", () => {
    const crash = { want: "*", got: "crash", reason: "It dies." };
    const { entries } = draftBaseline([failed("len32/a"), { ...failed("len32/b"), verdict: "crash" }], [silent, crash]);
    // A crash that has come to a difference of events is judged by them.
    expect(entries.map(({ reason }) => reason)).toEqual([silent.reason, silent.reason]);
    const died: Outcome = { ...passed("len32/b"), verdict: "crash" };
    expect(draftBaseline([failed("len32/a"), died], [silent, crash]).entries).toEqual([
      { pattern: "len32/a*", reason: silent.reason },
      { pattern: "len32/b*", verdict: "crash", reason: crash.reason },
    ]);
  });

  test("does not invent a reason", () => {
    const late = failed("len32/d", [[]]);
    const { entries, unexplained } = draftBaseline([late, passed("len32/c")], [silent]);
    expect({ entries, unexplained }).toEqual({ entries: [], unexplained: [late] });
  });

  test("names a difference that explains nothing any more", () => {
    const { unused } = draftBaseline([passed("len32/c")], [silent]);
    expect(unused).toEqual([silent]);
  });

  test("leaves alone what was declined", () => {
    const declined: Outcome = { ...failed("len32/a#cut=1"), verdict: "declined" };
    const { entries } = draftBaseline([failed("len32/a"), declined], [silent]);
    expect(entries.map(({ pattern }) => pattern)).toEqual(["len32/*"]);
  });
});
