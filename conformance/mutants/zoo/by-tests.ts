import type { Mutant } from "../mutant.ts";

/** A mutant that the project's own unit tests judge, those of this file. */
export function byTests(file: string, mutant: Omit<Mutant, "at" | "by">): Mutant {
  return { ...mutant, at: "tests", by: [file] };
}
