import type { Limits } from "../../protocol.ts";
import type { Played } from "../script.ts";
import type { DecodeVector, EncodeVector, Vector } from "../vector.ts";

/** One case before it is built: what is needed to name and to select it, and a way to build the rest. */
export interface Plan {
  /** What follows `#` in the case's id; empty for the vector itself. */
  readonly suffix: string;
  readonly rules: readonly string[];
  readonly why: string;
  play(): Played;
}

/** What a sweep over one vector may know of the others. */
export interface Neighbours {
  /** Decode vectors of the same profile, limits and level that may be glued, this one too, in the order of the corpus. */
  glueable(vector: DecodeVector): readonly DecodeVector[];
  /** Encode vectors of the same profile, limits and level that may follow each other, this one too. */
  followers(vector: EncodeVector): readonly EncodeVector[];
  sibling<V extends Vector>(vector: V): V;
}

/** Two vectors may share a connection only under the same limits. */
export function sameLimits(a: Limits, b: Limits): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => a[key] === b[key]);
}
