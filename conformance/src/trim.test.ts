import { expect, test } from "bun:test";
import type { Event } from "./protocol.ts";
import { testCase } from "./testing.ts";
import { trimmed } from "./trim.ts";
import type { Outcome } from "./verdict.ts";

const events = (count: number): Event[] =>
  Array.from({ length: count }, (_, i) => ({ event: "message", value: { payload: `${i}` } }));
const wrong = (...counts: readonly number[]): Outcome => ({
  id: "len32/hello",
  profile: "len32",
  verdict: "fail",
  // One event is expected of either step.
  case: testCase("len32/hello"),
  actual: counts.map(events),
});

test("a few events more than expected are kept, and the others are counted", () => {
  expect(trimmed(wrong(5, 5)).omitted).toBeUndefined();
  const { actual, omitted } = trimmed(wrong(6, 5000));
  expect(actual).toEqual([events(5), events(5)]);
  expect(omitted).toBe(1 + 4995);
});

test("the event that differs is kept, however far it is", () => {
  const difference = { step: 1, index: 20, problem: "a message in step 1 should not be there" };
  const { actual, omitted } = trimmed({ ...wrong(1, 30), difference });
  expect(actual).toEqual([events(1), events(25)]);
  expect(omitted).toBe(5);
});

test("an outcome without events, or without a case, stays as it is", () => {
  const pass: Outcome = { id: "len32/hello", profile: "len32", verdict: "pass" };
  expect(trimmed(pass)).toBe(pass);
  const { case: _, ...bare } = wrong(100);
  expect(trimmed(bare)).toBe(bare);
});
