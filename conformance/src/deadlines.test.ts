import { expect, test } from "bun:test";
import { CaseDeadline, helloDeadline } from "./deadlines.ts";
import { LINE_LIMIT } from "./protocol.ts";

const one = { steps: [{ feed: "00".repeat(1000) }, { eof: true as const }] };

test("under attach somebody has minutes to start the implementation by hand", () => {
  expect(helloDeadline({ kind: "attach" })).toBe(300_000);
  expect(helloDeadline({ kind: "launch", command: "port" })).toBe(30_000);
});

test("r[iut.deadline.scaled]: a case has two seconds at least, more where the link check took long, and more for its bytes and steps", () => {
  expect(CaseDeadline.scaled({ roundTrip: 0.1, longLine: 1 }).base).toBe(2000);
  const slow = CaseDeadline.scaled({ roundTrip: 10, longLine: LINE_LIMIT / 1000 });
  expect(slow.base).toBe(5000);
  expect(CaseDeadline.scaled({ roundTrip: 1500, longLine: 1 }).base).toBe(30_000);
  expect(slow.of(one)).toBeCloseTo(5000 + 1000 * 0.05 + 2 * 0.1);
  expect(slow.times(4).of({ steps: [] })).toBe(20_000);
  expect(CaseDeadline.fixed(50).of({ steps: [] })).toBe(50);
});
