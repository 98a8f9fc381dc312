import { expect, test } from "bun:test";
import { join } from "node:path";

/** What a newcomer writes beside his decoder, to speak with the harness at level 1. */
const SHIMS = ["python/shim.py", "go/main.go", "rust/src/main.rs", "c/shim.c", "perl/shim.pl", "browser/shim.js"];

test.each(SHIMS)("the shim of a port stays under 100 lines: %s", async (path) => {
  const lines = (await Bun.file(join(import.meta.dir, path)).text()).trimEnd().split("\n").length;
  expect(lines).toBeLessThan(100);
});
