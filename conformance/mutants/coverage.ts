import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { guaranteesPage, writeGuarantees } from "@tensorwire/scripts/guarantees";
import oneSided from "@tensorwire/scripts/one-sided";
import { holdersOf, titlesOfTests } from "@tensorwire/scripts/protocol-rules";
import { indexRules } from "@tensorwire/scripts/rules";
import { flags, jobsOf } from "./flags.ts";
import { runGate } from "./gate.ts";
import { killersPage } from "./matrix.ts";
import { coveragePage } from "./page.ts";
import { progress } from "./progress.ts";

/**
 * `bun run coverage` runs the gate of the mutants and writes `spec/coverage.md` and `spec/mutants.json` from what it has shown, and the
 * tables of `spec/guarantees.md`; `--check` compares the pages that stand there. Exit 1: a check failed, a mutant survived, or a page is not that
 * of these sources.
 */
const SPEC = join(resolve(import.meta.dir, "../.."), "spec");

const USAGE = `usage: bun run coverage [--check] [--jobs N]

Runs the mutants and writes spec/coverage.md and spec/mutants.json from what they have shown, and the tables of spec/guarantees.md.

  --check   write nothing, and fail if a page is not that of these sources
  --jobs N  processes at once, 1 to 64; 2 unless told

Exit status: 0; 1 a check failed, a mutant survived, or a page is wrong; 64 usage.
`;

const { check, jobs } = flags("coverage", USAGE, () => {
  const { values } = parseArgs({
    options: { check: { type: "boolean", default: false }, jobs: { type: "string", default: "2" } },
  });
  return { ...values, jobs: jobsOf(values.jobs) };
});
const bar = progress(process.stderr);
const gate = await runGate({ jobs, ...bar }).finally(bar.stop);
for (const fault of gate.faults) process.stderr.write(`${fault}\n`);
const rules = indexRules();
const holders = holdersOf(rules, await titlesOfTests());
const page = coveragePage(rules, gate, holders, Object.assign({}, ...Object.values(oneSided)));
const killed = gate.verdicts.filter(({ fate }) => fate === "killed").length;
process.stdout.write(`${gate.control.passed} checks passed, ${killed} of ${gate.verdicts.length} mutants killed\n`);
const guarantees = guaranteesPage();
for (const fault of guarantees.faults) process.stderr.write(`spec/guarantees.md: ${fault}\n`);
const standing = (name: string, text: string) => {
  const path = join(SPEC, name);
  const stands = existsSync(path) ? readFileSync(path, "utf8") : "";
  return { name: `spec/${name}`, page: text, stands, write: (other: string) => writeFileSync(path, other) };
};
const pages = [
  standing("coverage.md", page),
  standing("mutants.json", killersPage(gate)),
  { name: "spec/guarantees.md", ...guarantees, write: writeGuarantees },
];
if (gate.faults.length > 0 || guarantees.faults.length > 0) process.exitCode = 1;
for (const { name, page, stands, write } of pages) {
  if (page === stands || gate.faults.length > 0) continue;
  if (!check) {
    write(page);
    continue;
  }
  process.stderr.write(`${name} is not the page of these sources: run \`bun run coverage\` and commit it\n`);
  process.exitCode = 1;
}
