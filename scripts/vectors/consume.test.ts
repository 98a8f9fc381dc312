import { describe, expect, test } from "bun:test";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Case, exportCases, loadCorpus } from "@tensorwire/conformance";
import { CORPUS } from "./verify.ts";

const CONSUMER = resolve(import.meta.dir, "consume.py");
const missing = Bun.which("python3") === null && process.env.TENSORWIRE_REQUIRE_PORTS === undefined;
if (missing) console.log("no python3 on this machine: the exported list is not consumed");

const corpus = loadCorpus(CORPUS);
const SELECTED = /^(?:wire\/)?(?:len32|multipart-typed|tp)\/[a-m]/;
const lines: string[] = [];
exportCases(corpus, { write: (text) => lines.push(text) }, (id) => SELECTED.test(id));

function consume(given: readonly string[]): { exitCode: number; output: string } {
  using folder = mkdtempDisposableSync(join(tmpdir(), "tensorwire-export-"));
  const path = join(folder.path, "cases.jsonl");
  writeFileSync(path, given.join(""));
  const { exitCode, stdout, stderr } = Bun.spawnSync(["python3", CONSUMER, path], { timeout: 60_000 });
  return { exitCode, output: `${stdout}${stderr}` };
}

test("the exported list has every case, with all that it says", () => {
  const cases = lines
    .map((line) => JSON.parse(line) as Case)
    .filter((line) => !("requires" in line || "scenario" in line));
  expect(cases.length).toBeGreaterThan(5000);
  expect(cases).toEqual([...corpus.cases((id) => SELECTED.test(id))]);
  expect(lines.length).toBeGreaterThan(cases.length + 1000);
});

describe.skipIf(missing)("a consumer in Python's standard library, without the harness,", () => {
  test("runs each line, and agrees with it", () => {
    const { exitCode, output } = consume(lines);
    expect(output).toMatch(/^[0-9]+ declined, [0-9]+ other level, [0-9]+ pass\n$/);
    const counts = output.match(/[0-9]+/g)!.map(Number);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(lines.length);
    expect(counts[2]).toBeGreaterThan(5000);
    expect(exitCode).toBe(0);
  }, 30_000);

  test("tells a case whose expectation is another", () => {
    const [first] = lines;
    const changed = first!.replace('"expected":[[', '"expected":[[{"event":"end"},');
    expect(changed).not.toBe(first);
    const { exitCode, output } = consume([changed, ...lines.slice(1, 3)]);
    expect(output).toContain(`${(JSON.parse(first!) as Case).id}: `);
    expect(output).toContain("1 fail, 2 pass");
    expect(exitCode).toBe(1);
  });
});
