import { expect, test } from "bun:test";
import { checkCount, checkRange } from "./caller.ts";
import { WireError } from "./errors.ts";

test("a count is an integer that a number holds exactly, and is given back", () => {
  for (const value of [0, 1, 2 ** 53 - 1]) expect(checkCount("n", value)).toBe(value);
  for (const value of [
    -1,
    0.5,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    "",
    "5",
    true,
    5n,
    Symbol("5"),
  ]) {
    const act = () => checkCount("n", value);
    expect(act).toThrow(WireError);
    expect(act).toThrow(`[state] n: expected an integer from 0 to 2^53 - 1, ${String(value)} came`);
  }
});

test("a range lies in its buffer, and may be empty at either end", () => {
  const buffer = new Uint8Array(4);
  for (const [start, end] of [
    [0, 4],
    [0, 0],
    [4, 4],
    [1, 3],
  ] as const) {
    expect(() => checkRange(buffer, start, end)).not.toThrow();
  }
  for (const [start, end] of [
    [-1, 4],
    [0, 5],
    [3, 2],
    [0.5, 4],
    [0, 3.5],
    [0.5, 3.5],
    [Number.NaN, 4],
  ] as const) {
    const message = `[state] expected a range within the 4 bytes of the buffer, [${start}, ${end}) came`;
    expect(() => checkRange(buffer, start, end)).toThrow(message);
  }
});
