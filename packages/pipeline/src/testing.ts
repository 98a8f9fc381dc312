/** For the tests of this package: a model that is small enough for plain JavaScript. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSafetensors, mulberry32, parseGpt2Config, stageParameters } from "@tensorwire/tensor-stage";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz.,Ġ"];

export const TINY_CONFIG = {
  model_type: "gpt2",
  vocab_size: LETTERS.length,
  n_positions: 24,
  n_embd: 16,
  n_layer: 3,
  n_head: 2,
  eos_token_id: null,
} as const;

/** Matrices are large enough for the likeliest token to depend on all that came before it. */
function value(name: string, random: () => number): number {
  if (name.endsWith(".bias")) return 0;
  return /ln_.\.weight$/.test(name) ? 1 : (random() - 0.5) * 2;
}

/** Writes a random model of three layers, with one token for each letter, and returns its folder. */
export function writeTinyModel(): string {
  const dir = mkdtempSync(join(tmpdir(), "tensorwire-model-"));
  const random = mulberry32(7);
  const tensors = [...stageParameters(parseGpt2Config(TINY_CONFIG), 0, TINY_CONFIG.n_layer)].map(([name, shape]) => ({
    name,
    shape,
    values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => value(name, random)),
    dtype: "float32" as const,
  }));
  const tokenizer = {
    normalizer: null,
    post_processor: null,
    added_tokens: [],
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: Object.fromEntries(LETTERS.map((letter, id) => [letter, id])), merges: [] },
  };
  writeFileSync(join(dir, "config.json"), JSON.stringify(TINY_CONFIG));
  writeFileSync(join(dir, "model.safetensors"), encodeSafetensors(tensors));
  writeFileSync(join(dir, "tokenizer.json"), JSON.stringify(tokenizer));
  return dir;
}
