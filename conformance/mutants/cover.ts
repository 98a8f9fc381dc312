import type { Verdict } from "./gate.ts";

/**
 * Vectors and unit tests that together kill every mutant that dies, each under one of its rules. Greedy: the vector that kills most of
 * what is left comes first, the corpus' order decides between equals; so the set is small, and rarely the very smallest.
 */
export function killingSet(
  verdicts: readonly Verdict[],
): { readonly vector: string; readonly mutants: readonly string[] }[] {
  const left = new Map<string, Set<string>>();
  for (const { mutant, kills } of verdicts) {
    for (const { vector } of Object.values(kills).flat()) {
      const mutants = left.get(vector) ?? new Set();
      left.set(vector, mutants.add(mutant.id));
    }
  }
  const chosen: { vector: string; mutants: string[] }[] = [];
  for (;;) {
    let best = "";
    for (const [vector, mutants] of left) if (mutants.size > (left.get(best)?.size ?? 0)) best = vector;
    const killed = left.get(best);
    if (killed === undefined) return chosen;
    chosen.push({ vector: best, mutants: [...killed] });
    for (const [vector, mutants] of left) {
      const rest = mutants.difference(killed);
      if (rest.size === 0) left.delete(vector);
      else left.set(vector, rest);
    }
  }
}
