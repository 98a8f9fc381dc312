import { join } from "node:path";
import type { Subprocess } from "bun";
import type { PipelineEvent, StageReady } from "./options.ts";
import type { StageLine, StageMainOptions } from "./stage-main.ts";
import type { CallRecord } from "./trace.ts";

const ENTRY = join(import.meta.dir, "stage-main.ts");

/** A stage that this process has started as a child: it ends when this one does. */
export class StageProcess {
  readonly rank: number;
  readonly records: CallRecord[] = [];
  /** Rejects when the process ends before it is ready. */
  readonly ready: Promise<StageReady>;
  /** How the process ended, once it has: null for status 0. */
  readonly ended: Promise<string | null>;
  /** A neighbour that the stage has lost; never settles otherwise. */
  readonly neighbourLost: Promise<{ readonly rank: number; readonly why: string }>;
  hopBytes = { out: 0, in: 0 };
  readonly #child: Subprocess<"pipe", "pipe", "pipe">;
  #lastWords = "";

  constructor(options: StageMainOptions, onEvent: (event: PipelineEvent) => void) {
    this.rank = options.rank;
    const argument = JSON.stringify({ ...options, untilStdinEnds: true, printCalls: true }, finite);
    const stdio = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;
    this.#child = Bun.spawn([process.execPath, ENTRY, argument], stdio);
    const ready = Promise.withResolvers<StageReady>();
    const lost = Promise.withResolvers<{ rank: number; why: string }>();
    this.ready = ready.promise;
    this.ready.catch(() => {});
    this.neighbourLost = lost.promise;
    const output = eachLine(this.#child.stdout, (line) => {
      const message = parseLine(line);
      // Not ours: some library prints.
      if (message === null) onEvent({ event: "stderr", rank: this.rank, line });
      else if (message.event === "ready") ready.resolve(message);
      else if (message.event === "call") this.records.push({ ...message, call_id: BigInt(message.call_id) });
      else if (message.event === "lost") lost.resolve(message);
      else this.hopBytes = message.hopBytes;
    });
    const errors = eachLine(this.#child.stderr, (line) => {
      this.#lastWords = line;
      onEvent({ event: "stderr", rank: this.rank, line });
    });
    this.ended = Promise.all([this.#child.exited, output, errors]).then(() => {
      const how = this.#howItEnded();
      ready.reject(new Error(`stage ${this.rank} did not start: it ${how ?? "ended at once"}`));
      return how;
    });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #howItEnded(): string | null {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === 0) return null;
    const how = signalCode === null ? `exited with status ${exitCode}` : `was killed by ${signalCode}`;
    return this.#lastWords === "" ? how : `${how}: ${this.#lastWords}`;
  }
}

/** A chunk of a text may end anywhere, within a line too. */
export async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  act: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) act(line);
  }
  if (rest !== "") act(rest);
}

/** JSON has no Infinity and would make it null, which is 0 to a deadline: as good is one that no clock can reach. */
export function finite(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? Number.MAX_VALUE : value;
}

const EVENTS: ReadonlySet<unknown> = new Set<StageLine["event"]>(["ready", "call", "lost", "done"]);

/** Null for a line that is not a stage's: what a library prints may be JSON too. */
export function parseLine(line: string): StageLine | null {
  try {
    const value: unknown = JSON.parse(line);
    return isStageLine(value) ? value : null;
  } catch {
    return null;
  }
}

function isStageLine(value: unknown): value is StageLine {
  return typeof value === "object" && value !== null && "event" in value && EVENTS.has(value.event);
}
