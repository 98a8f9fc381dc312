import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Baseline, type BaselineEntry, BaselineError, BaselineJudge, readBaseline } from "./baseline.ts";
import { baselineText, updateBaseline } from "./baseline-update.ts";
import { globMatcher } from "./glob.ts";
import { error } from "./testing.ts";
import type { Outcome, Verdict } from "./verdict.ts";

const TODAY = "2026-06-15";
const outcome = (id: string, verdict: Verdict): Outcome => ({ id, profile: "len32", verdict });
const entry = (given: Partial<BaselineEntry> = {}): BaselineEntry => ({
  pattern: "len32/a#*",
  reason: "known",
  ...given,
});

function apply(outcomes: readonly Outcome[], entries: readonly BaselineEntry[], flaky: readonly BaselineEntry[] = []) {
  const judge = new BaselineJudge({ entries, flaky }, TODAY);
  return {
    verdicts: outcomes.map((each) => judge.judge(each).verdict),
    problems: judge.problems(outcomes).map(({ kind }) => kind),
  };
}

const one = (verdict: Verdict, given?: Partial<BaselineEntry>) =>
  apply([outcome("len32/a#cut=1", verdict)], [entry(given)]);

describe("a baseline", () => {
  test("r[iut.baseline.must-fail]: what it foretells must come to pass", () => {
    expect(one("fail")).toEqual({ verdicts: ["known-fail"], problems: [] });
    expect(one("pass")).toEqual({ verdicts: ["fixed"], problems: ["fixed"] });
    expect(one("crash")).toEqual({ verdicts: ["crash"], problems: ["otherwise"] });
    expect(one("crash", { verdict: "crash" })).toEqual({ verdicts: ["known-fail"], problems: [] });
    expect(one("fail", { verdict: "crash" })).toEqual({ verdicts: ["fail"], problems: ["otherwise"] });
  });

  test("an entry may name the class that comes instead", () => {
    const about: Outcome = {
      ...outcome("len32/a#eof=2", "fail"),
      actual: [[], [error("eof.in-body", 2)]],
      difference: { step: 1, index: 0, problem: "another class" },
    };
    expect(apply([about], [entry({ class: "eof.in-body" })]).verdicts).toEqual(["known-fail"]);
    expect(apply([about], [entry({ class: "eof.in-prefix" })])).toEqual({
      verdicts: ["fail"],
      problems: ["otherwise"],
    });
  });

  test("r[iut.baseline.unmatched]: an entry that nothing matches, or only what was not executed, is a problem", () => {
    expect(one("fail", { pattern: "len64/*" }).problems).toEqual(["unmatched"]);
    expect(one("declined")).toEqual({ verdicts: ["declined"], problems: ["unmatched"] });
    expect(one("adapter error").problems).toEqual(["unmatched"]);
  });

  test("r[iut.baseline.broad]: an entry that also matches a passing case is too broad", () => {
    const both = [outcome("len32/a#cut=1", "fail"), outcome("len32/a#cut=2", "pass")];
    expect(apply(both, [entry()])).toEqual({ verdicts: ["known-fail", "fixed"], problems: ["too broad"] });
  });

  test("r[iut.baseline.expiry]: an expired entry excuses nothing, and is a problem; its last day still counts", () => {
    expect(one("fail", { expires: TODAY })).toEqual({ verdicts: ["known-fail"], problems: [] });
    expect(one("fail", { expires: "2026-06-14" })).toEqual({ verdicts: ["fail"], problems: ["expired"] });
    expect(one("pass", { expires: "2026-06-14" })).toEqual({ verdicts: ["pass"], problems: ["expired"] });
  });

  test("r[iut.baseline.reason]: an empty reason is a problem", () => {
    expect(one("fail", { reason: " " }).problems).toEqual(["no reason"]);
  });

  test("r[iut.baseline.flaky]: a flaky case may pass, and may fail only as stated", () => {
    const flaky = (verdict: Verdict) => apply([outcome("len32/a#cut=1", verdict)], [], [entry()]);
    expect(flaky("pass")).toEqual({ verdicts: ["pass"], problems: [] });
    expect(flaky("fail")).toEqual({ verdicts: ["known-fail"], problems: [] });
    expect(flaky("crash")).toEqual({ verdicts: ["crash"], problems: ["otherwise"] });
  });

  test("r[iut.baseline.exclusive]: no case is both failing and flaky", () => {
    expect(apply([outcome("len32/a#cut=1", "fail")], [entry()], [entry({ pattern: "len32/*" })]).problems).toEqual([
      "both",
    ]);
  });

  test("is held to its schema", () => {
    const file = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "baseline.json");
    const read = (content: string) => {
      writeFileSync(file, content);
      return readBaseline(file);
    };
    expect(read('{"entries":[{"pattern":"len32/*","reason":"r","issue":"i"}]}').entries).toHaveLength(1);
    expect(
      read('{"flaky":[{"pattern":"len32/*","reason":"","class":"eof","expires":"2027-01-31"}]}').flaky,
    ).toHaveLength(1);
    for (const wrong of [
      "{}",
      "{",
      "[]",
      '{"entries":[{"pattern":"len32/*"}]}',
      '{"entries":[{"pattern":"x","reason":"r","skip":true}]}',
      '{"entries":[{"pattern":"x","reason":"r","expires":"soon"}]}',
      '{"entries":[{"pattern":"x","reason":"r","verdict":"crash","class":"magic"}]}',
    ]) {
      expect(() => read(wrong)).toThrow(BaselineError);
    }
    expect(() => readBaseline(`${file}.missing`)).toThrow(BaselineError);
  });
});

describe("updating a baseline", () => {
  const cases = [
    outcome("len32/a", "pass"),
    outcome("len32/a#cut=1", "fail"),
    outcome("len32/a#cut=2", "fail"),
    outcome("len32/a#eof=1", "pass"),
    outcome("len32/b", "fail"),
    outcome("len32/b#cut=1", "crash"),
    outcome("len32/b#cut=2", "fail"),
    outcome("len64/c", "timeout"),
    outcome("len64/c#cut=1", "timeout"),
    outcome("grpc-lpm/d", "not applicable"),
  ];
  const update = (old: Partial<Baseline>, narrowed = false) =>
    updateBaseline({ entries: [], flaky: [], ...old }, cases, narrowed).baseline;

  test("names the failures by the fewest patterns that match nothing else", () => {
    expect(update({}).entries.map(({ pattern, verdict, reason }) => [pattern, verdict, reason])).toEqual([
      ["len32/a#cut=*", "fail", ""],
      ["len32/b", "fail", ""],
      ["len32/b#cut=1", "crash", ""],
      ["len32/b#cut=2", "fail", ""],
      ["len64/*", "timeout", ""],
    ]);
  });

  test("keeps what holds, gives a narrower entry the reason of the one that it replaces, and drops the rest", () => {
    const holds = entry({ pattern: "len64/c*", verdict: "timeout", reason: "slow" });
    const broad = entry({ pattern: "len32/a*", reason: "cuts are broken", issue: "#7" });
    const { baseline, kept, added, removed } = updateBaseline(
      { entries: [holds, broad, entry({ pattern: "len32/gone" })], flaky: [] },
      cases,
      false,
    );
    expect(baseline.entries.slice(0, 2)).toEqual([
      holds,
      { pattern: "len32/a#cut=*", verdict: "fail", reason: "cuts are broken", issue: "#7" },
    ]);
    expect({ kept, added, removed }).toEqual({ kept: 1, added: 4, removed: 2 });
  });

  test("leaves flaky cases to their entry, and a narrowed run leaves alone what it did not run", () => {
    const flaky = [entry({ pattern: "len32/b*" }), entry({ pattern: "tp/*" })];
    expect(update({ flaky }).flaky).toEqual([flaky[0]!]);
    expect(update({ flaky }).entries.map(({ pattern }) => pattern)).toEqual(["len32/a#cut=*", "len64/*"]);
    expect(update({ flaky, entries: [entry({ pattern: "tp/*" })] }, true)).toMatchObject({
      flaky,
      entries: [{ pattern: "tp/*" }, {}, {}],
    });
  });

  test("gives a baseline under which the same run is known, once the reasons are filled", () => {
    const next = update({});
    const file = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "baseline.json");
    writeFileSync(file, baselineText(next));
    const judge = new BaselineJudge(readBaseline(file), TODAY);
    expect(cases.map((each) => judge.judge(each).verdict).filter((verdict) => verdict === "known-fail")).toHaveLength(
      7,
    );
    expect(new Set(judge.problems(cases).map(({ kind }) => kind))).toEqual(new Set(["no reason"]));
  });
});

test("a pattern is literal but for * and ?", () => {
  expect(globMatcher("len32/*")("len32/a#cut=1")).toBe(true);
  expect(globMatcher("len32/a#cut=?")("len32/a#cut=12")).toBe(false);
  expect(globMatcher("len32/a#cuts=[1,2]")("len32/a#cuts=[1,2]")).toBe(true);
  expect(globMatcher("len32/a.b")("len32/a-b")).toBe(false);
  expect(globMatcher("len32/a")("xlen32/a")).toBe(false);
});
