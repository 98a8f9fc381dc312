import { describe, expect, test } from "bun:test";
import type { Baseline } from "../src/baseline.ts";
import type { Case } from "../src/corpus/types.ts";
import { globMatcher } from "../src/glob.ts";
import type { Event, Events } from "../src/protocol.ts";
import type { Outcome } from "../src/verdict.ts";
import { draftBaseline, strangers, wordsOf } from "./baseline.ts";

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

  test("tells an empty message that is missing from any other, and what comes in its place from a wrong one", () => {
    const message = (payload: string): Event => ({ event: "message", value: { payload } });
    const expected: Events = [
      [message(""), message("61")],
      [message("62"), { event: "end" }],
    ];
    const came = (actual: Events, index = 0): Outcome => ({
      ...failed("len32/e", actual),
      case: { expected } as Case,
      difference: { step: 0, index, problem: "" },
    });
    expect(wordsOf(came([[message("61")]]))).toEqual({ want: "empty message", got: "later message" });
    expect(wordsOf(came([[message("62")]]))).toEqual({ want: "empty message", got: "later message" });
    expect(wordsOf(came([[message("63")]]))).toEqual({ want: "empty message", got: "message" });
    expect(wordsOf(came([[]]))).toEqual({ want: "empty message", got: "nothing" });
    expect(wordsOf(came([[message(""), message("")]], 1))).toEqual({ want: "message", got: "message" });
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

  test("names a difference of which another gives the reason", () => {
    const shadowed = { ...silent, want: "eof.in-prefix" };
    expect(draftBaseline([failed("len32/a")], [silent, shadowed]).unused).toEqual([shadowed]);
  });

  test("leaves alone what was declined", () => {
    const declined: Outcome = { ...failed("len32/a#cut=1"), verdict: "declined" };
    const { entries } = draftBaseline([failed("len32/a"), declined], [silent]);
    expect(entries.map(({ pattern }) => pattern)).toEqual(["len32/*"]);
  });
});

describe("a run that its baseline calls known", () => {
  const known = (id: string, init: Partial<Outcome> = {}): Outcome => ({
    ...failed(id),
    verdict: "known-fail",
    text: silent.reason,
    ...init,
  });
  const crash = { want: "*", got: "crash", reason: "It dies." };
  const baseline: Baseline = {
    entries: [
      { pattern: "len32/a*", reason: silent.reason },
      { pattern: "len32/d", verdict: "crash", reason: crash.reason },
    ],
    flaky: [],
  };
  const died = { ...known("len32/d", { text: crash.reason }), difference: undefined } as unknown as Outcome;

  test("is so when each case fails as its entry's reason says, and no other way", () => {
    expect(strangers([known("len32/a"), died, passed("len32/c")], baseline, [silent, crash])).toEqual([]);
  });

  test("is not when a case fails in a way that peer.json does not explain", () => {
    const [fault, ...more] = strangers([known("len32/a"), known("len32/a#eof=1", { actual: [[]] })], baseline, [
      silent,
    ]);
    expect(fault).toBe("peer.json does not explain len32/a#eof=1: expected eof.in-body, got nothing");
    expect(more).toEqual([]);
  });

  test("is not when a case fails in a way that another reason explains", () => {
    const late = { want: "eof.*", got: "nothing", reason: "It is late." };
    const [fault, ...more] = strangers([known("len32/a"), known("len32/a#eof=1", { actual: [[]] })], baseline, [
      silent,
      late,
    ]);
    expect(fault).toBe('len32/a#eof=1 fails by "It is late.", and its entry says "It says nothing."');
    expect(more).toEqual([]);
  });

  test("is not when a case that gives no answer has the reason of one that does", () => {
    expect(
      strangers([known("len32/a"), { ...died, verdict: "known-fail", text: silent.reason }], baseline, [silent]),
    ).toEqual(["peer.json does not explain len32/d: expected *, got errored"]);
  });

  test("is not when a difference explains nothing", () => {
    expect(strangers([known("len32/a")], baseline, [silent, crash])).toEqual([
      "nothing any more is explained by * and crash",
    ]);
  });
});
