import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pageFaults, readPage } from "./guarantees/faults.ts";
import { withTables } from "./guarantees/page.ts";
import { ROOT, readSources } from "./guarantees/sources.ts";

/** `spec/guarantees.md` with the tables of these sources; what stands there, and what is wrong with it. */
export function guaranteesPage(): {
  readonly page: string;
  readonly stands: string;
  readonly faults: readonly string[];
} {
  const sources = readSources();
  const stands = readPage();
  const page = withTables(stands, sources);
  return { page, stands, faults: pageFaults(page, sources) };
}

export const writeGuarantees = (page: string) => writeFileSync(join(ROOT, "spec/guarantees.md"), page);

/** `bun run guarantees` writes the tables of the page anew. Exit 1: the page names what is not there, or lacks a rule. */
if (import.meta.main) {
  const { page, faults } = guaranteesPage();
  writeGuarantees(page);
  for (const fault of faults) console.error(fault);
  process.exit(faults.length === 0 ? 0 : 1);
}
