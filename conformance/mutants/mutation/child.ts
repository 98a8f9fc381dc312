import { DEFAULT_CORPUS, loadCorpus } from "@tensorwire/conformance";
import { type Mutant, MutantDefect } from "../mutant.ts";
import { buildReference } from "../overlay.ts";
import { put } from "../trial.ts";

export type CorpusQuestion = Mutant;
/** What the corpus made of a mutant: the case that noticed it, or none. A defect: the file is not any more what the list was made of. */
export type CorpusAnswer = { readonly noticed: string | null } | { readonly defect: string };

/** A process that puts mutants to the corpus, one after the other. */
if (import.meta.main) {
  // The plain cases first: what a mutant breaks shows in some of them, and the sweeps are a hundred times as many.
  const cases = [...loadCorpus(DEFAULT_CORPUS).cases()];
  const plain = cases.filter(({ id }) => !id.includes("#"));
  const order = [...plain, ...cases.filter(({ id }) => id.includes("#"))];
  const answer = async (mutant: Mutant): Promise<CorpusAnswer> => {
    try {
      const reference = await buildReference(mutant);
      for (const item of order) {
        const { kind } = await put(reference, item);
        if (kind === "fail" || kind === "crash") return { noticed: item.id };
      }
      return { noticed: null };
    } catch (error) {
      if (error instanceof MutantDefect) return { defect: error.message };
      return { noticed: `the build: ${error instanceof AggregateError ? error.errors.map(String).join("; ") : error}` };
    }
  };
  process.on("message", (mutant: Mutant) => void answer(mutant).then((reply) => process.send?.(reply)));
  process.on("disconnect", () => process.exit(0));
}
