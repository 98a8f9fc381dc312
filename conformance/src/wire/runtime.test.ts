import { expect, test } from "bun:test";
import { checkRuntime } from "./runtime.ts";

test("r[iut.wire.runtime]: this Bun sees ends, half-open connections and resets, and its kernel stops taking bytes", async () => {
  const { kernelTakes } = await checkRuntime();
  expect(kernelTakes).toBeGreaterThan(1000);
});
