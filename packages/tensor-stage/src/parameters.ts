import type { Gpt2Config } from "./config.ts";

/**
 * The parameters of one transformer block: name and shape. Weights are stored as [in, out] (the Conv1D layout of GPT-2), so
 * they multiply from the right as they are.
 */
export function blockParameters(config: Gpt2Config) {
  const { n_embd, n_inner } = config;
  return {
    "ln_1.weight": [n_embd],
    "ln_1.bias": [n_embd],
    "attn.c_attn.weight": [n_embd, 3 * n_embd],
    "attn.c_attn.bias": [3 * n_embd],
    "attn.c_proj.weight": [n_embd, n_embd],
    "attn.c_proj.bias": [n_embd],
    "ln_2.weight": [n_embd],
    "ln_2.bias": [n_embd],
    "mlp.c_fc.weight": [n_embd, n_inner],
    "mlp.c_fc.bias": [n_inner],
    "mlp.c_proj.weight": [n_inner, n_embd],
    "mlp.c_proj.bias": [n_embd],
  } as const satisfies Record<string, readonly number[]>;
}

export type BlockParameter = keyof ReturnType<typeof blockParameters>;

/**
 * The parameters of the stage that runs the layers [from, to): name, without the `transformer.` prefix that some files use,
 * and shape. The first stage embeds; the last one has the final norm and the head, which a tied model takes from the embedding.
 */
export function stageParameters(config: Gpt2Config, from: number, to: number): Map<string, readonly number[]> {
  const { vocab_size, n_positions, n_embd, n_layer, tie_word_embeddings } = config;
  const parameters = new Map<string, readonly number[]>();
  if (from === 0) parameters.set("wte.weight", [vocab_size, n_embd]).set("wpe.weight", [n_positions, n_embd]);
  for (let layer = from; layer < to; layer++) {
    for (const [name, shape] of Object.entries(blockParameters(config))) parameters.set(`h.${layer}.${name}`, shape);
  }
  if (to === n_layer) {
    parameters.set("ln_f.weight", [n_embd]).set("ln_f.bias", [n_embd]);
    parameters.set(headName(tie_word_embeddings), [vocab_size, n_embd]);
  }
  return parameters;
}

export function headName(tied: boolean): "wte.weight" | "lm_head.weight" {
  return tied ? "wte.weight" : "lm_head.weight";
}
