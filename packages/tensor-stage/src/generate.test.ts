import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { chooseBackend } from "./backend.ts";
import { generate } from "./generate.ts";
import { type Model, openModel } from "./model.ts";
import { Sampler } from "./sampler.ts";
import { Stage } from "./stage.ts";

const PROMPT = Int32Array.of(3, 18, 0);
let model: Model;
let whole: Stage;

beforeAll(async () => {
  await chooseBackend("wasm");
  model = await openModel(join(import.meta.dir, "../fixtures/tiny-gpt2"));
  whole = await Stage.load(model);
});

describe("generate", () => {
  test("two stages and one give the same tokens, greedy and by chance", async () => {
    const stages = [await Stage.load(model, { to: 1 }), await Stage.load(model, { from: 1 })];
    for (const settings of [{}, { temperature: 1, topK: 5, seed: 3 }]) {
      const one = [...generate([whole], PROMPT, new Sampler(settings), { maxTokens: 8 })];
      const two = [...generate(stages, PROMPT, new Sampler(settings), { maxTokens: 8 })];
      expect(one).toHaveLength(8);
      expect(two).toEqual(one);
    }
    for (const stage of stages) stage.dispose();
  });

  test("ends when the context is full: every position is used, and the last token needs none", () => {
    const made = [...generate([whole], PROMPT, new Sampler(), { maxTokens: 100 })];
    expect(made).toHaveLength(model.config.n_positions - PROMPT.length + 1);
  });

  test("ends before the stop token", () => {
    const all = [...generate([whole], PROMPT, new Sampler(), { maxTokens: 8 })];
    const stopToken = all[3]!;
    const stopped = [...generate([whole], PROMPT, new Sampler(), { maxTokens: 8, stopToken })];
    expect(stopped).toEqual(all.slice(0, all.indexOf(stopToken)));
  });

  test("frees its lane, also when its reader leaves early", () => {
    const before = tf.memory().numTensors;
    for (const _ of generate([whole], PROMPT, new Sampler(), { maxTokens: 8 })) break;
    expect(whole.length("generate")).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });
});
