import { spawnSync } from "node:child_process";

/** Put in by `bun run release`. */
declare const TENSORWIRE_COMMIT: string | undefined;

/** What a verdict of the harness rests on: its code, the specification that it is held to, and what it imports. */
const SOURCES = ["conformance/src", "spec", "package.json", "bun.lock"];

/**
 * The commit that the harness was made from. Undefined where nobody knows: there is no git and no repository, or the sources are
 * not as they were committed.
 */
export function harnessCommit(): string | undefined {
  if (typeof TENSORWIRE_COMMIT === "string") return TENSORWIRE_COMMIT === "" ? undefined : TENSORWIRE_COMMIT;
  // A copy of the harness in a repository of someone else has that one's commits.
  if (git("rev-parse", "--show-prefix") !== "conformance/src/report/") return undefined;
  if (git("status", "--porcelain", "--", ...SOURCES.map((path) => `:/${path}`)) !== "") return undefined;
  return git("rev-parse", "HEAD");
}

function git(...words: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", words, { cwd: import.meta.dirname, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
