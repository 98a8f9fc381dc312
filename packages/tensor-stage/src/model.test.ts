import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseBackend } from "./backend.ts";
import { parseGpt2Config } from "./config.ts";
import { openModel } from "./model.ts";
import { stageParameters } from "./parameters.ts";
import { encodeSafetensors, type StoredTensor } from "./safetensors.ts";
import { Stage } from "./stage.ts";

const CONFIG = { model_type: "gpt2", vocab_size: 5, n_positions: 4, n_embd: 4, n_layer: 2, n_head: 2 };

function modelDir(config: object, tensors: readonly StoredTensor[] | null): string {
  const dir = mkdtempSync(join(tmpdir(), "tensorwire-"));
  writeFileSync(join(dir, "config.json"), JSON.stringify(config));
  if (tensors !== null) writeFileSync(join(dir, "model.safetensors"), encodeSafetensors(tensors));
  return dir;
}

/** Every parameter of the model, filled by its name, so that the same name always has the same values. */
function tensorsOf(config: object, rename = (name: string) => name): StoredTensor[] {
  const parsed = parseGpt2Config(config);
  return [...stageParameters(parsed, 0, parsed.n_layer)].map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i * 0.7 + name.length)));
    return { name: rename(name), shape, values, dtype: "float32" };
  });
}

async function logitsOf(dir: string): Promise<Float32Array> {
  const stage = await Stage.load(await openModel(dir));
  const { data } = stage.forward("a", { ids: Int32Array.of(1, 2, 3) });
  stage.dispose();
  return data;
}

beforeAll(() => chooseBackend("cpu").then(() => undefined));

describe("what a model folder may look like", () => {
  test("parameter names with and without the transformer prefix", async () => {
    const plain = await logitsOf(modelDir(CONFIG, tensorsOf(CONFIG)));
    const prefixed = await logitsOf(
      modelDir(
        CONFIG,
        tensorsOf(CONFIG, (name) => `transformer.${name}`),
      ),
    );
    expect(prefixed).toEqual(plain);
  });

  test("a head of its own, outside the prefix, when the embedding is not tied", async () => {
    const config = { ...CONFIG, tie_word_embeddings: false };
    const rename = (name: string) => (name === "lm_head.weight" ? name : `transformer.${name}`);
    const tensors = tensorsOf(config, rename);
    const untied = await logitsOf(modelDir(config, tensors));
    const embedding = tensors.find(({ name }) => name === "transformer.wte.weight")!;
    const same = tensors.map((tensor) =>
      tensor.name === "lm_head.weight" ? { ...embedding, name: tensor.name } : tensor,
    );
    const tied = await logitsOf(modelDir(CONFIG, tensorsOf(CONFIG)));
    expect(untied).not.toEqual(tied);
    expect(await logitsOf(modelDir(config, same))).toEqual(tied);
  });

  test("buffers that are no parameters are passed over", async () => {
    const extra: StoredTensor = { name: "h.0.attn.bias", shape: [1, 1], values: new Float32Array(1), dtype: "float32" };
    const plain = await logitsOf(modelDir(CONFIG, tensorsOf(CONFIG)));
    expect(await logitsOf(modelDir(CONFIG, [...tensorsOf(CONFIG), extra]))).toEqual(plain);
  });

  for (const dtype of ["float16", "bfloat16"] as const) {
    test(`${dtype} weights compute like the float32 values that they stand for`, async () => {
      const coarse = tensorsOf(CONFIG).map((t) => ({ ...t, values: t.values.map((v) => Math.round(v * 64) / 64) }));
      const narrow = coarse.map((tensor) => ({ ...tensor, dtype }));
      expect(await logitsOf(modelDir(CONFIG, narrow))).toEqual(await logitsOf(modelDir(CONFIG, coarse)));
    });
  }
});

describe("a folder that is refused", () => {
  const refused = (name: string, message: string, dir: () => string) =>
    test(name, async () => {
      await expect(openModel(dir())).rejects.toThrow(message);
    });

  refused("no folder", "is no model folder", () => join(tmpdir(), "tensorwire-nothing-here"));
  refused("no weights", "has no model.safetensors", () => modelDir(CONFIG, null));
  refused("weights in shards", "several shards, which are not supported", () => {
    const dir = modelDir(CONFIG, null);
    writeFileSync(join(dir, "model.safetensors.index.json"), "{}");
    return dir;
  });
  refused("a missing parameter", "has no tensor h.1.ln_2.bias, expected [4]", () =>
    modelDir(
      CONFIG,
      tensorsOf(CONFIG).filter(({ name }) => name !== "h.1.ln_2.bias"),
    ),
  );
  refused("a shape that the config does not have", "wpe.weight is [4, 4], the config wants [8, 4]", () =>
    modelDir({ ...CONFIG, n_positions: 8 }, tensorsOf(CONFIG)),
  );
  refused("a linear weight in [out, in] order", "h.0.mlp.c_fc.weight is [16, 4], the config wants [4, 16]", () =>
    modelDir(
      CONFIG,
      tensorsOf(CONFIG).map((t) => (t.name.endsWith("c_fc.weight") ? { ...t, shape: t.shape.toReversed() } : t)),
    ),
  );
  refused("another architecture", 'config.json: model_type is "llama", expected "gpt2"', () =>
    modelDir({ ...CONFIG, model_type: "llama" }, null),
  );
});

describe("parseGpt2Config", () => {
  const cases: [string, object, string][] = [
    ["another activation", { activation_function: "relu" }, 'activation_function is "relu", expected "gelu_new"'],
    ["unscaled attention", { scale_attn_weights: false }, "scale_attn_weights is false, expected true"],
    ["a missing size", { n_layer: undefined }, "n_layer is undefined, expected a positive integer"],
    ["a size of zero", { vocab_size: 0 }, "vocab_size is 0, expected a positive integer"],
    ["heads that do not divide", { n_head: 3 }, "n_embd is 4, expected a multiple of n_head, which is 3"],
    ["epsilon zero", { layer_norm_epsilon: 0 }, "layer_norm_epsilon is 0, expected a positive number"],
  ];
  for (const [name, change, message] of cases) {
    test(name, () => {
      expect(() => parseGpt2Config({ ...CONFIG, ...change })).toThrow(message);
    });
  }

  test("what is left out has GPT-2's defaults", () => {
    const expected = { n_inner: 16, layer_norm_epsilon: 1e-5, tie_word_embeddings: true, eos_token_id: null };
    expect(parseGpt2Config({ ...CONFIG, n_inner: null })).toMatchObject(expected);
  });
});
