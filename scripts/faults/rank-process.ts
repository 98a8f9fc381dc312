import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RankConfig, RankEnd, RankLine } from "./rank-config.ts";

/** How a rank's process ended: with what it said, or without a word. `at` is in milliseconds of `performance.now()`. */
export interface Ending {
  readonly at: number;
  readonly signal: string | null;
  readonly end: RankEnd | null;
  /** What it wrote to stderr, when it ended without a word. */
  readonly stderr: string;
}

/** A process that waits for its part, so that its start costs no run any time. */
export class RankProcess {
  readonly ready: Promise<string>;
  readonly stalled: Promise<number>;
  readonly ended: Promise<Ending>;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;

  constructor(file: string) {
    this.#child = Bun.spawn([process.execPath, file], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    const ready = Promise.withResolvers<string>();
    const stalled = Promise.withResolvers<number>();
    this.ready = ready.promise;
    this.stalled = stalled.promise;
    let end: RankEnd | null = null;
    let endAt = 0;
    const lines = eachLine(this.#child.stdout, (text) => {
      const line = JSON.parse(text) as RankLine;
      if (line.event === "ready") ready.resolve(line.address);
      else if (line.event === "stalled") stalled.resolve(performance.now());
      else [end, endAt] = [line, performance.now()];
    });
    const stderr = new Response(this.#child.stderr).text();
    this.ended = this.#child.exited.then(async () => {
      const at = performance.now();
      await lines;
      return {
        at: end === null ? at : endAt,
        signal: this.#child.signalCode?.toString() ?? null,
        end,
        stderr: (await stderr).trim(),
      };
    });
    void this.ended.then(({ stderr }) => ready.reject(new Error(`a rank ended before it listened: ${stderr}`)));
    this.ready.catch(() => {});
  }

  begin(config: RankConfig): void {
    this.#child.stdin.write(`${JSON.stringify(config)}\n`);
    this.#child.stdin.flush();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Some processes that wait for a part, made while others work. */
export class RankPool implements Disposable {
  readonly #size: number;
  readonly #folder: string;
  readonly #file: string;
  readonly #waiting: RankProcess[] = [];

  private constructor(size: number, folder: string, file: string) {
    this.#size = size;
    this.#folder = folder;
    this.#file = file;
    this.#fill();
  }

  /** Bundles the rank program first: there will be hundreds of it, and one file without what it never uses starts in half the time. */
  static async start(size: number): Promise<RankPool> {
    const folder = mkdtempSync(join(tmpdir(), "tensorwire-faults-"));
    const entry = join(import.meta.dir, "rank.ts");
    const { outputs } = await Bun.build({ entrypoints: [entry], target: "bun", outdir: folder });
    return new RankPool(size, folder, outputs[0]!.path);
  }

  take(): RankProcess {
    const rank = this.#waiting.shift() ?? new RankProcess(this.#file);
    this.#fill();
    return rank;
  }

  [Symbol.dispose](): void {
    for (const rank of this.#waiting.splice(0)) rank.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #fill(): void {
    while (this.#waiting.length < this.#size) this.#waiting.push(new RankProcess(this.#file));
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, act: (line: string) => void): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) act(line);
  }
}
