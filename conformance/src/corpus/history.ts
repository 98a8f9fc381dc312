import { CorpusDefect } from "./defect.ts";

/** `vectors/history.json`: every vector and every scenario that ever was, by the version of the corpus that brought it. */
export interface History {
  /** Of the corpus as it stands: not released yet. */
  readonly version: string;
  /** The earlier versions, each with the hash of its corpus. */
  readonly released: Readonly<Record<string, string>>;
  /** By version: the ids that it brought or to which it gave another meaning, each with the digest of what it means. */
  readonly digests: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Why an id means something else than in the release before. */
  readonly changed: readonly { readonly id: string; readonly in: string; readonly reason: string }[];
  /** Tombstones. */
  readonly removed: readonly { readonly id: string; readonly until: string; readonly reason: string }[];
}

/** What an id means by the history. */
export interface Meaning {
  readonly digest: string;
  /** The versions that brought it and that last changed its meaning; the same where none did. */
  readonly since: string;
  readonly changed: string;
  /** Why it was changed. */
  readonly reason?: string;
}

/** By id; the removed ones too. */
export function meaningsOf({ digests, changed }: History): ReadonlyMap<string, Meaning> {
  const meanings = new Map<string, Meaning>();
  for (const [version, ids] of inOrder(digests)) {
    for (const [id, digest] of Object.entries(ids)) {
      const reason = changed.find((entry) => entry.id === id && entry.in === version)?.reason;
      const since = meanings.get(id)?.since ?? version;
      meanings.set(id, { digest, since, changed: version, ...(reason !== undefined && { reason }) });
    }
  }
  return meanings;
}

/**
 * Holds the ids of a corpus against its history: none is new without a version, none is gone without a tombstone, none comes back,
 * and none means something else than in a release without a reason. Throws `CorpusDefect`.
 */
export function checkHistory(history: History, ids: readonly string[]): void {
  const { digests, removed } = history;
  const were = new Set(Object.values(digests).flatMap((of) => Object.keys(of)));
  const present = new Set(ids);
  const buried = new Set(removed.map(({ id }) => id));
  refuse(
    "not in it",
    ids.filter((id) => !were.has(id)),
  );
  refuse(
    "gone, and no tombstone says why",
    [...were].filter((id) => !present.has(id) && !buried.has(id)),
  );
  refuse(
    "a tombstone for what is there, or never was",
    [...buried].filter((id) => present.has(id) || !were.has(id)),
  );
  checkVersions(history);
  checkChanges(history);
}

function checkVersions({ version, released, digests }: History): void {
  const known = new Set([...Object.keys(released), version]);
  refuse(
    `versions that are neither released nor ${version}`,
    Object.keys(digests).filter((each) => !known.has(each)),
  );
  refuse(
    `released, and not before ${version}`,
    Object.keys(released).filter((each) => compareVersions(each, version) >= 0),
  );
}

function checkChanges({ digests, changed }: History): void {
  const last = new Map<string, string>();
  const changes = new Set<string>();
  for (const [version, ids] of inOrder(digests)) {
    for (const [id, digest] of Object.entries(ids)) {
      const before = last.get(id);
      if (before === digest) throw new CorpusDefect(`history.json: ${version} changed nothing of ${id}`);
      if (before !== undefined) changes.add(`${id} in ${version}`);
      last.set(id, digest);
    }
  }
  const reasons = new Set(changed.map((entry) => `${entry.id} in ${entry.in}`));
  refuse("another meaning than when it was released, and no reason", [...changes.difference(reasons)]);
  refuse("a reason for what has not changed", [...reasons.difference(changes)]);
}

function refuse(what: string, found: readonly string[]): void {
  if (found.length > 0) throw new CorpusDefect(`history.json: ${what}: ${found.slice(0, 5).join(", ")}`);
}

const inOrder = <T>(byVersion: Readonly<Record<string, T>>) =>
  Object.entries(byVersion).sort(([a], [b]) => compareVersions(a, b));

/** `0.9` comes before `0.10`. */
function compareVersions(a: string, b: string): number {
  const [major = 0, minor = 0] = a.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split(".").map(Number);
  return major - otherMajor || minor - otherMinor;
}
