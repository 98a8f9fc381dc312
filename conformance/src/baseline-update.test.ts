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

test("--update-baseline says with which seed alone an entry for fresh cases holds", async () => {
  const baseline = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "known.json");
  const fresh = testCase("challenge/len32/cut-1", {
    steps: [{ feed: "000000" }, { eof: true }],
    expected: [[], [{ event: "error", class: "eof.in-prefix", at: "3", fatal: true }]],
  });
  const said = async (seed?: string) => {
    const lines: string[] = [];
    await runConformance({
      way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
      ...{ corpus: testCorpus(testCase("len32/hello"), fresh), baseline, updateBaseline: true, print: () => {} },
      ...{ log: (line) => void lines.push(line), ...(seed !== undefined && { seed }) },
    });
    return lines.join("\n");
  };
  expect(await said()).toMatch(/challenge\/\S+ names fresh cases: it holds with --seed [0-9a-f]{16} alone/);
  expect(await said("7")).not.toContain("fresh cases");
});

test("a run whose every failure is known says so, and not that the IUT is conformant", async () => {
  const baseline = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "known.json");
  writeFileSync(baseline, JSON.stringify({ entries: [{ pattern: "len32/cut", reason: "wrong since the spring" }] }));
  const printed: string[] = [];
  const { exitCode } = await runConformance({
    way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
    ...{ corpus: SAMPLE, baseline, log: () => {}, print: (text) => void printed.push(text) },
  });
  expect(exitCode).toBe(0);
  expect(printed.join("")).toContain("nothing fails but what is known to (exit 0)");
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
