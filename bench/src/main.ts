/**
 * `bun run bench`: every decoder and encoder case in a process of its own, then whole commands under hyperfine, as ratios
 * within this run. Absolute figures belong to the machine; read the ratios.
 */
import { parseArgs } from "node:util";
import { markdownTable } from "markdown-table";
import pc from "picocolors";
import { flags } from "../../scripts/flags.ts";
import { CONTESTANTS } from "./decoders.ts";
import { ENCODERS } from "./encoders.ts";
import { runHyperfine } from "./hyperfine.ts";
import { CHUNKINGS, SIZES } from "./streams.ts";

const HELP = `usage: bun run bench [--only decode,encode,commands] [--sizes 16,1024] [--rounds N] [--json FILE]

  bun run bench                              everything, about six minutes
  bun run bench --only decode --sizes 16     one cell of the table
  bun run bench --json bench.json            the figures for a program
`;

const { values: options } = flags("bench", HELP, () =>
  parseArgs({
    options: {
      only: { type: "string", default: "decode,encode,commands" },
      sizes: { type: "string", default: SIZES.join(",") },
      rounds: { type: "string", default: "3" },
      json: { type: "string" },
    },
  }),
);
const sizes = options.sizes.split(",").map(Number);
const parts = new Set(options.only.split(","));
const rounds = Number(options.rounds);
const results: Record<string, unknown> = {};

/** One case, `rounds` times; the rounds of all contestants of a cell are interleaved so that drift hits them alike. */
async function cell(
  script: string,
  names: readonly string[],
  args: readonly string[],
): Promise<Map<string, CaseResult[]>> {
  const seen = new Map<string, CaseResult[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      progress(`${args.join(" ")}  round ${round + 1}/${rounds}  ${name}`);
      const child = Bun.spawn([process.execPath, `${import.meta.dir}/${script}`, name, ...args], { stderr: "inherit" });
      const line = await new Response(child.stdout).text();
      if ((await child.exited) !== 0) throw new Error(`${script} ${name} ${args.join(" ")} failed`);
      seen.get(name)!.push(JSON.parse(line));
    }
  }
  progress("");
  return seen;
}

interface CaseResult {
  readonly mbps: number;
  readonly ns: number;
  readonly stopped: boolean;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${pc.createColors(true).dim(text)}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function sizeName(size: number): string {
  if (size >= 1024 * 1024) return `${size / 1024 / 1024} MiB`;
  return size >= 1024 ? `${size / 1024} KiB` : `${size} B`;
}

function ratio(value: number): string {
  return `×${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)}`;
}

async function decode(): Promise<void> {
  const names = Object.keys(CONTESTANTS);
  for (const chunking of CHUNKINGS) {
    const rows = new Map<string, string[]>(names.map((name) => [name, [name]]));
    for (const size of sizes) {
      const seen = await cell("decode-case.ts", names, [String(size), chunking]);
      const rate = (name: string) => median(seen.get(name)!.map((r) => r.mbps));
      for (const name of names) {
        const mbps = rate(name);
        const limit = rate(name === "multipart" ? "js limit of multipart" : "js limit");
        const stopped = seen.get(name)!.some((r) => r.stopped) ? " (stopped)" : "";
        rows
          .get(name)!
          .push(name.startsWith("js limit") ? `${mbps.toFixed(0)} MB/s` : `${ratio(limit / mbps)}${stopped}`);
        results[`decode ${name} ${size} ${chunking}`] = { mbps, timesLimit: limit / mbps };
      }
    }
    console.log(`\n## Decode, chunks of ${chunking === "64k" ? "64 KiB" : "1 to 1,500 bytes"}\n`);
    console.log(
      "Time relative to the JavaScript limit of the same run (`multipart` to its own); below ×2 is the goal. `(stopped)`: over 1.5 s.\n",
    );
    console.log(markdownTable([["decoder", ...sizes.map(sizeName)], ...rows.values()], { alignDelimiters: true }));
  }
}

async function encode(): Promise<void> {
  const names = Object.keys(ENCODERS);
  const base = "len64 buffers";
  const rows = new Map<string, string[]>(names.map((name) => [name, [name]]));
  for (const size of sizes) {
    const seen = await cell("encode-case.ts", names, [String(size)]);
    const ns = (name: string) => median(seen.get(name)!.map((r) => r.ns));
    for (const name of names) {
      rows.get(name)!.push(name === base ? `${ns(base).toFixed(0)} ns` : ratio(ns(name) / ns(base)));
      results[`encode ${name} ${size}`] = { ns: ns(name), timesBuffers: ns(name) / ns(base) };
    }
  }
  console.log("\n## Encode, per frame\n");
  console.log(`Time relative to \`${base}\` (prefix and payload as two buffers, no copy).\n`);
  console.log(markdownTable([["encoder", ...sizes.map(sizeName)], ...rows.values()]));
}

console.log(`# Benchmark\n\nBun ${Bun.version}, ${navigator.hardwareConcurrency} cores, ${rounds} rounds, medians.`);
if (parts.has("decode")) await decode();
if (parts.has("encode")) await encode();
if (parts.has("commands")) results.commands = await runHyperfine();
if (options.json !== undefined) await Bun.write(options.json, `${JSON.stringify(results, null, 2)}\n`);
