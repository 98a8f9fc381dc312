import { expect, test } from "bun:test";
import { checkDeadlines } from "./limits.ts";

test("a wait is 0 or more milliseconds, or Infinity, or not given", () => {
  expect(() => checkDeadlines({ a: 0, b: 0.5, c: 2 ** 40, d: Number.POSITIVE_INFINITY, e: undefined })).not.toThrow();
  for (const ms of [Number.NaN, -1, Number.NEGATIVE_INFINITY]) {
    const words = `[state] b: expected 0 or more milliseconds, or Infinity, ${ms} came`;
    expect(() => checkDeadlines({ a: 1, b: ms })).toThrow(words);
  }
});
