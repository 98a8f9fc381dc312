import { describe, expect, test } from "bun:test";
import { paceOf } from "./pace.ts";

/** Runs that take what these say, in the order in which they are asked for. */
function timed(half: number[], whole: number[]) {
  let now = 0;
  const runs: string[] = [];
  const run = async (which: "half" | "whole") => {
    runs.push(which);
    now += (which === "half" ? half : whole).shift() ?? Number.NaN;
  };
  return { paced: paceOf(run, () => now), runs };
}

describe("r[iut.probe.memory.pace]: the time for twice the bytes", () => {
  test("is at rest when it is twice the time", async () => {
    const { paced, runs } = timed([200], [400]);
    expect(await paced).toBeUndefined();
    expect(runs).toEqual(["half", "whole"]);
  });

  test("is four times the time where the cost is quadratic, and is told", async () => {
    const { paced } = timed([100, 101, 102, 103, 104], [400, 410, 420, 430, 440]);
    expect(await paced).toContain("took 400 ms and half of its bytes took 100 ms");
  });

  test("is measured again before it is told: one slow round is the machine's", async () => {
    const { paced, runs } = timed([100, 100], [900, 210]);
    expect(await paced).toBeUndefined();
    expect(runs).toHaveLength(4);
  });

  test("says nothing while it is short", async () => {
    expect(await timed([1], [99]).paced).toBeUndefined();
  });
});
