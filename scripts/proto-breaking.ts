/**
 * bun run proto-breaking [--json]
 *
 * Compares `spec/proto` with the last released files (`spec/proto/released`) and fails on a change that old peers would not
 * survive. The policy is `spec/evolution.md`.
 */
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { flags } from "./flags.ts";
import { lastReleased, unsafeChanges } from "./proto-breaking/compare.ts";

const PROTOS = resolve(import.meta.dir, "../spec/proto");
const USAGE = `usage: bun run proto-breaking [--json]

Compares spec/proto with the files of the last release: no change that old peers would not survive (spec/evolution.md).

  --json  the changes as JSON on stdout

Exit status: 0 every change since the last release is safe; 1 otherwise; 64 usage.
`;

const { values } = flags("proto-breaking", USAGE, () =>
  parseArgs({ options: { json: { type: "boolean", default: false } } }),
);
const { json } = values;
const version = basename(lastReleased(PROTOS));
const changes = await unsafeChanges(PROTOS);
if (json) {
  process.stdout.write(`${JSON.stringify({ against: version, ok: changes.length === 0, changes }, null, 2)}\n`);
} else {
  for (const { at, rule, message } of changes) process.stdout.write(`${at}: ${message} (${rule})\n`);
  const verdict = changes.length === 0 ? "no unsafe change" : `${changes.length} unsafe: see spec/evolution.md`;
  process.stdout.write(`spec/proto against version ${version}: ${verdict}\n`);
}
process.exit(changes.length === 0 ? 0 : 1);
