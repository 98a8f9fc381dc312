/**
 * bun run proto-breaking [--json]
 *
 * Compares `spec/proto` with the last released files (`spec/proto/released`) and fails on a change that old peers would not
 * survive. The policy is `spec/evolution.md`.
 */
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { lastReleased, unsafeChanges } from "./proto-breaking/compare.ts";

const PROTOS = resolve(import.meta.dir, "../spec/proto");
const USAGE = `usage: bun run proto-breaking [--json]

Exit status: 0 every change since the last release is safe; 1 otherwise; 64 usage.
`;

function options() {
  try {
    return parseArgs({ options: { json: { type: "boolean", default: false } } }).values;
  } catch (error) {
    process.stderr.write(`proto-breaking: ${(error as Error).message}\n${USAGE}`);
    process.exit(64);
  }
}

const { json } = options();
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
