/**
 * The arithmetic of a GPT-2 block on TensorFlow.js, shared by inference and training. N sequences of T tokens are a matrix
 * [N*T, n_embd]; inside attention they are [N, heads, T, width].
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Gpt2Config } from "./config.ts";
import type { BlockParameter } from "./parameters.ts";

export type BlockWeights = Readonly<Record<BlockParameter, tf.Tensor>>;

/** Keys and values of the tokens that a sequence has seen in one layer, each [N, heads, tokens, width]. */
export type LayerCache = { readonly keys: tf.Tensor4D; readonly values: tf.Tensor4D };

/**
 * The numbers in a block's formulas, as tensors that are made once: TensorFlow.js turns a plain number into a new tensor at
 * every use, which costs more than the operation on one token.
 */
export type BlockConstants = {
  readonly epsilon: tf.Scalar;
  readonly queryScale: tf.Scalar;
  readonly geluCubic: tf.Scalar;
  readonly geluLinear: tf.Scalar;
};

export function blockConstants({ layer_norm_epsilon, n_embd, n_head }: Gpt2Config): BlockConstants {
  const slope = 2 * Math.sqrt(2 / Math.PI);
  return {
    epsilon: tf.scalar(layer_norm_epsilon),
    queryScale: tf.scalar(1 / Math.sqrt(n_embd / n_head)),
    geluCubic: tf.scalar(slope * 0.044715),
    geluLinear: tf.scalar(slope),
  };
}

/** What a block needs besides its input, its weights and the config. */
export interface BlockContext {
  readonly constants: BlockConstants;
  readonly sequences: number;
  readonly mask: tf.Tensor2D | null;
  readonly past: LayerCache | null;
}

/** Large enough to vanish under exp, and finite, because -Infinity minus -Infinity would be NaN in a softmax. */
const MASKED = -1e9;

/** [T, past + T]: 0 where a token may look, else -1e9. A lone token may look at everything, so it needs none: null. */
export function causalMask(tokens: number, past: number): tf.Tensor2D | null {
  if (tokens === 1) return null;
  const width = past + tokens;
  const mask = new Float32Array(tokens * width);
  for (let row = 0; row < tokens; row++) mask.fill(MASKED, row * width + past + row + 1, (row + 1) * width);
  return tf.tensor2d(mask, [tokens, width]);
}

/** Runs one block on `x` and returns the sum with what it adds, and the keys and values up to and with these tokens. */
export function runBlock(
  x: tf.Tensor2D,
  weights: BlockWeights,
  config: Gpt2Config,
  context: BlockContext,
): { x: tf.Tensor2D; cache: LayerCache } {
  const { epsilon } = context.constants;
  const normed = layerNorm(x, weights["ln_1.weight"], weights["ln_1.bias"], epsilon);
  const qkv = linear(normed, weights["attn.c_attn.weight"], weights["attn.c_attn.bias"]);
  const { mixed, cache } = attend(qkv, config, context);
  const attended = tf.add(x, linear(mixed, weights["attn.c_proj.weight"], weights["attn.c_proj.bias"]));
  const again = layerNorm(attended as tf.Tensor2D, weights["ln_2.weight"], weights["ln_2.bias"], epsilon);
  const inner = geluNew(linear(again, weights["mlp.c_fc.weight"], weights["mlp.c_fc.bias"]), context.constants);
  const added = linear(inner, weights["mlp.c_proj.weight"], weights["mlp.c_proj.bias"]);
  return { x: tf.add(attended, added) as tf.Tensor2D, cache };
}

export function layerNorm(x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor, epsilon: tf.Scalar): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  const normed = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normed, weight), bias) as tf.Tensor2D;
}

function linear(x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  return tf.add(tf.matMul(x, weight as tf.Tensor2D), bias); // fused.matMul is twice as slow for one token
}

/**
 * GPT-2's tanh approximation of GELU, 0.5x(1 + tanh(c(x + 0.044715x^3))) with c = sqrt(2/pi), written as
 * x * sigmoid(2c(x + 0.044715x^3)): the same function in fewer operations.
 */
function geluNew(x: tf.Tensor2D, { geluCubic, geluLinear }: BlockConstants): tf.Tensor2D {
  const inner = tf.mul(x, tf.add(tf.mul(tf.square(x), geluCubic), geluLinear));
  return tf.mul(x, tf.sigmoid(inner)) as tf.Tensor2D;
}

function attend(
  qkv: tf.Tensor2D,
  { n_embd, n_head }: Gpt2Config,
  { constants, sequences, mask, past }: BlockContext,
): { mixed: tf.Tensor2D; cache: LayerCache } {
  const tokens = qkv.shape[0] / sequences;
  const width = n_embd / n_head;
  // With one token the transposition of [tokens, heads] moves nothing, so a reshape does, both here and below.
  const heads: tf.Tensor4D =
    tokens === 1
      ? tf.reshape(qkv, [sequences, 3 * n_head, 1, width])
      : tf.transpose(tf.reshape(qkv, [sequences, tokens, 3 * n_head, width]), [0, 2, 1, 3]);
  const [query, newKeys, newValues] = tf.split(heads, 3, 1) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const keys = past === null ? newKeys : tf.concat([past.keys, newKeys], 2);
  const values = past === null ? newValues : tf.concat([past.values, newValues], 2);
  const scores = tf.matMul(tf.mul(query, constants.queryScale), keys, false, true);
  const weights = tf.softmax(mask === null ? scores : tf.add(scores, mask));
  const mixed = tf.matMul(weights, values) as tf.Tensor4D;
  const rows = tokens === 1 ? mixed : tf.transpose(mixed, [0, 2, 1, 3]);
  return { mixed: tf.reshape(rows, [sequences * tokens, n_embd]), cache: { keys, values } };
}
