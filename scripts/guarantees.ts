import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { flags } from "./flags.ts";
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

const USAGE = `usage: bun run guarantees

Writes the tables of spec/guarantees.md anew: where each rule of TP, PP and the handshake is kept, shown and proved. \`bun run coverage\`
does it too, and spec/coverage.md with it.

Exit status: 0; 1 the page names what is not there, or lacks a rule that it owes; 64 usage.
`;

if (import.meta.main) {
  flags("guarantees", USAGE, () => parseArgs({ options: {} }));
  const { page, faults } = guaranteesPage();
  writeGuarantees(page);
  for (const fault of faults) console.error(fault);
  process.exit(faults.length === 0 ? 0 : 1);
}
