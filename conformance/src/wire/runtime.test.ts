import { expect, test } from "bun:test";
import { checkRuntime, RuntimeDefect } from "./runtime.ts";

test("r[iut.wire.runtime]: this Bun sees ends, half-open connections and resets, and its kernel stops taking bytes", async () => {
  const { kernelTakes } = await checkRuntime();
  expect(kernelTakes).toBeGreaterThan(1000);
});

test("r[iut.wire.runtime]: sockets that end both directions at once are a defect, and named", async () => {
  const error = await checkRuntime(false).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(RuntimeDefect);
  expect(String(error)).toMatch(/the sockets of this Bun .* on loopback TCP the end of one direction ends both/);
});
