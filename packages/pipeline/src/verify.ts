import { type Model, Stage } from "@tensorwire/tensor-stage";
import { type Decoded, type DecodeOptions, decode } from "./decode.ts";

/** The pipeline's tokens against those of the same model in one process. */
export interface Verification {
  readonly identical: boolean;
  /** Over float32 wires every token has to be the same; a narrower wire rounds, and may lead elsewhere. */
  readonly required: boolean;
  /** The first difference, prompt by prompt. A null is where one of the two has no further token. */
  readonly difference?: {
    readonly prompt: number;
    /** From 0, of the tokens that were made. */
    readonly position: number;
    readonly pipeline: number | null;
    readonly oneProcess: number | null;
  };
}

/** Makes the sequences one after the other with the whole model, on the current backend of this process. */
export async function runWhole(model: Model, jobs: readonly DecodeOptions[], signal?: AbortSignal): Promise<Decoded[]> {
  const stage = await Stage.load(model);
  const results: Decoded[] = [];
  try {
    for (const job of jobs) {
      stage.reset(0);
      const forward = async (ids: Int32Array) => {
        // Timers and signals get their turn between two forwards.
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
        return stage.forward(0, { ids }).data;
      };
      results.push(await decode(job, forward));
      signal?.throwIfAborted();
    }
    return results;
  } finally {
    stage.dispose();
  }
}

type Tokens = Pick<Decoded, "tokens">;

export function compareTokens(
  pipeline: readonly Tokens[],
  oneProcess: readonly Tokens[],
  required: boolean,
): Verification {
  for (const [prompt, { tokens: ours }] of pipeline.entries()) {
    const theirs = oneProcess[prompt]?.tokens ?? [];
    const longest = Math.max(ours.length, theirs.length);
    for (let position = 0; position < longest; position++) {
      if (ours[position] === theirs[position]) continue;
      const difference = {
        prompt,
        position,
        pipeline: ours[position] ?? null,
        oneProcess: theirs[position] ?? null,
      };
      return { identical: false, required, difference };
    }
  }
  return { identical: true, required };
}
