import type { Sampler } from "@tensorwire/tensor-stage";
import type { Finish } from "./options.ts";

export interface DecodeOptions {
  /** Tokens of the prompt, at least one. */
  readonly ids: Int32Array;
  readonly maxTokens: number;
  /** Tokens that the model's context holds. */
  readonly context: number;
  readonly eos: number | null;
  readonly sampler: Pick<Sampler, "next">;
  readonly onToken?: (id: number) => void;
}

/** Runs some tokens, the first of them at `position`, and returns the logits [vocab_size] of the last one. */
export type Forward = (ids: Int32Array, position: number) => Promise<Float32Array>;

export interface Decoded {
  readonly tokens: readonly number[];
  readonly finish: Finish;
  /** What `forward` threw, with `finish` "error" only. */
  readonly error?: unknown;
}

/** The loop of prefill and decode, the same for a pipeline and for one process. */
export async function decode(options: DecodeOptions, forward: Forward): Promise<Decoded> {
  const { ids, maxTokens, context, eos, sampler, onToken } = options;
  const tokens: number[] = [];
  let input = ids;
  let position = 0;
  while (tokens.length < maxTokens) {
    let logits: Float32Array;
    try {
      logits = await forward(input, position);
    } catch (error) {
      return { tokens, finish: "error", error };
    }
    const id = sampler.next(logits);
    if (id === eos) return { tokens, finish: "eos" };
    tokens.push(id);
    onToken?.(id);
    position += input.length;
    if (position >= context && tokens.length < maxTokens) return { tokens, finish: "context" };
    input = Int32Array.of(id);
  }
  return { tokens, finish: "length" };
}
