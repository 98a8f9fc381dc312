import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { BlockWeights } from "./block.ts";
import { type Gpt2Config, parseGpt2Config } from "./config.ts";
import { type BlockParameter, blockParameters, headName, stageParameters } from "./parameters.ts";
import { SafetensorsFile } from "./safetensors.ts";

/** A model folder in Hugging Face's layout whose `config.json` and safetensors header have been read and agree. */
export interface Model {
  readonly dir: string;
  readonly config: Gpt2Config;
  readonly file: SafetensorsFile;
  /** What stands before every parameter name in the file: "" or "transformer.". */
  readonly prefix: string;
}

/** The model that ships with the repository, trained by `scripts/train-demo-model.ts`. */
export const DEMO_MODEL_DIR = join(import.meta.dir, "../models/demo");

/**
 * Opens a folder with `config.json` and `model.safetensors`, and checks the shape of every parameter of the whole model
 * against the config. No weight is read. Throws Error naming file, key or tensor.
 */
export async function openModel(dir: string): Promise<Model> {
  const json = await readFile(join(dir, "config.json"), "utf8").catch((cause: Error) => {
    throw new Error(`${dir} is no model folder: ${cause.message}`, { cause });
  });
  const config = parseGpt2Config(parseJson(json, join(dir, "config.json")));
  const weights = join(dir, "model.safetensors");
  if (!existsSync(weights)) {
    const sharded = existsSync(`${weights}.index.json`)
      ? "; its weights are in several shards, which are not supported"
      : "";
    throw new Error(`${dir} has no model.safetensors${sharded}`);
  }
  const file = await SafetensorsFile.open(weights);
  const prefix = file.entries.has("transformer.wte.weight") ? "transformer." : "";
  const model = { dir, config, file, prefix };
  for (const [name, expected] of stageParameters(config, 0, config.n_layer)) {
    const stored = storedName(model, name);
    const entry = file.entries.get(stored);
    if (entry === undefined) throw new Error(`${weights} has no tensor ${stored}, expected [${expected.join(", ")}]`);
    if (entry.shape.join() !== expected.join()) {
      throw new Error(
        `${weights}: ${stored} is [${entry.shape.join(", ")}], the config wants [${expected.join(", ")}]`,
      );
    }
  }
  return model;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is no JSON: ${(cause as Error).message}`, { cause });
  }
}

/** The head stands outside the transformer, so it never has the prefix. */
function storedName({ prefix }: Model, name: string): string {
  return name === "lm_head.weight" ? name : prefix + name;
}

/** The tensors of one stage, on the current backend. */
export interface StageWeights {
  /** Token embedding [vocab_size, n_embd] and position embedding [n_positions, n_embd], in the first stage. */
  readonly embedding: { readonly tokens: tf.Tensor2D; readonly positions: tf.Tensor2D } | null;
  readonly blocks: readonly BlockWeights[];
  /** Final norm, and the head as [n_embd, vocab_size], in the last stage. */
  readonly head: { readonly weight: tf.Tensor; readonly bias: tf.Tensor; readonly matrix: tf.Tensor2D } | null;
}

/** Reads the weights of the layers [from, to), and no others, from the file into tensors. */
export async function loadStageWeights(model: Model, from: number, to: number): Promise<StageWeights> {
  const { config, file } = model;
  const made: tf.Tensor[] = [];
  const read = async (name: string) => {
    const { values, shape } = await file.read(storedName(model, name));
    const tensor = tf.tensor(values, [...shape]);
    made.push(tensor);
    return tensor;
  };
  try {
    const embedding =
      from === 0
        ? {
            tokens: (await read("wte.weight")) as tf.Tensor2D,
            positions: (await read("wpe.weight")) as tf.Tensor2D,
          }
        : null;
    const blocks: BlockWeights[] = [];
    for (let layer = from; layer < to; layer++) {
      const block: Partial<Record<BlockParameter, tf.Tensor>> = {};
      for (const name of Object.keys(blockParameters(config)) as BlockParameter[]) {
        block[name] = await read(`h.${layer}.${name}`);
      }
      blocks.push(block as BlockWeights);
    }
    if (to < config.n_layer) return { embedding, blocks, head: null };
    const weight = await read("ln_f.weight");
    const bias = await read("ln_f.bias");
    const { values } = await file.read(storedName(model, headName(config.tie_word_embeddings)));
    // Turned once here: the wasm backend multiplies by a transposed matrix several times slower.
    const matrix = transpose(values, config.vocab_size, config.n_embd);
    made.push(matrix);
    return { embedding, blocks, head: { weight, bias, matrix } };
  } catch (error) {
    tf.dispose(made);
    throw error;
  }
}

function transpose(values: Float32Array, rows: number, columns: number): tf.Tensor2D {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column]!;
  }
  return tf.tensor2d(turned, [columns, rows]);
}
