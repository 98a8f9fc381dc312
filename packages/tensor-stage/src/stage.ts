import * as tf from "@tensorflow/tfjs-core";
import { refusal } from "@tensorwire/framing";
import { type BlockConstants, blockConstants, causalMask, type LayerCache, layerNorm, runBlock } from "./block.ts";
import type { Gpt2Config } from "./config.ts";
import { loadStageWeights, type Model, type StageWeights } from "./model.ts";

/** What enters a stage: token ids in the first one, else the hidden states [tokens, n_embd] of the stage before it. */
export type StageInput = { readonly ids: Int32Array } | { readonly hidden: Float32Array };

/** What leaves a stage: hidden states, or after the last layer the logits of the last token. In C order, the caller's own. */
export interface StageOutput {
  readonly kind: "hidden" | "logits";
  /** [tokens, n_embd] or [vocab_size]. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface StageOptions {
  /** First layer of this stage, and the layer behind its last one. The whole model unless told. */
  readonly from?: number;
  readonly to?: number;
  /** Sequences that may be in flight at once; each holds keys and values of its tokens. 64 unless told. */
  readonly maxLanes?: number;
}

interface Lane {
  readonly length: number;
  readonly caches: readonly LayerCache[];
}

const NEW_LANE: Lane = { length: 0, caches: [] };

/**
 * The layers [from, to) of a model on the current TensorFlow.js backend, with a KV cache for each lane. A lane is one sequence; its
 * id is the caller's. `forward` is deterministic, so a split model and the whole one give the same bits on one backend.
 *
 * Errors of a call are refusals (WireError, fault "caller"): they leave every lane as it was.
 */
export class Stage {
  readonly config: Gpt2Config;
  readonly from: number;
  readonly to: number;
  readonly #weights: StageWeights;
  readonly #constants: BlockConstants;
  readonly #maxLanes: number;
  readonly #lanes = new Map<string | number, Lane>();

  private constructor(config: Gpt2Config, weights: StageWeights, options: Required<StageOptions>) {
    this.config = config;
    this.from = options.from;
    this.to = options.to;
    this.#weights = weights;
    this.#constants = blockConstants(config);
    this.#maxLanes = options.maxLanes;
  }

  /** Loads the weights of these layers only. Throws Error for a split that the model does not have. */
  static async load(model: Model, options: StageOptions = {}): Promise<Stage> {
    const { from = 0, to = model.config.n_layer, maxLanes = 64 } = options;
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from >= to || to > model.config.n_layer) {
      throw new Error(`layers [${from}, ${to}) are no stage of a model with ${model.config.n_layer} layers`);
    }
    return new Stage(model.config, await loadStageWeights(model, from, to), { from, to, maxLanes });
  }

  get isFirst(): boolean {
    return this.from === 0;
  }

  get isLast(): boolean {
    return this.to === this.config.n_layer;
  }

  /** Tokens that the lane has seen. */
  length(lane: string | number): number {
    return this.#lanes.get(lane)?.length ?? 0;
  }

  /**
   * Runs the tokens of one lane that follow those it has seen: all of a prompt, or one at a time. The input is not kept.
   *
   * @throws WireError `spec.mismatch` for an input of the wrong kind or size or an id outside the vocabulary; `state` when the
   * context length or the number of lanes would be exceeded.
   */
  forward(lane: string | number, input: StageInput): StageOutput {
    const tokens = this.#checkInput(input);
    const before = this.#lanes.get(lane) ?? this.#openLane();
    if (before.length + tokens > this.config.n_positions) {
      throw refusal(
        "state",
        `lane ${lane} has ${before.length} tokens and ${tokens} more came, the context holds ${this.config.n_positions}`,
      );
    }
    const { output, caches } = tf.tidy(() => {
      let x =
        "ids" in input
          ? this.#embed(input.ids, before.length)
          : tf.tensor2d(input.hidden, [tokens, this.config.n_embd]);
      const constants = this.#constants;
      const mask = causalMask(tokens, before.length);
      const caches = this.#weights.blocks.map((block, i) => {
        const past = before.caches[i] ?? null;
        const result = runBlock(x, block, this.config, { constants, sequences: 1, mask, past });
        x = result.x;
        return result.cache;
      });
      return { output: this.#weights.head === null ? x : this.#logits(x, this.#weights.head), caches };
    });
    const data = output.dataSync() as Float32Array;
    const { shape } = output;
    output.dispose();
    this.#lanes.set(lane, { length: before.length + tokens, caches });
    disposeCaches(before.caches);
    return { kind: this.isLast ? "logits" : "hidden", shape, data };
  }

  /** Forgets a lane and frees its memory. An unknown lane is no error: it is empty already. */
  reset(lane: string | number): void {
    disposeCaches(this.#lanes.get(lane)?.caches ?? []);
    this.#lanes.delete(lane);
  }

  /** Frees every lane and the weights. The stage cannot be used after it. */
  dispose(): void {
    for (const lane of this.#lanes.keys()) this.reset(lane);
    const { embedding, blocks, head } = this.#weights;
    tf.dispose([embedding, ...blocks, head, this.#constants] as unknown as tf.TensorContainer);
  }

  /** Number of tokens of a sound input. */
  #checkInput(input: StageInput): number {
    const { n_embd, vocab_size } = this.config;
    if ("ids" in input !== this.isFirst) {
      throw refusal(
        "spec.mismatch",
        `stage [${this.from}, ${this.to}) takes ${this.isFirst ? "token ids" : "hidden states"}`,
      );
    }
    if ("hidden" in input) {
      const tokens = input.hidden.length / n_embd;
      if (tokens >= 1 && Number.isInteger(tokens)) return tokens;
      throw refusal(
        "spec.mismatch",
        `${input.hidden.length} hidden values came, expected a positive multiple of ${n_embd}`,
      );
    }
    if (input.ids.length === 0) throw refusal("spec.mismatch", "no token id came, expected at least one");
    const bad = input.ids.findIndex((id) => id < 0 || id >= vocab_size);
    if (bad === -1) return input.ids.length;
    throw refusal("spec.mismatch", `token ${bad} has id ${input.ids[bad]}, the vocabulary has ${vocab_size} tokens`);
  }

  #openLane(): Lane {
    if (this.#lanes.size < this.#maxLanes) return NEW_LANE;
    throw refusal("state", `all ${this.#maxLanes} lanes are in use, reset one first`);
  }

  #embed(ids: Int32Array, position: number): tf.Tensor2D {
    const { tokens, positions } = this.#weights.embedding!;
    const rows = tf.slice(positions, [position, 0], [ids.length, this.config.n_embd]);
    return tf.add(tf.gather(tokens, tf.tensor1d(ids, "int32")), rows);
  }

  /** [vocab_size]: only the last token's row goes through the head. */
  #logits(x: tf.Tensor2D, head: NonNullable<StageWeights["head"]>): tf.Tensor1D {
    const { n_embd, vocab_size } = this.config;
    const last = tf.slice(x, [x.shape[0] - 1, 0], [1, n_embd]);
    const normed = layerNorm(last, head.weight, head.bias, this.#constants.epsilon);
    return tf.reshape(tf.matMul(normed, head.matrix), [vocab_size]);
  }
}

function disposeCaches(caches: readonly LayerCache[]): void {
  for (const { keys, values } of caches) tf.dispose([keys, values]);
}
