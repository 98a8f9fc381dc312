import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyBaseline, BaselineError, readBaseline } from "./baseline.ts";
import { globMatcher } from "./glob.ts";
import type { Outcome, Verdict } from "./verdict.ts";

const outcome = (id: string, verdict: Verdict): Outcome => ({ id, profile: "len32", verdict });
const apply = (verdict: Verdict, entry: object = {}) =>
  applyBaseline([outcome("len32/a#cut=1", verdict)], [{ pattern: "len32/a#*", reason: "known", ...entry }]);

describe("a baseline", () => {
  test("r[iut.baseline.must-fail]: what it foretells must come to pass", () => {
    expect(apply("fail").outcomes[0]?.verdict).toBe("known-fail");
    expect(apply("pass").outcomes[0]?.verdict).toBe("fixed");
    expect(apply("crash").outcomes[0]?.verdict).toBe("crash");
    expect(apply("crash", { verdict: "crash" }).outcomes[0]?.verdict).toBe("known-fail");
    expect(apply("fail", { verdict: "crash" }).outcomes[0]?.verdict).toBe("fail");
  });

  test("r[iut.baseline.unmatched]: an entry that nothing matches, or only what was not executed, is unmatched", () => {
    expect(apply("fail").unmatched).toEqual([]);
    expect(apply("fail", { pattern: "len64/*" }).unmatched).toHaveLength(1);
    expect(apply("declined").unmatched).toHaveLength(1);
  });

  test("is held to its schema", () => {
    const file = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "baseline.json");
    const read = (content: string) => {
      writeFileSync(file, content);
      return readBaseline(file);
    };
    expect(read('{"entries":[{"pattern":"len32/*","reason":"r","issue":"i"}]}')).toHaveLength(1);
    expect(() => read('{"entries":[{"pattern":"len32/*"}]}')).toThrow(BaselineError);
    expect(() => read('{"entries":[{"pattern":"x","reason":"r","skip":true}]}')).toThrow(BaselineError);
    expect(() => read("{")).toThrow(BaselineError);
    expect(() => readBaseline(`${file}.missing`)).toThrow(BaselineError);
  });
});

test("a pattern is literal but for * and ?", () => {
  expect(globMatcher("len32/*")("len32/a#cut=1")).toBe(true);
  expect(globMatcher("len32/a#cut=?")("len32/a#cut=12")).toBe(false);
  expect(globMatcher("len32/a#cuts=[1,2]")("len32/a#cuts=[1,2]")).toBe(true);
  expect(globMatcher("len32/a.b")("len32/a-b")).toBe(false);
  expect(globMatcher("len32/a")("xlen32/a")).toBe(false);
});
