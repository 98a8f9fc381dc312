import { readAddonStamp } from "./tensorflow-addon.ts";

/**
 * The backends that a test can run on here. The native one counts only when its addon is built; with
 * TENSORWIRE_REQUIRE_TENSORFLOW=1 it always counts, so that a machine that must have it fails without it.
 */
export function testBackends(): string[] {
  if (readAddonStamp() !== null || process.env.TENSORWIRE_REQUIRE_TENSORFLOW === "1") {
    return ["cpu", "wasm", "tfjs-node-gpu"];
  }
  console.log("skipped: tests on tfjs-node-gpu, because `bun run setup:tensorflow` has not been run here");
  return ["cpu", "wasm"];
}
