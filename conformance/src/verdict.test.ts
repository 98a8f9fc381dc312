import { describe, expect, test } from "bun:test";
import { count, exitCode, type Verdict, wordOf } from "./verdict.ts";

const counts = (...verdicts: Verdict[]) => count(verdicts.map((verdict) => ({ id: "x", profile: "len32", verdict })));
const nothing = { adapterUnusable: false, baselineProblems: 0, notRun: 0 };

describe("the exit status", () => {
  test.each<[number, Verdict[]]>([
    [0, ["pass"]],
    [0, ["pass", "declined", "not applicable"]],
    [0, ["pass", "warn"]],
    [0, ["known-fail"]],
    [1, ["pass", "fail"]],
    [1, ["pass", "crash"]],
    [1, ["pass", "timeout"]],
    [2, ["pass", "fixed"]],
    [3, ["pass", "adapter error"]],
    [4, ["pass", "harness error"]],
    [5, []],
    [5, ["declined", "not applicable"]],
  ])("%i for %p", (exit, verdicts) => {
    expect(exitCode(counts(...verdicts), nothing)).toBe(exit as 0);
  });

  test("r[iut.exit.precedence]: the first of 4, 3, 2, 1, 5, 0", () => {
    const all: Verdict[] = ["harness error", "adapter error", "fixed", "fail", "declined", "pass"];
    const met = all.map((_, i) => exitCode(counts(...all.slice(i)), nothing));
    expect(met).toEqual([4, 3, 2, 1, 0, 0]);
  });

  test("is 3 for an unusable adapter, 2 for an unmatched entry, 1 for what was left unrun", () => {
    expect(exitCode(counts(), { ...nothing, adapterUnusable: true })).toBe(3);
    expect(exitCode(counts("fail"), { ...nothing, baselineProblems: 1 })).toBe(2);
    expect(exitCode(counts("pass"), { ...nothing, notRun: 1 })).toBe(1);
  });
});

test("four words for a profile", () => {
  expect(wordOf(counts("pass", "declined"), 0)).toBe("conformant");
  expect(wordOf(counts("pass", "timeout"), 0)).toBe("not conformant");
  expect(wordOf(counts("pass", "known-fail"), 0)).toBe("not conformant");
  expect(wordOf(counts("declined", "not applicable"), 0)).toBe("not claimed");
  expect(wordOf(counts("pass", "adapter error"), 0)).toBe("could not tell");
  expect(wordOf(counts("pass"), 3)).toBe("could not tell");
});
