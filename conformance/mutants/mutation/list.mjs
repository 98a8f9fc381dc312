// Runs under Node, not Bun: Babel's modules, on which Stryker's mutators stand, do not load under Bun 1.4.5.
import { readFileSync } from "node:fs";
import { Instrumenter } from "@stryker-mutator/instrumenter";

/** Prints Stryker's mutants of the files that are given, as JSON: file, mutator, replacement, and where (lines and columns from 0). */
const quiet = { isDebugEnabled: () => false, debug() {}, info() {}, warn: console.error, error: console.error };
const files = process.argv.slice(2).map((name) => ({ name, mutate: true, content: readFileSync(name, "utf8") }));
const options = { excludedMutations: [], ignorers: [], plugins: null };
const { mutants } = await new Instrumenter(quiet).instrument(files, options);
const shown = mutants.map(({ fileName: file, mutatorName, replacement, location, status }) => {
  return { file, mutatorName, replacement, location, ignored: status === "Ignored" };
});
process.stdout.write(JSON.stringify(shown));
