import { afterAll, beforeEach, expect, test } from "bun:test";
import { encodeMultipart, FrameEncoder } from "@tensorwire/framing";
import { plugin } from "bun";
import { encodeHeader } from "./header.ts";
import type { TpManifestInit } from "./manifest.ts";
import { prepareTp, TpDecoder } from "./message.ts";
import { concat, decodeInChunks } from "./testing.ts";

/** Something of this process that tells when anybody looks it up, and a module that tells when anybody loads it. */
const NAME = "tensorwireBait";
const MODULE = "bait:module";
const reached: string[] = [];

Object.defineProperty(globalThis, NAME, { configurable: true, get: () => reached.push("looked up") });
plugin({
  name: "bait",
  setup(build) {
    build.module(MODULE, () => {
      reached.push("loaded");
      return { exports: {}, loader: "object" };
    });
  },
});
beforeEach(() => {
  reached.length = 0;
});
afterAll(() => {
  Reflect.deleteProperty(globalThis, NAME);
  plugin.clearAll();
});

/** What a receiver that revives code out of data falls for. */
const BAITS = [
  NAME,
  MODULE,
  `globalThis.${NAME}`,
  `${NAME}()`,
  `() => ${NAME}`,
  `(function () { return ${NAME} })()`,
  `_$$ND_FUNC$$_function () { return ${NAME} }()`,
  `import("${MODULE}")`,
  `data:text/javascript,globalThis.${NAME}`,
];

const header = { call_id: 7n, chunk_index: 3n, control_epoch: 7n, cache_epoch: 1n, action: "INFER" } as const;
const data = new Float32Array([1]);

async function received(manifest: TpManifestInit, key = "x") {
  const made = prepareTp({ header, manifest, tensors: [{ key, dtype: "float32", shape: [1], data }] });
  const { messages, error } = decodeInChunks(new TpDecoder(), concat(made.buffers));
  await turns();
  return { message: messages[0], error };
}

/** A module that is being loaded is loaded then. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test.each(BAITS)("tp.manifest.nothing-executable: %s is a text like any other, wherever it stands", async (bait) => {
  const kwargs = { value: bait, [bait]: true, nested: [{ [bait]: bait }, [bait]] };
  const { message, error } = await received({ kwargs }, bait);
  expect(error).toBeNull();
  expect(message).toMatchObject({ manifest: { kwargs }, tensors: [{ key: bait }] });
  expect(reached).toEqual([]);
});

test("tp.manifest.nothing-executable: a plan that names something is refused, and not looked for", async () => {
  for (const bait of BAITS) {
    const text = new TextEncoder().encode(bait);
    // tp_envelope_version 1, and field 4 with the bait for a plan.
    const body = { bytes: concat(Uint8Array.of(8, 1, 0x22, text.length), text) };
    const frame = new FrameEncoder("len64").encode(encodeMultipart({ body, parts: [] }));
    const stream = concat(encodeHeader(header), frame);
    expect(decodeInChunks(new TpDecoder(), stream).error?.code).toBe("header.field");
  }
  await turns();
  expect(reached).toEqual([]);
});

test("the bait tells when it is taken", async () => {
  expect(Reflect.get(globalThis, NAME)).toBeGreaterThan(0);
  await import(MODULE);
  expect(reached).toEqual(["looked up", "loaded"]);
});
