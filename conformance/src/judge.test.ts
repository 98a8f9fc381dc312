import { describe, expect, test } from "bun:test";
import { judge, judgeCase } from "./judge.ts";
import type { Events } from "./protocol.ts";
import { error, message } from "./testing.ts";

const problem = (expected: Events, actual: Events, granularity: "class" | "stage" | "none" = "class") =>
  judge(expected, actual, granularity)?.problem;

describe("judge", () => {
  test("r[iut.judge.exact]: equal lists agree, whatever the order of an object's fields", () => {
    const a: Events = [[{ event: "message", value: { tag: 1, payload: "00" } }], [{ event: "end" }]];
    const b: Events = [[{ value: { payload: "00", tag: 1 }, event: "message" }], [{ event: "end" }]];
    expect(judge(a, b, "class")).toBeNull();
  });

  test.each<[string, Events, Events, string]>([
    ["a missing event", [[message("00")]], [[]], "a message is missing in step 0"],
    ["a surplus event", [[]], [[{ event: "end" }]], "a clean end in step 0 should not be there"],
    [
      "another event",
      [[error("eof.in-body", 1)]],
      [[{ event: "end" }]],
      "step 0 should give the error eof.in-body; it gave a clean end",
    ],
    ["other content", [[message("00")]], [[message("01")]], "a message in step 0 has other content than expected"],
    [
      "another class",
      [[error("eof.in-body", 1)]],
      [[error("eof.in-prefix", 1)]],
      "step 0 should give the error eof.in-body; it gave the error eof.in-prefix",
    ],
    [
      "another offset",
      [[error("eof.in-body", 1)]],
      [[error("eof.in-body", 2)]],
      "the error eof.in-body is at 1; it was reported at 2",
    ],
    [
      "a digest for hex",
      [[{ event: "bytes", hex: "00" }]],
      [[{ event: "bytes", length: 5000, sha256: "0".repeat(64) }]],
      "bytes in step 0 has other content than expected",
    ],
    [
      "an event after a fatal error",
      [[error("eof.in-body", 1)], []],
      [[error("eof.in-body", 1)], [message("00")]],
      "a message in step 1 should not be there",
    ],
  ])("finds %s", (_, expected, actual, text) => {
    expect(problem(expected, actual)).toBe(text);
  });

  test("r[iut.judge.late]: the right event in a later step is late", () => {
    expect(problem([[message("00")], []], [[], [message("00")]])).toBe(
      "a message belongs to step 0 and was reported late, in step 1",
    );
  });

  test("names the first step and event that differ", () => {
    const expected = [[message("00")], [message("01"), message("02")]];
    expect(judge(expected, [[message("00")], [message("01"), message("03")]], "class")).toMatchObject({
      step: 1,
      index: 1,
    });
  });

  test("fatal is compared", () => {
    const refused = { event: "error", class: "flags.reserved", at: "0", fatal: false } as const;
    expect(problem([[refused]], [[{ ...refused, fatal: true }]])).toBe(
      "the error flags.reserved should have fatal false; it was true",
    );
  });

  test("the text of an error is never compared", () => {
    expect(
      problem([[error("eof.in-body", 1)]], [[{ ...error("eof.in-body", 1), text: "cut" } as never]]),
    ).toBeUndefined();
  });

  test("r[iut.granularity.judged]: a stage is judged as a stage, and no class at all by its offset", () => {
    const expected = [[error("eof.in-body", 3)]];
    expect(problem(expected, [[error("eof", 3)]], "stage")).toBeUndefined();
    expect(problem(expected, [[error("oversize", 3)]], "stage")).toContain("it gave the error oversize");
    const bare = { event: "error", at: "3", fatal: true } as const;
    expect(problem(expected, [[bare]], "none")).toBeUndefined();
    expect(problem(expected, [[{ ...bare, at: "4" }]], "none")).toContain("reported at 4");
  });
});

describe("judgeCase", () => {
  const expected: Events = [[error("header.length", 4)]];
  const alternatives = [{ reason: "It may be ignored.", expected: [[message("00")]] as Events }];

  test("takes what an alternative allows, and nothing else", () => {
    expect(judgeCase({ expected, alternatives }, [[message("00")]], "class")).toBeNull();
    expect(judgeCase({ expected, alternatives }, expected, "class")).toBeNull();
    expect(judgeCase({ expected }, [[message("00")]], "class")).not.toBeNull();
  });

  test("tells a failure against the expectation", () => {
    expect(judgeCase({ expected, alternatives }, [[message("01")]], "class")?.problem).toBe(
      "step 0 should give the error header.length; it gave a message",
    );
  });
});

describe("r[iut.probe.memory.bound] r[iut.probe.memory.linear]: a memory report is held to the most that is allowed", () => {
  const most: Events = [[{ event: "memory", held: "1000", copied: "50" }]];
  const says = (held: string, copied?: string) =>
    problem(most, [[{ event: "memory", held, ...(copied === undefined ? {} : { copied }) }]]);

  test("up to it and below is right, and what is copied need not be told", () => {
    expect([says("1000", "50"), says("0", "0"), says("999")]).toEqual([undefined, undefined, undefined]);
  });

  test("more is wrong, and says by how much", () => {
    expect(says("1001", "50")).toBe("in step 0 1001 bytes are held, at most 1000 are allowed");
    expect(says("9007199254740993", "0")).toContain("9007199254740993 bytes are held");
    expect(says("1000", "51")).toBe("in step 0 51 bytes were copied, at most 50 are allowed");
  });

  test("another event is none", () => {
    expect(problem(most, [[{ event: "end" }]])).toBe("step 0 should give a memory report; it gave a clean end");
  });
});
