import { expect, test } from "bun:test";
import { tensorwire } from "./testing.ts";

// A timer that does not fit would fire at once.
test.each([
  ["--idle-deadline", "2147483648", "2147483647"],
  ["--deadline", "3600001", "3600000"],
])("stage %s %s is more than can be waited for", async (flag, ms, most) => {
  const { code, err } = await tensorwire("stage", "--rank", "0", "--stages", "1", "--backend", "cpu", flag, ms);
  expect([code, err]).toEqual([64, `error: expected an integer from 1 to ${most}, got "${ms}"\n`]);
});
