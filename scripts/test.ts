/**
 * bun run test [--require-all]
 *
 * All tests: formatting and lint, types, `bun test`, and each port with its own tests and the whole corpus, where its language
 * is here. The last line is the plain count. `--require-all` (CI) makes a missing language, native TensorFlow, Chromium or tshark
 * a failure.
 */
import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { flags } from "./flags.ts";

const ROOT = resolve(import.meta.dir, "..");
const USAGE = `usage: bun run test [--require-all]

  --require-all  a missing language, native TensorFlow, Chromium or tshark is a failure, not a skip

Exit status: 0 nothing failed; 1 otherwise; 64 usage. \`bun test FOLDER\` runs the tests of one folder.
`;

const requireAll = flags("test", USAGE, () => {
  const { values } = parseArgs({ options: { "require-all": { type: "boolean", default: false } } });
  return values["require-all"];
});
const count = { passed: 0, failed: 0, skipped: 0 };

/** Runs one command with its output shown; the status is its exit status. */
async function run(command: readonly string[], env: Record<string, string> = {}): Promise<number> {
  console.log(`\n$ ${command.join(" ").replace(process.execPath, "bun")}`);
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await child.exited;
}

function tally(ok: boolean): void {
  if (ok) count.passed++;
  else count.failed++;
}

const bun = process.execPath;
tally((await run([bun, "x", "biome", "ci", "--colors=off", "."])) === 0);
tally((await run([bun, "x", "tsc", "--noEmit", "-p", "."])) === 0);

const folder = mkdtempDisposableSync(join(tmpdir(), "tensorwire-test-"));
const junit = join(folder.path, "junit.xml");
// Two files at a time: many tests wait for a process or a deadline. More would make them wait for a processor.
const status = await run(
  [
    bun,
    "test",
    "--parallel=2",
    "--timeout=60000",
    "--only-failures",
    "--reporter=junit",
    `--reporter-outfile=${junit}`,
  ],
  {
    ...(requireAll && {
      TENSORWIRE_REQUIRE_TENSORFLOW: "1",
      TENSORWIRE_REQUIRE_PORTS: "1",
      TENSORWIRE_REQUIRE_CHROMIUM: "1",
      TENSORWIRE_REQUIRE_TSHARK: "1",
    }),
  },
);
const report = readFileSync(junit, "utf8");
folder.remove();
const suites = /<testsuites\b([^>]*)>/.exec(report)?.[1] ?? "";
const attribute = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suites)?.[1] ?? "NaN");
const [tests, failures, skipped] = [attribute("tests"), attribute("failures"), attribute("skipped")];
if (!(tests > 0)) throw new Error("bun test executed no test");
count.passed += tests - failures - skipped;
// A run that fails outside of its tests (a module that does not load) must not count as green.
count.failed += failures === 0 && status !== 0 ? 1 : failures;
count.skipped += skipped;

console.log(`\n$ bun conformance/ports/run.ts`);
const ports = Bun.spawn([bun, "conformance/ports/run.ts", "--json", ...(requireAll ? ["--require-all"] : [])], {
  cwd: ROOT,
  stdio: ["ignore", "pipe", "inherit"],
});
interface PortRow {
  readonly port: string;
  readonly status: string;
  readonly reason?: string;
}
for (const { port, status, reason } of ((await ports.stdout.json()) as { ports: PortRow[] }).ports) {
  console.log(`${port}: ${status}${reason === undefined ? "" : `, ${reason}`}`);
  // A build may need a registry that this machine does not reach; where everything is required that is a failure.
  if (status === "skipped" || (status === "build failed" && !requireAll)) count.skipped++;
  else tally(status === "conformant");
}

console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exit(count.failed === 0 ? 0 : 1);
