import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { honest, honestHello } from "../liars/honest.ts";
import type { InProcessIut } from "./link/in-process.ts";
import type { ConformanceOptions } from "./options.ts";
import { SAMPLE, sampleIut } from "./report/testing.ts";
import { runConformance } from "./run.ts";
import { testCase, testCorpus } from "./testing.ts";

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

test("--update-baseline keeps what a run that was cut short did not come to", async () => {
  const baseline = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "known.json");
  const entry = { pattern: "len32/hello#9", reason: "wrong since the spring" };
  writeFileSync(baseline, JSON.stringify({ entries: [entry, { pattern: "len32/hello#0", reason: "wrong too" }] }));
  const crash: InProcessIut = {
    hello: honestHello,
    handle: (request) => {
      if (request.id?.startsWith("len32/")) throw new Error("segfault");
      return honest(request);
    },
  };
  const { report } = await runConformance({
    ...{ way: { kind: "in-process", iut: crash }, baseline, updateBaseline: true, log: () => {}, print: () => {} },
    corpus: testCorpus(...Array.from({ length: 10 }, (_, i) => testCase(`len32/hello#${i}`))),
  });
  expect(report?.notRun.get("len32")).toBe(1);
  const { entries } = JSON.parse(readFileSync(baseline, "utf8"));
  expect(entries).toContainEqual(entry);
  // What was asked, and failed in another way than stated, is written anew.
  expect(entries).not.toContainEqual({ pattern: "len32/hello#0", reason: "wrong too" });
});
