import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensorwire } from "./testing.ts";

test("pipeline --trace writes what Chrome reads: one object with its events", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-trace-"));
  try {
    const file = join(folder, "trace.json");
    const words = ["--backend", "cpu", "--prompt", "A decoder MUST", "--max-tokens", "2", "--no-verify", "--quiet"];
    expect(await tensorwire("pipeline", ...words, "--trace", file)).toMatchObject({ code: 0 });
    const { traceEvents } = await Bun.file(file).json();
    expect(new Set(traceEvents.map(({ pid }: { pid: number }) => pid))).toEqual(new Set([0, 1, 2]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
