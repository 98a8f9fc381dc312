/**
 * bun run model [--only NAMES] [--json] [--require]
 *
 * Checks the formal models of `spec/model`: the protocol as it is must keep every claim, and each mutation must break the one
 * that is named.
 */
import { parseArgs } from "node:util";
import { paint, paintFor } from "@tensorwire/conformance/paint";
import { markdownTable } from "markdown-table";
import { flags } from "./flags.ts";
import { CHECKS, type Check, CLAIMS } from "./model/checks.ts";
import { type Finding, missingPrograms, runCheck } from "./model/spin.ts";

const USAGE = `usage: bun run model [--only NAMES] [--json] [--require]

  --only NAMES  only these models and mutations, comma-separated: tp,NO_DRAIN
  --json        the findings as JSON on stdout
  --require     a missing spin is a failure (status 1), not "cannot be checked here" (status 69)

Exit status: 0 the models hold and every mutation breaks them as named; 1 otherwise; 64 usage; 69 spin or gcc is missing.
`;

/** What came of one check. */
interface Row extends Check, Finding {
  readonly as_expected: boolean;
}

const { only, json, require } = flags("model", USAGE, () => {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      json: { type: "boolean", default: false },
      require: { type: "boolean", default: false },
    },
  });
  const known = new Set(CHECKS.flatMap(({ model, mutation }) => [model, ...(mutation === null ? [] : [mutation])]));
  const only = values.only?.split(",");
  const unknown = only?.find((name) => !known.has(name));
  if (unknown !== undefined) throw new TypeError(`there is no model or mutation named ${unknown}`);
  return { ...values, only };
});
const missing = missingPrograms();
if (missing.length > 0) {
  process.stderr.write(`model: ${missing.join(" and ")} not found. On Debian or Ubuntu: apt-get install spin gcc\n`);
  process.exit(require ? 1 : 69);
}

const { dim, good, bad } = json ? paint(false) : paintFor(process.stdout);
const say = (text: string) => (json ? process.stderr : process.stdout).write(text);
const chosen = CHECKS.filter(
  ({ model, mutation }) => only === undefined || only.some((name) => name === model || name === mutation),
);
const rows: Row[] = [];
for (const check of chosen) {
  say(`${check.model} ${check.mutation === null ? "" : `${check.mutation} `}(${check.what}): `);
  const finding = await runCheck(check);
  const as_expected = finding.broken === check.breaks;
  rows.push({ ...check, ...finding, as_expected });
  const result = finding.broken === null ? "holds" : `breaks: ${CLAIMS[finding.broken]}`;
  say(`${(as_expected ? good : bad)(result)}\n`);
  for (const line of finding.trace) say(`${dim(`    ${line}`)}\n`);
}

const ok = rows.every(({ as_expected }) => as_expected);
const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
if (json) {
  const summary = {
    ok,
    checks: rows.length,
    unexpected: rows.filter(({ as_expected }) => !as_expected).length,
    seconds,
  };
  process.stdout.write(`${JSON.stringify({ summary, checks: rows }, null, 2)}\n`);
} else {
  const lines = rows.map(({ model, mutation, what, broken, breaks, states, seconds, as_expected }) => [
    model,
    mutation ?? what,
    `${broken ?? "holds"}${as_expected ? "" : `, expected ${breaks ?? "holds"}`}`,
    states.toLocaleString("en-US"),
    `${seconds.toFixed(1)} s`,
  ]);
  const table = markdownTable([["model", "variant", "result", "states", "time"], ...lines], {
    align: ["l", "l", "l", "r", "r"],
  });
  const verdict = `${ok ? "as expected" : "NOT as expected"}, ${rows.length} checks in ${seconds.toFixed(0)} s`;
  say(`\n${table}\n\n${(ok ? good : bad)(verdict)}\n`);
}
process.exit(ok ? 0 : 1);
