import { parseArgs } from "node:util";
import { globMatcher } from "@tensorwire/conformance/glob";
import { paintFor } from "@tensorwire/conformance/paint";
import { runGate } from "./gate.ts";
import { jsonReport, matrix } from "./matrix.ts";
import { progress } from "./progress.ts";

const USAGE = `usage: bun run mutants [--only GLOB] [--jobs N] [--json]

Puts each mutant of the reference to the checks that name its rules. Exit 0: all were killed and every rule has one.
`;

try {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      jobs: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const jobs = Number(values.jobs);
  if (!(Number.isInteger(jobs) && jobs >= 1 && jobs <= 64))
    throw new TypeError(`--jobs must be from 1 to 64, not ${values.jobs}`);
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const bar = progress(process.stderr);
  const gate = await runGate({
    jobs,
    ...(values.only !== undefined && { only: globMatcher(values.only) }),
    ...bar,
  }).finally(bar.stop);
  if (values.json) process.stdout.write(`${JSON.stringify(jsonReport(gate), null, 1)}\n`);
  else process.stdout.write(matrix(gate, paintFor(process.stdout)));
  process.exitCode = gate.faults.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`tensorwire mutants: ${error.message}\n${USAGE}`);
  process.exitCode = 64;
}
