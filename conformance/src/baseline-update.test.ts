import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConformanceOptions } from "./options.ts";
import { SAMPLE, sampleIut } from "./report/testing.ts";
import { runConformance } from "./run.ts";

test("r[iut.baseline.reason]: --update-baseline writes what fails, and the next run demands the reasons", async () => {
  const baseline = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "known.json");
  const said: string[] = [];
  const run = async (options: ConformanceOptions = {}) => {
    const { exitCode } = await runConformance({
      way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
      ...{ corpus: SAMPLE, baseline, log: (line) => void said.push(line), print: () => {} },
      ...options,
    });
    return exitCode;
  };
  expect(await run({ updateBaseline: true })).toBe(0);
  expect(said.join()).toContain("0 entries kept, 1 added, 0 removed; fill in the reason of 1");
  const text = readFileSync(baseline, "utf8");
  expect(JSON.parse(text)).toEqual({ entries: [{ pattern: "len32/cut", verdict: "fail", reason: "" }] });
  expect(await run()).toBe(2);
  writeFileSync(baseline, text.replace('"reason": ""', '"reason": "an end inside a prefix is called clean"'));
  expect(await run()).toBe(0);
  // Mended: the entry is stale, and an update takes it out.
  const mended = { kind: "in-process", iut: sampleIut("sample") } as const;
  expect(await run({ way: mended })).toBe(2);
  expect(await run({ way: mended, updateBaseline: true })).toBe(0);
  expect(JSON.parse(readFileSync(baseline, "utf8"))).toEqual({ entries: [] });
});
