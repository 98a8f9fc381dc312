import { describe, expect, test } from "bun:test";
import { type CallRecord, chromeTrace, joinLanes, overlapFraction, stageTimes } from "./trace.ts";

const compute = (rank: number | null, call_id: bigint, start: number, end: number, lane = 0): CallRecord => ({
  rank,
  lane,
  call_id,
  num_tokens: 1,
  spans: [
    { name: "queue", start: start - 5, end: start },
    { name: "compute", start, end },
  ],
});

describe("overlapFraction", () => {
  const cases: [string, CallRecord[], number][] = [
    ["nothing", [], 0],
    ["one stage", [compute(0, 1n, 0, 10)], 0],
    ["one after the other, touching", [compute(0, 1n, 0, 10), compute(1, 1n, 10, 20)], 0],
    ["all of the time", [compute(0, 1n, 0, 10), compute(1, 2n, 0, 10)], 1],
    ["5 of 15", [compute(0, 1n, 0, 10), compute(1, 2n, 5, 15)], 1 / 3],
    ["three at once count once", [compute(0, 1n, 0, 10), compute(1, 2n, 0, 10), compute(2, 3n, 0, 10)], 1],
    ["idle time does not count", [compute(0, 1n, 0, 10), compute(1, 2n, 5, 10), compute(0, 3n, 90, 100)], 1 / 4],
    ["the driver computes nothing", [compute(0, 1n, 0, 10), compute(null, 2n, 0, 10)], 0],
  ];
  test.each(cases)("%s", (_, records, expected) => expect(overlapFraction(records)).toBeCloseTo(expected, 12));
});

test("stage times are by rank, without the driver", () => {
  const records = [compute(1, 1n, 0, 3), compute(0, 1n, 0, 10), compute(1, 2n, 5, 6), compute(null, 1n, 0, 9)];
  expect(stageTimes(records)).toEqual([
    { rank: 0, busyMs: 10, calls: 1 },
    { rank: 1, busyMs: 4, calls: 2 },
  ]);
});

test("stages get the lanes of the driver by call_id, and keep their own where it has none", () => {
  const records = [compute(null, 7n, 0, 1, 3), compute(0, 7n, 0, 1, 0), compute(0, 8n, 0, 1, 2)];
  expect(joinLanes(records).map(({ lane }) => lane)).toEqual([3, 3, 2]);
});

test("a trace has a process for each rank, a thread for each lane, and times in microseconds from the first span", () => {
  const { traceEvents } = JSON.parse(
    chromeTrace([compute(null, 2n ** 60n, 1005, 1006.5, 1), compute(0, 1n, 1010, 1011)]),
  );
  expect(traceEvents.slice(0, 2)).toEqual([
    { name: "process_name", ph: "M", pid: 0, tid: 0, args: { name: "driver" } },
    { name: "process_name", ph: "M", pid: 1, tid: 0, args: { name: "stage 0" } },
  ]);
  const args = { call_id: "1152921504606846976", num_tokens: 1 };
  expect(traceEvents.slice(2, 4)).toEqual([
    { name: "queue", cat: "call", ph: "X", ts: 0, dur: 5000, pid: 0, tid: 1, args },
    { name: "compute", cat: "call", ph: "X", ts: 5000, dur: 1500, pid: 0, tid: 1, args },
  ]);
  expect(traceEvents).toHaveLength(6);
});
