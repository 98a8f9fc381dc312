import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { holdersOf, protocolFaults, titlesOfTests, unknownNames } from "./protocol-rules.ts";
import { indexRules, ruleFaults } from "./rules.ts";

// One starts `bun test`, which loads what a third of the tests load.
setDefaultTimeout(120_000);

test("every rule of the spec is named by a vector or by code, and every name is a rule", () => {
  const index = indexRules();
  expect(index.rules.size).toBeGreaterThan(100);
  expect(ruleFaults(index)).toEqual({ doubled: [], unnamed: [], unknown: [] });
});

test("every rule of the IUT protocol is held by a liar, the title of a test or a scenario, or there is a reason", async () => {
  const index = indexRules();
  const told = await titlesOfTests();
  const holders = holdersOf(index, told);
  expect(holders.size).toBeGreaterThan(100);
  expect(protocolFaults(holders)).toEqual([]);
  expect(unknownNames(index, told)).toEqual([]);
  // Titles that come out of a table too, and without a test having run.
  expect(holdersOf(index, told, []).get("iut.answer.shape")?.liars).toContain("says numbers as strings");
  expect(told.filter(({ skipped }) => !skipped)).toEqual([]);
});

test("a rule that nothing names, a name that no rule bears and a rule stated twice are each found", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "tensorwire-rules-"));
  const root = folder.path;
  const files = {
    "spec/a.md": "r[a.one]\nA MUST.\n\nr[a.two]\nA MUST.\n\nr[a.two]\nAgain.\n\nr[a.three]\nA MUST.\n",
    "packages/p/src/x.ts": "// r[a.one]\n// r[a.four]\n",
    "vectors/a/a.json": JSON.stringify({ vectors: [{ id: "a/v", rules: ["a.two", "a.five"] }] }),
  };
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  expect(ruleFaults(indexRules(root))).toEqual({
    doubled: ["a.two"],
    unnamed: ["a.three"],
    unknown: ["a.four at packages/p/src/x.ts:2", "a.five in vector a/v"],
  });
});
