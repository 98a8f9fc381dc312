import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { chooseBackend } from "./backend.ts";
import { generate } from "./generate.ts";
import { DEMO_MODEL_DIR, type Model, openModel } from "./model.ts";
import { Sampler } from "./sampler.ts";
import { Stage } from "./stage.ts";
import { Tokenizer } from "./tokenizer.ts";

let model: Model;
let tokenizer: Tokenizer;
let whole: Stage;

beforeAll(async () => {
  await chooseBackend("wasm");
  model = await openModel(DEMO_MODEL_DIR);
  tokenizer = await Tokenizer.load(DEMO_MODEL_DIR);
  whole = await Stage.load(model);
});

describe("the demo model", () => {
  test("is a few megabytes at most", () => {
    expect(statSync(join(DEMO_MODEL_DIR, "model.safetensors")).size).toBeLessThan(4_000_000);
  });

  test("has the vocabulary of its tokenizer, with an end of text", () => {
    const ids = tokenizer.encode("Frames and <|endoftext|>");
    expect(ids.at(-1)).toBe(model.config.eos_token_id!);
    expect(Math.max(...ids)).toBeLessThan(model.config.vocab_size);
  });

  test("gives the same text from two stages as from one", async () => {
    const stages = [await Stage.load(model, { to: 2 }), await Stage.load(model, { from: 2 })];
    const prompt = tokenizer.encode("A frame is");
    const options = { maxTokens: 40 };
    for (const settings of [{}, { temperature: 0.8, topK: 40, seed: 1 }]) {
      const one = [...generate([whole], prompt, new Sampler(settings), options)];
      expect(one.length).toBeGreaterThan(0);
      expect([...generate(stages, prompt, new Sampler(settings), options)]).toEqual(one);
    }
    for (const stage of stages) stage.dispose();
  });

  test("has read the specification: it foresees its words far better than chance", () => {
    const text = readFileSync(join(import.meta.dir, "../../../spec/framing.md"), "utf8");
    const ids = tokenizer.encode(text.replaceAll("\n", " ")).subarray(0, 150);
    let surprise = 0;
    for (let i = 0; i + 1 < ids.length; i++) {
      const { data } = whole.forward("read", { ids: ids.subarray(i, i + 1) });
      surprise += Math.log(data.reduce((sum, logit) => sum + Math.exp(logit), 0)) - data[ids[i + 1]!]!;
    }
    const chance = Math.log(model.config.vocab_size);
    expect(surprise / (ids.length - 1)).toBeLessThan(0.7 * chance);
  });
});
