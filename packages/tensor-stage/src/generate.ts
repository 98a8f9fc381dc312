import type { Sampler } from "./sampler.ts";
import type { Stage } from "./stage.ts";

export interface GenerateOptions {
  readonly maxTokens: number;
  /** Ends the text, and is not part of it; null for none. */
  readonly stopToken?: number | null;
  readonly lane?: string | number;
}

/**
 * Continues a prompt with stages of this process, first to last: what any pipeline over the same layers must reproduce token by
 * token. Yields each new id; ends at `maxTokens`, at `stopToken`, or when the context is full. The lane is reset after it.
 */
export function* generate(
  stages: readonly Stage[],
  prompt: Int32Array,
  sampler: Sampler,
  { maxTokens, stopToken = null, lane = "generate" }: GenerateOptions,
): Generator<number, void> {
  const [first, ...rest] = stages;
  if (first === undefined) throw new RangeError("no stage came, expected at least one");
  try {
    let ids = prompt;
    for (let made = 0; made < maxTokens; made++) {
      let output = first.forward(lane, { ids });
      for (const stage of rest) output = stage.forward(lane, { hidden: output.data });
      const id = sampler.next(output.data);
      if (id === stopToken) return;
      yield id;
      if (first.length(lane) === first.config.n_positions) return;
      ids = Int32Array.of(id);
    }
  } finally {
    for (const stage of stages) stage.reset(lane);
  }
}
