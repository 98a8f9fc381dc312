import { expect, test } from "bun:test";
import { rejection } from "./testing.ts";
import { within } from "./within.ts";

test("gives what comes in time, and says what did not", async () => {
  expect(await within(Promise.resolve(1), 0, "it did not come")).toBe(1);
  const late = await rejection(within(new Promise(() => {}), 5, "it did not come"));
  expect((late as Error).message).toBe("it did not come within 5 ms");
});

test("waits as long as it takes where it is told to, which is longer than any timer", async () => {
  for (const ms of [2 ** 31, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
    expect(await within(new Promise((turn) => setImmediate(() => turn(1))), ms, "it did not come")).toBe(1);
  }
});

test("ends with the signal's reason", async () => {
  const stop = new AbortController();
  const waits = rejection(within(new Promise(() => {}), Number.POSITIVE_INFINITY, "it did not come", stop.signal));
  stop.abort("no more");
  expect(await waits).toBe("no more");
  expect(await rejection(within(new Promise(() => {}), 1000, "it did not come", stop.signal))).toBe("no more");
});
