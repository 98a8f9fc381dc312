import { describe, expect, test } from "bun:test";
import { judge } from "../judge.ts";
import type { Events } from "../protocol.ts";
import { error, message, testCase } from "../testing.ts";
import type { Outcome } from "../verdict.ts";
import { failureOf } from "./failure.ts";
import { failurePage } from "./failure-page.ts";
import { paint } from "./paint.ts";
import type { FailureGroup, Report } from "./report.ts";
import { quote } from "./shell.ts";

const report = {
  command: "bun run tensorwire conformance --launch 'python3 port.py'",
  seed: "5eed",
  granularity: "class",
} as Report;

function groupOf(about: ReturnType<typeof testCase>, actual: Events, more = 0): FailureGroup {
  const difference = judge(about.expected, actual, "class") ?? undefined;
  const outcome: Outcome = {
    id: about.id,
    profile: about.profile,
    verdict: "fail",
    case: about,
    actual,
    ...(difference && { difference }),
  };
  return { first: outcome, more };
}

const page = (...given: Parameters<typeof groupOf>) => failurePage(groupOf(...given), report, paint(false));

describe("a failure page", () => {
  test("has what, why, the bytes with cuts and fields, both event lists, the last good point and the command", () => {
    const about = testCase("len32/eof-in-body#cut=2", {
      steps: [{ feed: "0000" }, { feed: "000568656c" }, { eof: true }],
      expected: [[], [], [error("eof.in-body", 7)]],
      sibling: "len32/hello",
    });
    expect(page(about, [[], [], [{ event: "end" }]], 41)).toEqual([
      "fail  len32/eof-in-body#cut=2  and 41 more of this vector",
      "  why      A frame is a message.",
      "  rules    r[len32.prefix.layout]",
      "  sibling  len32/hello is its accepted neighbour",
      "  problem  step 2 should give the error eof.in-body; it gave a clean end",
      "  stream   7 bytes in 2 reads, under max_frame_length 1024",
      "    00000000  00 00|00 05 68 65 6c                              ....hel",
      "              aaaaaaaaaaa bbbbbbbb                              a length  b payload",
      "    step 0   read of 2 bytes → 2",
      "      agreed    no event",
      "    step 1   read of 5 bytes → 7",
      "      agreed    no event",
      "    step 2   end of the stream → 7   ◀",
      "      expected  error eof.in-body at 7, fatal",
      "      actual    end",
      "  good to  step 1, byte 7 of the stream: 0 events agreed until there",
      "  repeat   bun run tensorwire conformance --launch 'python3 port.py' --filter 'len32/eof-in-body#cut=2' --seed 5eed",
    ]);
  });

  test("names what else the specification allows", () => {
    const about = testCase("len32/x", {
      steps: [{ feed: "00" }],
      expected: [[error("header.length", 1)]],
      alternatives: [{ reason: "It may be ignored.", expected: [[]] }],
    });
    expect(page(about, [[message("00")]])).toContain("  allowed  another outcome too: It may be ignored.");
  });

  test("has the bytes of each connection together, however their steps alternate", () => {
    const about = testCase("len32/x#beside=y", {
      steps: [{ on: 0 }, { feed: "0000" }, { on: 1 }, { feed: "00" }, { on: 0 }, { feed: "0001ff" }],
      expected: [[], [], [], [], [], [message("ff")]],
      marks: [
        { field: "length", start: 0, end: 4 },
        { field: "payload", start: 4, end: 5 },
        { field: "length", start: 5, end: 6 },
      ],
    });
    const lines = page(about, [[], [], [], [], [], []]);
    expect(lines).toContain(
      "  stream   6 bytes in 3 reads of 2 connections, one behind the other, under max_frame_length 1024",
    );
    expect(lines).toContain("    00000000  00 00|00 01 ff|00                                 ......");
    expect(lines).toContain("    step 3   read of 1 byte → 6");
    expect(lines).toContain("    step 5   read of 3 bytes → 5   ◀");
    const { stream } = failureOf(groupOf(about, [[], [], [], [], [], []]), report);
    expect(stream).toMatchObject({ hex: "00000001ff00", total: 6, cuts: [2, 5], connections: 2 });
  });

  test("an error that agrees in all but its text has agreed", () => {
    const about = testCase("len32/x", {
      steps: [{ feed: "00" }, { eof: true }],
      expected: [[message("")], [error("eof.in-prefix", 1)]],
    });
    const actual: Events = [[], [{ ...error("eof.in-prefix", 1), text: "cut" } as never]];
    expect(page(about, actual)).toContain("      agreed    error eof.in-prefix at 1, fatal");
  });

  test("shows where an encoder's bytes first differ", () => {
    const about = testCase("len32/encode", {
      role: "encode",
      steps: [{ encode: { payload: "6162" } }],
      expected: [[{ event: "bytes", hex: "000000026162" }]],
    });
    const lines = page(about, [[{ event: "bytes", hex: "020000006162" }]]);
    expect(lines).toContain("  actual   6 bytes, the first difference at byte 0");
    expect(lines).toContain("    00000000  02 00 00 00 61 62                                 ....ab");
  });

  test("cuts long lists around the place where they differ", () => {
    const about = testCase("len32/long", { steps: [{ feed: "" }], expected: [[message("00".repeat(3000))]] });
    const line = page(about, [[message(`${"00".repeat(2999)}ff`)]]).find((text) => text.includes("actual"));
    expect(line).toContain('ff"}');
    expect(line?.length).toBeLessThan(200);
  });

  test("the command can be pasted into a shell", () => {
    expect(quote("len32/hello#cut=2")).toBe("'len32/hello#cut=2'");
    expect(quote("it's")).toBe("'it'\\''s'");
    expect(quote("len32/hello")).toBe("len32/hello");
  });
});
