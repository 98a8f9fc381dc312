import { expect, test } from "bun:test";
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { indexRules, namesInTests, ruleFaults } from "./rules.ts";

test("every rule of the spec is named by a vector or by code, and every name is a rule", () => {
  const index = indexRules();
  expect(index.rules.size).toBeGreaterThan(100);
  expect(ruleFaults(index)).toEqual({ doubled: [], unnamed: [], unknown: [] });
});

test("every rule of the IUT protocol is held by a liar or a test that names it, or by a scenario", () => {
  const { rules, inVectors } = indexRules();
  const named = namesInTests();
  const open = [...rules].filter(([id, { file }]) => {
    return file === "spec/iut-protocol.md" && !named(id) && !inVectors.has(id);
  });
  expect(open.map(([id]) => id)).toEqual([]);
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
