import type { Case } from "./corpus/types.ts";
import type { Json } from "./protocol.ts";

/** What an IUT has to do for a case, by which its deadline grows: bytes, and steps, each read of a `trickle` one. r[iut.deadline.scaled] */
export function weightOf({ steps }: Pick<Case, "steps">): { readonly bytes: number; readonly steps: number } {
  let bytes = 0;
  let reads = steps.length;
  for (const step of steps) {
    if ("feed" in step) bytes += step.feed.length / 2;
    else if ("feed_fill" in step) bytes += step.feed_fill.count;
    else if ("trickle" in step) reads += step.trickle.count;
    else if ("encode" in step) bytes += bytesOf(step.encode);
  }
  return { bytes, steps: reads };
}

/** How many bytes a value to encode stands for, roughly: its text, and its fills at their full length. */
function bytesOf(value: Json): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  if ("fill" in value) return Number((value.fill as { count?: Json } | null)?.count ?? 0);
  return Object.values(value).reduce<number>((sum, inner) => sum + bytesOf(inner), 0);
}
