import { markdownTable } from "markdown-table";
import type { Report } from "../src/index.ts";
import { count, type ExitCode } from "../src/verdict.ts";
import type { Obstacle } from "./build.ts";
import type { Peer } from "./peer.ts";

/** One peer's line. The counts are cases; what does not apply to the peer is not counted. */
export interface Row {
  readonly peer: string;
  readonly about: string;
  readonly status: "ran" | Obstacle["kind"];
  readonly reason?: string;
  /** Of the library, as it says itself. */
  readonly version: string | null;
  readonly profiles: readonly string[];
  readonly passed: number;
  /** Foretold by the baseline or not. */
  readonly failed: number;
  /** Of the failed: what no baseline entry foretells. */
  readonly unforeseen: number;
  readonly declined: number;
  /** Crashed, timed out, out of order, or left over when the peer could not be started again. */
  readonly "not judged": number;
  readonly exit: ExitCode | null;
}

export function rowOf(peer: Peer, came: Report | Obstacle, exit: ExitCode | null = null): Row {
  const name = { peer: peer.name, about: peer.about };
  if ("kind" in came) {
    const none = { version: null, profiles: [], passed: 0, failed: 0, unforeseen: 0, declined: 0, "not judged": 0 };
    return { ...name, status: came.kind, reason: came.reason, ...none, exit };
  }
  const counts = count(came.outcomes);
  const applicable = came.outcomes.filter(({ verdict }) => verdict !== "not applicable");
  const broken = counts.crash + counts.timeout + counts["adapter error"] + counts["harness error"];
  return {
    ...name,
    status: "ran",
    ...(came.trouble !== undefined && { reason: came.trouble }),
    version: came.iut?.version ?? null,
    profiles: [...new Set(applicable.map(({ profile }) => profile))].sort(),
    passed: counts.pass + counts.fixed,
    failed: counts.fail + counts["known-fail"],
    unforeseen: counts.fail,
    declined: counts.declined,
    "not judged": broken + [...came.notRun.values()].reduce((sum, left) => sum + left, 0),
    exit,
  };
}

export function table(rows: readonly Row[]): string {
  const head = ["peer", "version", "profiles", "passed", "failed", "unforeseen", "declined", "not judged", "exit"];
  const lines = rows.map((row) => [
    row.peer,
    row.status === "ran" ? (row.version ?? "?") : row.status,
    row.profiles.join(", "),
    ...[row.passed, row.failed, row.unforeseen, row.declined, row["not judged"]].map(String),
    row.exit === null ? "" : String(row.exit),
  ]);
  return markdownTable([head, ...lines], { align: ["l", "l", "l", "r", "r", "r", "r", "r", "r"] });
}
