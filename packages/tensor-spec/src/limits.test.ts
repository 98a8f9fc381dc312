import { expect, test } from "bun:test";
import { messageLimits } from "./limits.ts";

test("a limit of 0 is one, and what is no count is the caller's fault", () => {
  expect(messageLimits({ maxTensors: 0 }).maxTensors).toBe(0);
  for (const maxRank of [-1, 0.5, Number.NaN, 2 ** 53]) {
    expect(() => messageLimits({ maxRank })).toThrow(
      `[state] maxRank: expected an integer from 0 to 2^53 - 1, ${maxRank} came`,
    );
  }
});
