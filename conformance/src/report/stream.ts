import type { Case } from "../corpus/types.ts";
import { HEX_LIMIT } from "../protocol.ts";

/** The bytes that a case sends, first step to last, those of one connection behind those of the other, as far as a page shows them. */
export interface Stream {
  readonly bytes: Uint8Array;
  /** Bytes in all, shown or not. */
  readonly total: number;
  /** Stream positions at which one read ends and the next begins. */
  readonly cuts: readonly number[];
  /** Position behind each step. */
  readonly ends: readonly number[];
  /** That are open at once. */
  readonly connections: number;
}

export function streamOf({ steps }: Case): Stream {
  const bytes: number[] = [];
  const cuts: number[] = [];
  const ends: number[] = Array(steps.length);
  let total = 0;
  const connections = byConnection(steps);
  for (const i of connections.flat()) {
    const step = steps[i]!;
    let count = 0;
    if ("feed" in step) {
      count = step.feed.length / 2;
      for (const byte of Buffer.from(step.feed.slice(0, 2 * (HEX_LIMIT - bytes.length)), "hex")) bytes.push(byte);
    } else if ("feed_fill" in step) {
      count = step.feed_fill.count;
      for (let left = Math.min(count, HEX_LIMIT - bytes.length); left > 0; left--) bytes.push(step.feed_fill.byte);
    }
    // One-byte reads without number get no cuts.
    if ("trickle" in step) count = step.trickle.count;
    if (("feed" in step || "feed_fill" in step) && total > 0) cuts.push(total);
    total += count;
    ends[i] = total;
  }
  return { bytes: Uint8Array.from(bytes), total, cuts, ends, connections: connections.length };
}

/** For each connection, from 0 on, the numbers of its steps. */
function byConnection(steps: Case["steps"]): number[][] {
  let on = 0;
  const connections = Map.groupBy(steps.keys(), (i) => {
    const step = steps[i]!;
    if ("on" in step) on = step.on;
    return on;
  });
  return [...connections].sort(([a], [b]) => a - b).map(([, own]) => own);
}
