import { parseArgs } from "node:util";
import { globMatcher } from "@tensorwire/conformance/glob";
import { paintFor } from "@tensorwire/conformance/paint";
import { flags, jobsOf } from "./flags.ts";
import { runGate } from "./gate.ts";
import { jsonReport, matrix } from "./matrix.ts";
import { progress } from "./progress.ts";

const USAGE = `usage: bun run mutants [--only GLOB] [--jobs N] [--json]

Puts each mutant of the reference to the checks that name its rules. Exit 0: all were killed and every rule has one.
`;

const { help, only, jobs, json } = flags("mutants", USAGE, () => {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      jobs: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return { ...values, jobs: jobsOf(values.jobs) };
});
if (help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const bar = progress(process.stderr);
const gate = await runGate({ jobs, ...(only !== undefined && { only: globMatcher(only) }), ...bar }).finally(bar.stop);
if (json) process.stdout.write(`${JSON.stringify(jsonReport(gate), null, 1)}\n`);
else process.stdout.write(matrix(gate, paintFor(process.stdout)));
process.exitCode = gate.faults.length === 0 ? 0 : 1;
