import { CorpusDefect } from "./defect.ts";

/** `vectors/history.json`: every vector and every scenario that ever was, by the version of the corpus that brought it. */
export interface History {
  readonly version: string;
  readonly since: Readonly<Record<string, readonly string[]>>;
  /** Tombstones. */
  readonly removed: readonly { readonly id: string; readonly until: string; readonly reason: string }[];
}

/**
 * Holds the ids of a corpus against its history: none is new without a version, none is gone without a tombstone, and none
 * comes back. Throws `CorpusDefect`.
 */
export function checkHistory({ since, removed }: History, ids: readonly string[]): void {
  const known = Object.values(since).flat();
  const present = new Set(ids);
  const buried = new Set(removed.map(({ id }) => id));
  const defect = (what: string, found: readonly string[]) => {
    if (found.length > 0) throw new CorpusDefect(`history.json: ${what}: ${found.slice(0, 5).join(", ")}`);
  };
  const were = new Set(known);
  if (were.size < known.length) throw new CorpusDefect("history.json: an id has two versions that brought it");
  defect(
    "not in it",
    ids.filter((id) => !were.has(id)),
  );
  defect(
    "gone, and no tombstone says why",
    known.filter((id) => !present.has(id) && !buried.has(id)),
  );
  defect(
    "a tombstone for what is there, or never was",
    [...buried].filter((id) => present.has(id) || !were.has(id)),
  );
}
