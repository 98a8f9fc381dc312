/** The part of a GPT-2 `config.json` that decides the computation, under the names that Hugging Face gives it. */
export interface Gpt2Config {
  readonly vocab_size: number;
  readonly n_positions: number;
  readonly n_embd: number;
  readonly n_layer: number;
  readonly n_head: number;
  /** Width of the MLP. */
  readonly n_inner: number;
  readonly layer_norm_epsilon: number;
  /** The output head is the transposed embedding. */
  readonly tie_word_embeddings: boolean;
  readonly eos_token_id: number | null;
}

/** Settings that change the arithmetic, with the one value each that this decoder computes. */
const FIXED = {
  model_type: "gpt2",
  activation_function: "gelu_new",
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  add_cross_attention: false,
} as const;

/** Checks a parsed `config.json`. Throws Error with the key, what it is and what was expected. */
export function parseGpt2Config(json: unknown): Gpt2Config {
  if (typeof json !== "object" || json === null) throw new Error("config.json: expected an object");
  const config = json as Record<string, unknown>;
  const wrong = (key: string, expected: string) =>
    new Error(`config.json: ${key} is ${JSON.stringify(config[key])}, expected ${expected}`);
  const size = (key: string): number => {
    const value = config[key];
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw wrong(key, "a positive integer");
    return value as number;
  };
  for (const [key, value] of Object.entries(FIXED)) {
    if ((config[key] ?? value) !== value) throw wrong(key, JSON.stringify(value));
  }
  const n_embd = size("n_embd");
  const n_head = size("n_head");
  if (n_embd % n_head !== 0) throw wrong("n_embd", `a multiple of n_head, which is ${n_head}`);
  const layer_norm_epsilon = config.layer_norm_epsilon ?? 1e-5;
  if (typeof layer_norm_epsilon !== "number" || !(layer_norm_epsilon > 0))
    throw wrong("layer_norm_epsilon", "a positive number");
  const tie_word_embeddings = config.tie_word_embeddings ?? true;
  if (typeof tie_word_embeddings !== "boolean") throw wrong("tie_word_embeddings", "true or false");
  const eos_token_id = config.eos_token_id ?? null;
  if (eos_token_id !== null && !Number.isSafeInteger(eos_token_id)) throw wrong("eos_token_id", "a token id");
  return {
    vocab_size: size("vocab_size"),
    n_positions: size("n_positions"),
    n_embd,
    n_layer: size("n_layer"),
    n_head,
    n_inner: (config.n_inner ?? null) === null ? 4 * n_embd : size("n_inner"),
    layer_norm_epsilon,
    tie_word_embeddings,
    eos_token_id: eos_token_id as number | null,
  };
}
