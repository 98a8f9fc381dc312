import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readCorpus } from "./corpus.ts";

function project(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "tensorwire-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test("markdown gives its prose: no code, no table, paragraphs on one line", async () => {
  const spec = [
    "# Frames",
    "",
    "A frame is a prefix",
    "and a payload.",
    "",
    "```",
    "00 05",
    "```",
    "| a | b |",
    "- one",
    "  item",
    "- two",
  ];
  const root = project({ "spec/framing.md": spec.join("\n") });
  expect(await readCorpus(root)).toEqual(["# Frames\n\nA frame is a prefix and a payload.\n\n- one item\n- two"]);
});

test("texts come in a fixed order, and files without any are left out", async () => {
  const root = project({
    "packages/a/src/x.ts": "// code",
    "spec/b.md": "b",
    "spec/a.md": "a",
    "spec/empty.md": "| a | b |",
    "README.md": "readme",
  });
  expect(await readCorpus(root)).toEqual(["readme", "a", "b"]);
});
