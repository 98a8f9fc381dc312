import { beforeAll, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import {
  chooseBackend,
  encodeSafetensors,
  generate,
  openModel,
  parseGpt2Config,
  Sampler,
  Stage,
} from "@tensorwire/tensor-stage";
import { Trainer } from "./trainer.ts";

const CONFIG = { model_type: "gpt2", vocab_size: 7, n_positions: 12, n_embd: 16, n_layer: 2, n_head: 2 };
/** A text that a model can only continue by looking back: 0 to 6, over and over. */
const STREAM = { ids: Int32Array.from({ length: 200 }, (_, i) => i % CONFIG.vocab_size), starts: [0, 7, 14] };

beforeAll(() => chooseBackend("cpu").then(() => undefined));

function train(steps: number): { trainer: Trainer; losses: number[] } {
  const trainer = new Trainer(parseGpt2Config(CONFIG), 5);
  return { trainer, losses: Array.from({ length: steps }, () => trainer.step(STREAM, 4, 1e-2)) };
}

test("a trained folder continues what it was taught", async () => {
  const { trainer, losses } = train(60);
  expect(losses[0]!).toBeCloseTo(Math.log(CONFIG.vocab_size), 0);
  expect(losses.at(-1)!).toBeLessThan(0.8);
  const dir = mkdtempSync(join(tmpdir(), "tensorwire-"));
  writeFileSync(join(dir, "config.json"), JSON.stringify(CONFIG));
  writeFileSync(join(dir, "model.safetensors"), encodeSafetensors(trainer.export()));
  const stage = await Stage.load(await openModel(dir));
  expect([...generate([stage], Int32Array.of(2, 3), new Sampler(), { maxTokens: 6 })]).toEqual([4, 5, 6, 0, 1, 2]);
  stage.dispose();
});

test("the seed decides every loss", () => {
  expect(train(3).losses).toEqual(train(3).losses);
});

test("a step leaves no tensor behind", () => {
  const { trainer } = train(2);
  const before = tf.memory().numTensors;
  trainer.step(STREAM, 4, 1e-2);
  expect(tf.memory().numTensors).toBe(before);
});
