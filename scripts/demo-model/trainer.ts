import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import {
  type BlockConstants,
  type BlockWeights,
  blockConstants,
  blockParameters,
  causalMask,
  type Gpt2Config,
  layerNorm,
  mulberry32,
  runBlock,
  type StoredTensor,
  stageParameters,
} from "@tensorwire/tensor-stage";

/** Share of the tokens read that are replaced by others, so that the model finds back when it errs in what it writes. */
export const NOISE = 0.03;

export interface TrainingText {
  readonly ids: Int32Array;
  /** Where in `ids` a paragraph begins. */
  readonly starts: readonly number[];
}

/** Adam whose rate follows a schedule; the library's own keeps it fixed. */
class ScheduledAdam extends tf.AdamOptimizer {
  set rate(rate: number) {
    this.learningRate = rate;
  }
}

/** Trains a GPT-2 on windows of a token stream, with the blocks that inference runs. Seeded: weights, and which windows. */
export class Trainer {
  readonly #config: Gpt2Config;
  readonly #variables = new Map<string, tf.Variable>();
  readonly #constants: BlockConstants;
  readonly #optimizer = new ScheduledAdam(0, 0.9, 0.99, 1e-8);
  readonly #random: () => number;

  constructor(config: Gpt2Config, seed: number) {
    this.#config = config;
    this.#constants = blockConstants(config);
    this.#random = mulberry32(seed);
    for (const [name, shape] of stageParameters(config, 0, config.n_layer)) {
      this.#variables.set(name, tf.variable(this.#initial(name, shape)));
    }
  }

  get parameterCount(): number {
    return [...this.#variables.values()].reduce((sum, variable) => sum + variable.size, 0);
  }

  /** One step on `sequences` random windows as long as the context; returns their mean loss per token, in nats. */
  step(stream: TrainingText, sequences: number, rate: number): number {
    const tokens = this.#config.n_positions;
    const ids = new Int32Array(sequences * tokens);
    const next = new Int32Array(sequences * tokens);
    for (let at = 0; at < ids.length; at += tokens) {
      const start = this.#start(stream);
      ids.set(stream.ids.subarray(start, start + tokens), at);
      next.set(stream.ids.subarray(start + 1, start + 1 + tokens), at);
    }
    for (let i = 0; i < ids.length; i++) {
      if (this.#random() < NOISE) ids[i] = stream.ids[this.#below(stream.ids.length)]!;
    }
    this.#optimizer.rate = rate;
    return tf.tidy(() => {
      const inputs = tf.tensor1d(ids, "int32");
      const targets = tf.oneHot(tf.tensor1d(next, "int32"), this.#config.vocab_size);
      const { value, grads } = tf.variableGrads(
        () => this.#loss(inputs, targets, sequences),
        [...this.#variables.values()],
      );
      this.#optimizer.applyGradients(this.#clip(grads));
      return value.dataSync()[0]!;
    });
  }

  /** The parameters as float16, under the names of Hugging Face's GPT-2. */
  export(): StoredTensor[] {
    return [...this.#variables].map(([name, variable]) => ({
      name: `transformer.${name}`,
      shape: variable.shape,
      values: variable.dataSync() as Float32Array,
      dtype: "float16",
    }));
  }

  /** Half of the windows start where a paragraph does, as a prompt would; the others anywhere. */
  #start({ ids, starts }: TrainingText): number {
    const last = ids.length - this.#config.n_positions - 1;
    return Math.min(last, this.#random() < 0.5 ? starts[this.#below(starts.length)]! : this.#below(last));
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #weight(name: string): tf.Variable {
    return this.#variables.get(name)!;
  }

  #loss(ids: tf.Tensor1D, targets: tf.Tensor, sequences: number): tf.Scalar {
    const { n_embd, n_layer, n_positions } = this.#config;
    const embedded = tf.reshape(tf.gather(this.#weight("wte.weight"), ids), [sequences, n_positions, n_embd]);
    let x = tf.reshape(tf.add(embedded, this.#weight("wpe.weight")), [-1, n_embd]) as tf.Tensor2D;
    const constants = this.#constants;
    const mask = causalMask(n_positions, 0);
    for (let layer = 0; layer < n_layer; layer++) {
      const names = Object.keys(blockParameters(this.#config));
      const weights = Object.fromEntries(names.map((name) => [name, this.#weight(`h.${layer}.${name}`)]));
      x = runBlock(x, weights as unknown as BlockWeights, this.#config, { constants, sequences, mask, past: null }).x;
    }
    x = layerNorm(x, this.#weight("ln_f.weight"), this.#weight("ln_f.bias"), constants.epsilon);
    const logits = tf.matMul(x, this.#weight("wte.weight") as tf.Tensor as tf.Tensor2D, false, true);
    return tf.losses.softmaxCrossEntropy(targets, logits);
  }

  /** Scales all gradients so that together they are no longer than 1. */
  #clip(grads: tf.NamedTensorMap): { name: string; tensor: tf.Tensor }[] {
    const squares = Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)));
    const scale = tf.minimum(1, tf.rsqrt(tf.addN(squares)));
    return Object.entries(grads).map(([name, gradient]) => ({ name, tensor: tf.mul(gradient, scale) }));
  }

  /** GPT-2's own initial values: what adds to the residual stream starts smaller, the more layers add to it. */
  #initial(name: string, shape: readonly number[]): tf.Tensor {
    if (name.endsWith("bias")) return tf.zeros([...shape]);
    if (name.includes("ln_")) return tf.ones([...shape]);
    const deviation = name.endsWith("c_proj.weight") ? 0.02 / Math.sqrt(2 * this.#config.n_layer) : 0.02;
    return tf.randomNormal([...shape], 0, deviation, "float32", Math.floor(this.#random() * 2 ** 31));
  }
}
