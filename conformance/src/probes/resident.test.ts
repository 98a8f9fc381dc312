import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watchResident } from "./resident.ts";

/** A `/proc` of these processes: pid, group, resident and highest memory in KiB. */
function proc(...processes: readonly (readonly [pid: number, group: number, rss: number, highest: number])[]): string {
  const root = mkdtempSync(join(tmpdir(), "proc-"));
  writeFileSync(join(root, "uptime"), "");
  for (const [pid, group, rss, highest] of processes) put(root, pid, group, rss, highest);
  return root;
}

function put(root: string, pid: number, group: number, rss: number, highest: number): void {
  mkdirSync(join(root, `${pid}`), { recursive: true });
  writeFileSync(join(root, `${pid}/stat`), `${pid} (a (b) c) S 1 ${group} 1 0`);
  writeFileSync(join(root, `${pid}/status`), `Name:\tx\nVmHWM:\t  ${highest} kB\nVmRSS:\t  ${rss} kB\n`);
}

test("r[iut.probe.memory.resident]: the highest of the whole group since the watch began, above where it was", () => {
  const root = proc([7, 7, 100, 900], [8, 7, 50, 60], [9, 9, 10, 10]);
  const watch = watchResident(7, root);
  expect(readFileSync(join(root, "7/clear_refs"), "utf8")).toBe("5");
  put(root, 7, 7, 120, 300);
  put(root, 8, 7, 50, 50);
  expect(watch.grown()).toBe(200 * 1024);
});

test("a process that joins the group counts in full", () => {
  const root = proc([7, 7, 100, 100]);
  const watch = watchResident(7, root);
  put(root, 8, 7, 40, 70);
  expect(watch.grown()).toBe(70 * 1024);
});

test("where there is no /proc, or no process of the harness's own, nothing is known", () => {
  expect(watchResident(7, "/nowhere").grown()).toBeUndefined();
  expect(watchResident(undefined).grown()).toBeUndefined();
});
