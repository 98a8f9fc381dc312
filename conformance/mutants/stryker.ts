import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { explained, type Survivor, survivors } from "./survivors.ts";

/**
 * General mutation testing with StrykerJS: small mechanical changes to the sources of a package, each put to the unit tests of
 * the package and then to the corpus. What survives must be explained in `SURVIVORS.md`.
 */
const PACKAGES = ["framing", "tensor-spec", "tp-control", "pp-contract"];
const USAGE = `usage: bun run mutation [--package ${PACKAGES.join("|")}]... [--jobs N] [--json]\n`;
const ROOT = resolve(import.meta.dir, "../..");
const BUN = JSON.stringify(process.execPath);

/** Runs Stryker on one package and gives what nothing killed. */
async function mutatePackage(name: string, jobs: number) {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-mutation-"));
  const report = join(folder, "report.json");
  const config = join(folder, "stryker.config.json");
  const options = {
    mutate: [`packages/${name}/src/**/*.ts`, "!**/*.test.ts", "!**/testing.ts", "!**/index.ts"],
    testRunner: "command",
    commandRunner: { command: `${BUN} test --bail packages/${name} && ${BUN} conformance/mutants/corpus.ts` },
    plugins: [],
    reporters: process.stderr.isTTY ? ["json", "progress"] : ["json", "progress-append-only"],
    allowConsoleColors: process.stderr.isTTY === true,
    jsonReporter: { fileName: report },
    // Outside of the repository: a sandbox in it would be found by `bun test`.
    tempDirName: join(folder, "sandbox"),
    ignorePatterns: ["vectors", "bench", "conformance/ports/rust/target", ".tensorflow"],
    // Stryker edits the paths of a tsconfig with the compiler's old API, which TypeScript 7 does not have; nothing here needs it.
    tsconfigFile: "none.json",
    concurrency: jobs,
    timeoutMS: 60_000,
  };
  writeFileSync(config, JSON.stringify(options));
  try {
    const stryker = Bun.spawn(["node", join(import.meta.dir, "node_modules/.bin/stryker"), "run", config], {
      cwd: ROOT,
      stdio: ["ignore", 2, "inherit"],
    });
    if ((await stryker.exited) !== 0) throw new Error(`stryker ended with status ${stryker.exitCode}`);
    return survivors(JSON.parse(readFileSync(report, "utf8")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { values } = parseArgs({
  options: {
    package: { type: "string", multiple: true, default: PACKAGES },
    jobs: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
if (values.package.some((name) => !PACKAGES.includes(name)) || !(Number(values.jobs) >= 1)) {
  process.stderr.write(USAGE);
  process.exit(64);
}
if (Bun.which("node") === null) {
  process.stderr.write("tensorwire mutation: Stryker runs on Node 20 or later, and there is no node on the PATH\n");
  process.exit(1);
}

const written = readFileSync(join(import.meta.dir, "SURVIVORS.md"), "utf8");
const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
const summary: Record<
  string,
  { total: number; killed: number; texts: number; explained: number; unexplained: number }
> = {};
const open: Survivor[] = [];
for (const name of values.package) {
  const { total, alive } = await mutatePackage(name, Number(values.jobs));
  const texts = alive.filter(({ text }) => text);
  const rest = alive.filter(({ text }) => !text);
  const unexplained = rest.filter((survivor) => !explained(survivor, written));
  open.push(...unexplained);
  const killed = total - alive.length;
  summary[name] = {
    ...{ total, killed, texts: texts.length },
    ...{ explained: rest.length - unexplained.length, unexplained: unexplained.length },
  };
  say(
    `${name}: ${total} mutants, ${killed} killed (${((100 * killed) / total).toFixed(1)} %), ${texts.length} in texts for people, ` +
      `${rest.length - unexplained.length} explained, ${unexplained.length} not`,
  );
  for (const { key, line, file } of unexplained) say(`  ${file}:${line}  ${key}`);
}
if (values.json) process.stdout.write(`${JSON.stringify({ summary, unexplained: open }, null, 1)}\n`);
process.exitCode = open.length === 0 ? 0 : 1;
