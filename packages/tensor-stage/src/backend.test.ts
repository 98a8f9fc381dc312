import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { chooseBackend } from "./backend.ts";
import { addonPaths, addonSources } from "./tensorflow-addon.ts";
import { testBackends } from "./testing.ts";

const emptyDir = () => mkdtempSync(join(tmpdir(), "tensorwire-"));

/** A stamp that fits, beside an addon that no loader accepts. */
function brokenAddon(): string {
  const dir = emptyDir();
  writeFileSync(addonPaths(dir).addon, "not an ELF file");
  writeFileSync(
    addonPaths(dir).stamp,
    JSON.stringify({ libraryDir: dir, tensorflow: "2.21.0", tfjs: addonSources().tfjs }),
  );
  return dir;
}

describe("chooseBackend", () => {
  for (const name of testBackends()) {
    test(`${name} starts and multiplies`, async () => {
      const choice = await chooseBackend(name);
      expect(choice.name).toBe(name as typeof choice.name);
      expect(choice.reason).toStartWith(name);
      expect(choice.reason).toContain("asked for");
      const product = tf.tidy(() =>
        tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6], [2, 1])).dataSync(),
      );
      expect([...product]).toEqual([17, 39]);
    });
  }

  test("auto without an addon is wasm, and says what it skipped and how to get it", async () => {
    const choice = await chooseBackend("auto", { tensorflowDir: emptyDir() });
    expect(choice.name).toBe("wasm");
    expect(choice.reason).toMatch(/^wasm .*tfjs-node-gpu skipped: no addon.*bun run setup:tensorflow/);
    expect(choice.reason).not.toContain("\n");
    expect(tf.getBackend()).toBe("wasm");
  });

  test("auto with an addon that does not load is wasm, with the loader's reason", async () => {
    const choice = await chooseBackend("auto", { tensorflowDir: brokenAddon() });
    expect(choice.name).toBe("wasm");
    expect(choice.reason).toMatch(/tfjs-node-gpu skipped: .+/);
  });

  test("a named backend that cannot start is an error, never another backend", async () => {
    const missing = chooseBackend("tfjs-node-gpu", { tensorflowDir: emptyDir() });
    await expect(missing).rejects.toThrow("backend tfjs-node-gpu cannot start: no addon");
    const broken = chooseBackend("tfjs-node-gpu", { tensorflowDir: brokenAddon() });
    await expect(broken).rejects.toThrow("backend tfjs-node-gpu cannot start: ");
  });

  test("a GPU that was asked for and is not there is an error on every name", async () => {
    for (const name of ["wasm", "cpu"]) {
      await expect(chooseBackend(name, { requireGpu: true })).rejects.toThrow("never uses one");
    }
    const auto = chooseBackend("auto", { requireGpu: true, tensorflowDir: emptyDir() });
    await expect(auto).rejects.toThrow("backend tfjs-node-gpu cannot start");
  });

  test("an unknown name is refused with the list", async () => {
    await expect(chooseBackend("cuda")).rejects.toThrow('backend "cuda" is unknown: expected one of auto, ');
  });
});
