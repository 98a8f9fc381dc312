import { parseArgs } from "node:util";
import { EXIT } from "@tensorwire/conformance";
import { globMatcher } from "@tensorwire/conformance/glob";
import { paintFor } from "@tensorwire/conformance/paint";
import { flags, jobsOf } from "./flags.ts";
import { runGate } from "./gate.ts";
import { jsonReport, matrix } from "./matrix.ts";
import { progress } from "./progress.ts";
import { MUTANTS } from "./zoo/index.ts";

const USAGE = `usage: bun run mutants [--only GLOB] [--jobs N] [--json]

Puts each mutant of the reference to the checks that name its rules.

  --only GLOB  only mutants whose id matches: 'prefix/*'
  --jobs N     processes at once, 1 to 64; 2 unless told
  --json       the verdicts as JSON on stdout

Exit status: 0 all were killed and every rule has one; 1 otherwise; 5 no mutant has such an id; 64 usage.
`;

const { only, jobs, json } = flags("mutants", USAGE, () => {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      jobs: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
    },
  });
  return { ...values, jobs: jobsOf(values.jobs) };
});
const selects = only === undefined ? undefined : globMatcher(only);
if (selects !== undefined && !MUTANTS.some(({ id }) => selects(id))) {
  process.stderr.write(`mutants: no mutant matches ${only}\n`);
  process.exit(EXIT.nothing);
}
const bar = progress(process.stderr);
const gate = await runGate({ jobs, ...(selects && { only: selects }), ...bar }).finally(bar.stop);
if (json) process.stdout.write(`${JSON.stringify(jsonReport(gate), null, 1)}\n`);
else process.stdout.write(matrix(gate, paintFor(process.stdout)));
process.exitCode = gate.faults.length === 0 ? 0 : 1;
