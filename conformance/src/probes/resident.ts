import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** What a process may grow by in one case, in bytes: far above what collectors and compilers do, far below what is announced. */
export const MOST_GROWTH = 256 * 2 ** 20;

/** How far a process group has grown; undefined where that cannot be known. */
export interface Resident {
  grown(): number | undefined;
}

/** What is to be said of so much growth; undefined where it is allowed. */
export function overgrown(grown: number): string | undefined {
  if (grown <= MOST_GROWTH) return undefined;
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  return `the process grew by ${mib(grown)}, by the system's account; at most ${mib(MOST_GROWTH)} are allowed`;
}

/**
 * Watches the memory of a process group by the system's own account, where there is a `/proc`. The answer of `grown` is how far its
 * highest was above where it was at the beginning, in bytes; undefined where that cannot be known. r[iut.probe.memory.resident]
 * r[iut.wire.resident]
 */
export function watchResident(group: number | undefined, root = "/proc"): Resident {
  if (group === undefined) return { grown: () => undefined };
  try {
    const members = membersOf(group, root);
    // Sets the highest back to the present.
    for (const pid of members) writeFileSync(`${root}/${pid}/clear_refs`, "5");
    const before = members.reduce((sum, pid) => sum + fieldOf(pid, "VmRSS", root), 0);
    const highest = () => membersOf(group, root).reduce((sum, pid) => sum + fieldOf(pid, "VmHWM", root), 0);
    return { grown: () => unlessGone(() => Math.max(0, highest() - before)) };
  } catch {
    return { grown: () => undefined };
  }
}

function unlessGone(read: () => number): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function membersOf(group: number, root: string): string[] {
  return readdirSync(root).filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      // pid (name) state parent group …, and a name may have blanks and brackets.
      const stat = readFileSync(`${root}/${name}/stat`, "latin1");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) === group;
    } catch {
      return false;
    }
  });
}

function fieldOf(pid: string, field: string, root: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`${root}/${pid}/status`, "latin1"));
  return Number(match?.[1] ?? 0) * 1024;
}
