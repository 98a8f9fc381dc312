import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { markdownTable } from "markdown-table";

const ROOT = resolve(import.meta.dir, "../..");
const CLI = "bun packages/cli/src/main.ts";

/** Whole commands, as a user starts them. The empty script is the floor: Bun's own start. */
const COMMANDS: readonly (readonly [name: string, command: string])[] = [
  ["an empty Bun script", "bun bench/src/empty.ts"],
  ["tensorwire --help (cold start)", `${CLI} --help`],
  ["conformance, in-process", `${CLI} conformance --in-process`],
  ["conformance, reference over TCP", `${CLI} conformance`],
  ["pipeline, two stages, 32 tokens", `${CLI} pipeline --max-tokens 32 --quiet`],
];

interface HyperfineResult {
  readonly command: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Runs the commands under hyperfine and prints the medians; says so and returns null where hyperfine is missing. */
export async function runHyperfine(): Promise<readonly HyperfineResult[] | null> {
  console.log("\n## Whole commands\n");
  if (Bun.which("hyperfine") === null) {
    console.log(
      "Skipped: hyperfine is not on the PATH (Debian: apt-get install hyperfine; Rust: cargo install hyperfine).",
    );
    return null;
  }
  const out = join(mkdtempSync(join(tmpdir(), "tensorwire-bench-")), "hyperfine.json");
  const named = COMMANDS.flatMap(([name, command]) => ["-n", name, command]);
  const args = ["hyperfine", "-N", "--warmup", "1", "--runs", "3", "--style", "none", "--export-json", out, ...named];
  const child = Bun.spawn(args, { cwd: ROOT, stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error("hyperfine failed: one of the commands exits with an error");
  const { results } = (await Bun.file(out).json()) as { results: HyperfineResult[] };
  const floor = results[0]!.median;
  const rows = results.map((r) => [r.command, seconds(r.median), seconds(r.min), `×${(r.median / floor).toFixed(1)}`]);
  console.log(markdownTable([["command", "median", "least", "against the empty script"], ...rows]));
  return results;
}

function seconds(value: number): string {
  return value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(1)} s`;
}
