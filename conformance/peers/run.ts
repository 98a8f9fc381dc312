/** Runs the corpus against libraries that this project did not write: `bun run peers`. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { readBaseline } from "../src/baseline.ts";
import { NO_BASELINE } from "../src/baseline-file.ts";
import { EXIT, type ExitCode, type Report, runConformance } from "../src/index.ts";
import { count } from "../src/verdict.ts";
import { draftBaseline, strangers, wordsOf } from "./baseline.ts";
import { build } from "./build.ts";
import { type Peer, peerNames, readPeer, SEED } from "./peer.ts";
import { type Row, rowOf, table } from "./table.ts";

interface Flags {
  readonly json: boolean;
  readonly only?: readonly string[];
  readonly updateBaseline: boolean;
}

const log = (line: string) => void process.stderr.write(`${line}\n`);

const program = new Command("peers")
  .description("Build libraries that this project did not write behind thin adapters, and run the corpus against each.")
  .option("--only <names...>", "only these peers")
  .option("--json", "one JSON object on stdout", false)
  .option("--update-baseline", "write each peer's baseline.json anew from this run", false)
  .addHelpText(
    "after",
    `
Peers: ${peerNames().join(", ")}

Each peer's known failures are in its baseline.json. Exit status: 0 when every peer that is run does what its baseline says,
or else the status of the harness (1 a new failure, 2 a known failure that passes now, 3 the adapter is broken); 1 as well
when a peer does not build; 5 when no peer was run. A peer whose toolchain is missing is skipped, and said to be.`,
  )
  .exitOverride()
  .action(main);

async function main({ only, json, updateBaseline }: Flags): Promise<void> {
  const names = peerNames();
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) program.error(`no peer "${unknown}"; there are ${names.join(", ")}`, { exitCode: 64 });
  const rows: Row[] = [];
  for (const name of only ?? names) {
    const peer = readPeer(name);
    const obstacle = await build(peer, log);
    if (obstacle !== undefined) log(`${name}: ${obstacle.kind}: ${obstacle.reason}`);
    rows.push(obstacle === undefined ? await put(peer, updateBaseline) : rowOf(peer, obstacle));
  }
  const exit = exitOf(rows);
  process.stdout.write(json ? `${JSON.stringify({ exit, peers: rows }, null, 1)}\n` : `${table(rows)}\n`);
  process.exitCode = exit;
}

async function put(peer: Peer, updateBaseline: boolean): Promise<Row> {
  log(`${peer.name}: running the corpus`);
  const file = join(peer.folder, "baseline.json");
  let page = "";
  const { report, exitCode } = await runConformance({
    way: { kind: "launch", command: `cd '${peer.folder}' && exec ${peer.launch}` },
    ...(!updateBaseline && existsSync(file) && { baseline: file }),
    seed: SEED,
    // The JVM is slow to start where the machine is busy.
    startDeadline: 60_000,
    unusableToo: true,
    log: (line) => log(`${peer.name}: ${line}`),
    print: (text) => {
      page = text;
    },
  });
  if (report === undefined) throw new Error(`${file} is no baseline`);
  if (updateBaseline) return rowOf(peer, report, update(peer, report, file));
  if (exitCode !== EXIT.conformant) {
    log(page);
    return rowOf(peer, report, exitCode);
  }
  const faults = strangers(report.outcomes, existsSync(file) ? readBaseline(file) : NO_BASELINE, peer.differences);
  for (const fault of faults.slice(0, 20)) log(`${peer.name}: ${fault}`);
  return rowOf(peer, report, faults.length > 0 ? EXIT.notConformant : exitCode);
}

/** Writes the baseline of a run whose every failure is explained by `peer.json`. */
function update(peer: Peer, report: Report, file: string): ExitCode {
  const { entries, unexplained, unused } = draftBaseline(report.outcomes, peer.differences);
  for (const { want, got } of unused) log(`${peer.name}: nothing any more is explained by ${want} and ${got}`);
  for (const outcome of unexplained.slice(0, 20)) {
    const { want, got } = wordsOf(outcome);
    log(`${peer.name}: peer.json does not explain ${outcome.id}: expected ${want}, got ${got}`);
  }
  if (unexplained.length > 0) return EXIT.notConformant;
  if (unused.length > 0) return EXIT.baseline;
  writeFileSync(file, `${JSON.stringify({ entries }, null, 2)}\n`);
  log(`${peer.name}: ${entries.length} entries for ${count(report.outcomes).fail} failures written`);
  return EXIT.conformant;
}

function exitOf(rows: readonly Row[]): ExitCode {
  const failed = rows.find(({ exit }) => exit !== null && exit !== EXIT.conformant);
  if (failed?.exit) return failed.exit;
  if (rows.some(({ status }) => status === "not built")) return EXIT.notConformant;
  return rows.some(({ status }) => status === "ran") ? EXIT.conformant : EXIT.nothing;
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
}
