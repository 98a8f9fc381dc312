import { describe, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import type { TcpSegment } from "./dissect.ts";
import { reassemble } from "./reassemble.ts";
import { FLAG } from "./segment.ts";
import { segment } from "./testing.ts";

const open = (first = 0): TcpSegment[] => [
  segment(1, first, "", { flags: FLAG.syn }),
  segment(2, 500, "", { flags: FLAG.syn | FLAG.ack, back: true }),
];
const stream = (...rest: readonly TcpSegment[]) => reassemble([...open(), ...rest]).map((one) => one.stream());
const sent = (...rest: readonly TcpSegment[]) =>
  stream(...rest)[0]?.dialler.reads.map((read) => Buffer.from(read).toString());
const fin = FLAG.fin | FLAG.ack;

describe("a stream of a capture", () => {
  test("has the reads of its segments, both ways, and its end", () => {
    const [one] = stream(
      segment(3, 1, "ab"),
      segment(4, 501, "x", { back: true }),
      segment(5, 3, "c"),
      segment(6, 4, "", { flags: fin }),
    );
    expect(one?.dialler).toMatchObject({ from: "198.18.0.1:50000", to: "198.19.0.1:7000", length: 3, ending: "end" });
    expect(one?.listener).toMatchObject({ length: 1, ending: undefined });
    expect(sent(segment(3, 1, "ab"), segment(4, 3, "c"))).toEqual(["ab", "c"]);
  });

  test("takes bytes once that come again, in part or out of order", () => {
    expect(sent(segment(3, 1, "ab"), segment(4, 1, "ab"), segment(5, 2, "bcd"))).toEqual(["ab", "cd"]);
    expect(sent(segment(3, 5, "ef"), segment(4, 3, "cd"), segment(5, 1, "ab"))).toEqual(["ab", "cd", "ef"]);
    expect(sent(segment(3, 4, "defg"), segment(4, 1, "abcde"))).toEqual(["abcde", "fg"]);
  });

  test("is the same however its segments are cut, doubled and mixed", () => {
    const text = "the quick brown fox jumps over the lazy dog";
    const piece = fc.tuple(fc.nat(text.length - 1), fc.integer({ min: 1, max: text.length }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (pieces, first) => {
        const all = [...pieces, [0, text.length] as const].map(([at, length], i) =>
          segment(3 + i, first + 1 + at, text.slice(at, at + length)),
        );
        const [one] = reassemble([...open(first), ...all]);
        expect(Buffer.concat(one?.stream().dialler.reads ?? []).toString()).toBe(text);
      }),
    );
  });

  test.each([
    ["in order", (i: number) => i],
    ["backwards", (i: number) => 997 - i],
    ["each two the other way round", (i: number) => i ^ 1],
  ])("does not sort or move all that waits for each segment that comes behind a missing one, %s", (_, placeOf) => {
    const late = Array.from({ length: 998 }, (_, i) =>
      segment(3 + i, 2 + placeOf(i), String.fromCharCode(65 + (placeOf(i) % 26))),
    );
    const sorts = spyOn(Array.prototype, "sort");
    const shifts = spyOn(Array.prototype, "shift");
    try {
      const [one] = reassemble([...open(), ...late, segment(1001, 1, "-")]);
      // The two ends of each segment are sorted too, without a comparison.
      expect(sorts.mock.calls.filter(([compare]) => compare !== undefined).length).toBeLessThan(2);
      expect(shifts).not.toHaveBeenCalled();
      const { reads, length } = one!.stream().dialler;
      expect([reads.length, length]).toEqual([999, 999]);
    } finally {
      sorts.mockRestore();
      shifts.mockRestore();
    }
  });

  test("takes what came early in several gaps, which are filled one by one", () => {
    const parts = [..."abcdefgh"].map((letter, i) => segment(3 + i, 1 + i, letter));
    const order = [6, 4, 2, 0, 1, 7, 3, 5].map((i) => parts[i]!);
    expect(sent(...order)?.join("")).toBe("abcdefgh");
  });

  test("goes on where its numbers begin anew", () => {
    const [one] = reassemble([
      ...open(2 ** 32 - 3),
      segment(3, 2 ** 32 - 2, "ab"),
      segment(4, 0, "cd"),
      segment(5, 2, "ef"),
    ]);
    expect(Buffer.concat(one?.stream().dialler.reads ?? []).toString()).toBe("abcdef");
  });

  test("ends in a reset of either side", () => {
    const [one] = stream(segment(3, 1, "ab"), segment(4, 501, "", { flags: FLAG.rst, back: true }));
    expect([one?.dialler.ending, one?.listener.ending]).toEqual(["reset", "reset"]);
  });

  test("is another one when its ports are used again", () => {
    const again = [segment(4, 9000, "", { flags: FLAG.syn }), segment(5, 9001, "new")];
    const both = stream(segment(3, 1, "old"), ...again);
    expect(both.map(({ dialler }) => Buffer.concat(dialler.reads).toString())).toEqual(["old", "new"]);
    // A SYN that comes twice opens nothing.
    expect(stream(segment(3, 0, "", { flags: FLAG.syn }), segment(4, 1, "old")).length).toBe(1);
  });

  test("takes no byte of a probe that keeps a connection alive", () => {
    expect(sent(segment(3, 1, "ab"), segment(4, 2, "\0"), segment(5, 3, "c"))).toEqual(["ab", "c"]);
  });
});

describe("a stream that is refused says where", () => {
  test.each([
    [
      "bytes are missing",
      [segment(3, 1, "ab"), segment(4, 9, "z")],
      "bytes 2 to 8 are missing from the capture; what is behind them came in packet 4",
    ],
    [
      "bytes are missing before the end",
      [segment(3, 1, "ab"), segment(4, 5, "", { flags: fin })],
      "bytes 2 to 4 are missing from the capture; what is behind them came in packet 4",
    ],
    [
      "a byte is another the second time",
      [segment(3, 1, "abc"), segment(4, 1, "axc")],
      "byte 1 came twice and is another the second time, in packet 4",
    ],
    [
      "a byte of a read that is long past is another",
      [segment(3, 1, "ab"), segment(4, 3, "cd"), segment(5, 5, "ef"), segment(6, 2, "bcx")],
      "byte 3 came twice and is another the second time, in packet 6",
    ],
    [
      "the nearest of several that came early is behind a gap",
      [segment(3, 9, "z"), segment(4, 5, "y"), segment(5, 1, "a")],
      "bytes 1 to 4 are missing from the capture; what is behind them came in packet 4",
    ],
    [
      "a segment of it cannot be read",
      [segment(3, 1, "ab"), { ...segment(4, 3, ""), problem: "packet 4 at byte 9: why" }, segment(5, 3, "cd")],
      "packet 4 at byte 9: why",
    ],
  ])("when %s", (_, rest, words) => {
    const [one] = reassemble([...open(), ...rest]);
    expect(() => one?.stream()).toThrow(`stream 0, 198.18.0.1:50000 → 198.19.0.1:7000: ${words}`);
  });

  test("when the capture begins in its middle, and the others are none the worse", () => {
    const all = reassemble([segment(1, 77, "late"), segment(2, 100, "", { flags: FLAG.syn }), segment(3, 101, "new")]);
    expect(() => all[0]?.stream()).toThrow("the capture begins in the middle of it, at packet 1");
    expect(Buffer.concat(all[1]?.stream().dialler.reads ?? []).toString()).toBe("new");
  });
});
