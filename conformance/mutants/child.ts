import { gateCases } from "./cases.ts";
import { buildReference } from "./overlay.ts";
import { type Control, type Trial, tryControl, tryMutant } from "./trial.ts";
import { MUTANTS } from "./zoo/index.ts";

/** What the gate asks: a mutant by its id, or null for the control. */
export interface Question {
  readonly mutant: string | null;
}
export type Answer =
  | { readonly trial: Trial }
  | { readonly control: Control }
  /** It could not be built, or failed outside of its cases. */
  | { readonly stillborn: string };

/** A process of the gate: asked one mutant after the other, since one that hangs can only be ended with its process. */
if (import.meta.main) {
  const cases = gateCases();
  const answer = async ({ mutant: id }: Question): Promise<Answer> => {
    const mutant = MUTANTS.find((candidate) => candidate.id === id);
    if (mutant === undefined && id !== null) return { stillborn: `no mutant is named ${id}` };
    try {
      if (mutant === undefined) return { control: await tryControl(await buildReference(null), cases) };
      return { trial: await tryMutant(await buildReference(mutant), cases, mutant.rules) };
    } catch (error) {
      const errors = error instanceof AggregateError ? error.errors : [error];
      return { stillborn: errors.map(String).join("; ") };
    }
  };
  process.on("message", (question: Question) => void answer(question).then((reply) => process.send?.(reply)));
  process.on("disconnect", () => process.exit(0));
}
