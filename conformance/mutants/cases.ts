import { DEFAULT_CORPUS, loadCorpus } from "@tensorwire/conformance";
import type { Case } from "@tensorwire/conformance/corpus";

/** What a mutant is put to: the cases of level 1, and those of level 3 that the reference takes in this process. */
export function gateCases(): Case[] {
  const corpus = loadCorpus(DEFAULT_CORPUS);
  return [...corpus.cases(), ...(corpus.probes?.() ?? [])];
}
