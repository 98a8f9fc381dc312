import { afterAll, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openModel } from "@tensorwire/tensor-stage";
import { splitLayers } from "../layers.ts";
import { writeTinyModel } from "../testing.ts";
import { pipelineIdentity } from "./pipeline-identity.ts";

const dirs = [writeTinyModel(), writeTinyModel(8)] as const;
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});

test("weights differ by their file, plans by the split and the model's config", async () => {
  const [one, other] = await Promise.all(dirs.map((dir) => openModel(dir)));
  const first = await pipelineIdentity("j", one!, splitLayers(3, 2));
  const file = readFileSync(join(dirs[0], "model.safetensors"));
  expect(first.weights_digest).toEqual(new Uint8Array(new Bun.CryptoHasher("sha256").update(file).digest()));
  expect(first.job).toBe("j");
  expect(first.plan).toMatch(/^split=2,1 config=[0-9a-f]{16}$/);

  const second = await pipelineIdentity("j", other!, splitLayers(3, 2));
  expect(second.plan).toBe(first.plan);
  expect(second.weights_digest).not.toEqual(first.weights_digest);

  const wider = { ...one!, config: { ...one!.config, n_head: 4 } };
  const others = await Promise.all([
    pipelineIdentity("j", one!, splitLayers(3, 3)),
    pipelineIdentity("j", one!, splitLayers(3, 2, [1, 2])),
    pipelineIdentity("j", wider, splitLayers(3, 2)),
  ]);
  expect(new Set([first, ...others].map(({ plan }) => plan)).size).toBe(4);
});
