import type { Case, Corpus } from "./types.ts";

/**
 * Writes the expanded corpus as JSON Lines: one object a case, with its steps and the events that each must give, so that
 * a consumer without the harness loses nothing. Returns the number of cases.
 */
export function exportCases(
  corpus: Corpus,
  stream: { write(text: string): unknown },
  filter?: (id: string) => boolean,
): number {
  let count = 0;
  for (const item of corpus.cases(filter)) {
    stream.write(`${caseLine(item)}\n`);
    count++;
  }
  return count;
}

/** One line of the expanded list. */
export function caseLine(item: Case): string {
  return JSON.stringify(item);
}
