import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bend, probed } from "../../liars/honest-probes.ts";
import { judgeCase } from "../judge.ts";
import { runConformance } from "../run.ts";

setDefaultTimeout(120_000);

async function shrunkBy(bend: Bend, filter: string) {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
  const said: string[] = [];
  await runConformance({
    ...{ way: { kind: "in-process", iut: probed(bend) }, profiles: ["len32"], filter, shrink: folder },
    log: (line) => said.push(line),
    print: () => {},
  });
  const path = join(folder, "len32", "shrunk.cases.jsonl");
  const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  return { said: said.join("\n"), cases: lines.map((line) => JSON.parse(line)) };
}

describe("a failure of a probe shrinks to a vector that brings it, and to fewer steps", () => {
  test.each<[Bend, string, RegExp]>([
    ["drops-on-cancel", "len32/two#cancel=each", /len32\/\S+ brings it, by the probe cancel: len32\/\S+#cancel=/],
    [
      "begins-again",
      "len32/encode-*#quota=*",
      /len32\/encode-\S+ brings it, by the probe quota: len32\/encode-\S+#quota=/,
    ],
    ["never-fires", "len32/*#clock=*", /len32\/\S+ brings it, by the probe clock: len32\/\S+#clock=/],
    ["hands-out-its-buffer", "len32/*#poison=row*", /len32\/\S+ brings it, by the probe poison: len32\/\S+#poison/],
    ["shares-a-decoder", "len32/two#beside=*", /len32\/\S+ brings it, by the probe beside: len32\/\S+#beside=/],
    ["reserves", "len32/*#memory=4294967295", /len32\/\S+ brings it, by the probe memory: len32\/\S+#memory=/],
  ])("%s", async (bend, filter, says) => {
    const { said, cases } = await shrunkBy(bend, filter);
    expect(said).toMatch(says);
    expect(cases.length).toBeGreaterThan(0);
    for (const about of cases) {
      const ask = { ...about, op: "case", seq: 0 };
      const [lie, right] = [probed(bend).handle(ask), probed().handle(ask)];
      expect(lie.op === "result" && judgeCase(about, lie.steps, "class")).not.toBeNull();
      expect(right.op === "result" && judgeCase(about, right.steps, "class")).toBeNull();
    }
  });
});

test("a lighter vector with the same probe takes the place of a longer one", async () => {
  const { said, cases } = await shrunkBy("drops-on-cancel", "len32/two#cancel=each");
  const [{ vector, steps } = { vector: "", steps: [] }] = cases;
  expect(vector).not.toBe("len32/two");
  expect(said).toContain("shrunk len32/two#cancel=each (19 bytes in 40 steps) to ");
  expect(steps.filter((step: object) => "cancel" in step).length).toBeLessThan(4);
});
