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

test("a source gives its comments: no code, no directives, no bare rule ids", async () => {
  const source = [
    "/** Reads a",
    " * prefix. */",
    "const url = 'http://x'; // not this",
    "  // r[len64.eof.mid-prefix]",
    "  // It ended early.",
    "// biome-ignore lint: reason",
    "code();",
    "/*",
    " * Last.",
    " */",
  ];
  const root = project({ "packages/framing/src/a.ts": source.join("\n") });
  expect(await readCorpus(root)).toEqual(["Reads a prefix.\n\nIt ended early.\n\nLast."]);
});

test("texts come in a fixed order, and files without any are left out", async () => {
  const root = project({
    "packages/b/src/z.ts": "// z",
    "packages/b/src/a.ts": "// a",
    "packages/a/src/x.ts": "code();",
    "packages/a/node_modules/m/src/x.ts": "// foreign",
    "spec/b.md": "b",
    "spec/a.md": "a",
    "README.md": "readme",
  });
  expect(await readCorpus(root)).toEqual(["readme", "a", "b", "a", "z"]);
});
