import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DEFAULT_DEADLINE_MS,
  DEFAULT_JOB,
  DEFAULT_START_DEADLINE_MS,
  type PipelineEvent,
  type StageReady,
  type StageSettings,
} from "./options.ts";
import { StageLostError } from "./stage-lost.ts";
import { StageProcess } from "./stage-process.ts";
import type { CallRecord } from "./trace.ts";
import { within } from "./within.ts";

interface Options extends StageSettings {
  readonly stages: number;
  readonly transport: "tcp" | "unix";
  readonly signal?: AbortSignal | undefined;
}

/** The stages of a pipeline as child processes of this one, on loopback or Unix sockets. */
export class StageProcesses {
  readonly ready: StageReady[] = [];
  readonly #processes: StageProcess[] = [];
  /** Where the Unix sockets are. */
  readonly #folder: string | null;

  private constructor(folder: string | null) {
    this.#folder = folder;
  }

  /** Starts the last stage first, since each needs the address of the next. Rejects when one does not come up in time. */
  static async start(options: Options, onEvent: (event: PipelineEvent) => void): Promise<StageProcesses> {
    const { stages, transport, signal, startDeadlineMs = DEFAULT_START_DEADLINE_MS } = options;
    const settings = settingsOf(options);
    const folder = transport === "unix" ? await mkdtemp(join(tmpdir(), "tensorwire-")) : null;
    const all = new StageProcesses(folder);
    try {
      for (let rank = stages - 1; rank >= 0; rank--) {
        const next = all.ready[0]?.address;
        const address = folder === null ? {} : { listen: `unix:${join(folder, `stage-${rank}.sock`)}` };
        const stage = new StageProcess(
          { ...settings, ...address, rank, stages, ...(next !== undefined && { next }) },
          onEvent,
        );
        all.#processes.unshift(stage);
        const ready = await within(stage.ready, startDeadlineMs, `stage ${rank} did not start`, signal);
        all.ready.unshift(ready);
        onEvent(ready);
      }
      return all;
    } catch (error) {
      await all.kill();
      throw error;
    }
  }

  get records(): CallRecord[] {
    return this.#processes.flatMap(({ records }) => records);
  }

  /** Bytes between the stages: of requests, and of results. */
  get hopBytes(): { readonly out: number; readonly in: number } {
    return this.#processes.reduce((sum, { hopBytes }) => ({ out: sum.out + hopBytes.out, in: sum.in + hopBytes.in }), {
      out: 0,
      in: 0,
    });
  }

  /** Settles with the first stage that ends, or that its neighbour has lost. `calls` says what is in flight then. */
  async lost(calls: () => readonly bigint[]): Promise<StageLostError> {
    const losses = this.#processes.flatMap(({ rank, ended, neighbourLost }) => [
      ended.then((how) => ({ rank, why: how ?? "it ended before its work was done" })),
      neighbourLost,
    ]);
    const { rank, why } = await Promise.race(losses);
    return new StageLostError(rank, calls(), why);
  }

  /** After SHUTDOWN: waits for every process to end. Rejects with StageLostError when one did not end well. */
  async finish(deadlineMs: number): Promise<void> {
    const endings = await within(
      Promise.all(this.#processes.map(({ ended }) => ended)),
      deadlineMs,
      "the stages did not end after SHUTDOWN",
    ).finally(() => this.kill());
    const rank = endings.findIndex((how) => how !== null);
    if (rank >= 0) throw new StageLostError(rank, [], endings[rank]!);
  }

  async kill(): Promise<void> {
    for (const stage of this.#processes) stage.kill();
    await Promise.all(this.#processes.map(({ ended }) => ended));
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What a stage gets to know: not the prompts, for one. */
function settingsOf(options: Options): StageSettings {
  const { model, job = DEFAULT_JOB, backend = "auto", requireGpu = false, wireDtype = "float32" } = options;
  const { deadlineMs = DEFAULT_DEADLINE_MS, startDeadlineMs = DEFAULT_START_DEADLINE_MS } = options;
  const { split, tls, checkDigest = false } = options;
  return {
    ...(split && { split }),
    ...(tls && { tls }),
    model,
    job,
    backend,
    requireGpu,
    checkDigest,
    wireDtype,
    deadlineMs,
    startDeadlineMs,
  };
}
