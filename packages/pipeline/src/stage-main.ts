import type { StageOptions, StageReady } from "./options.ts";
import { runStage } from "./stage.ts";
import { messageOf, StageLostError } from "./stage-lost.ts";
import type { CallRecord } from "./trace.ts";

export interface StageMainOptions extends StageOptions {
  /** Ends the stage when stdin ends, so that it does not outlive a parent that holds the other end. */
  readonly untilStdinEnds?: boolean;
  /** Prints a line for each call. */
  readonly printCalls?: boolean;
}

/** The lines of JSON that a stage process prints on stdout: ready first, done last. `lost` names a neighbour. */
export type StageLine =
  | StageReady
  | ({ readonly event: "call" } & Omit<CallRecord, "call_id"> & { readonly call_id: string })
  | { readonly event: "lost"; readonly rank: number; readonly why: string }
  | {
      readonly event: "done";
      readonly rank: number;
      readonly hopBytes: { readonly out: number; readonly in: number };
    };

/**
 * The whole life of a stage process. Ends on SHUTDOWN, SIGTERM, SIGINT or the end of stdin, with status 0, and with 1 when it could
 * not start or a neighbour was lost, which a line on stderr says.
 *
 * @returns The exit status. The caller has to exit with it, since stdin may still be open.
 */
export async function stageMain(options: StageMainOptions): Promise<number> {
  const stdout = Bun.stdout.writer();
  const print = async (line: StageLine) => {
    stdout.write(`${JSON.stringify(line)}\n`);
    await stdout.flush();
  };
  const onRefused = (why: Error) => console.error(why.message);
  const onCall = (call: CallRecord) => void print({ event: "call", ...call, call_id: String(call.call_id) });
  try {
    const stage = await runStage(options, { onRefused, ...(options.printCalls && { onCall }) });
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stage.stop(`${signal} came`));
    if (options.untilStdinEnds) void endOfStdin().then(() => stage.stop("its parent is gone"));
    await print(stage.ready);
    const failure = await stage.ended.then(
      () => null,
      (error: unknown) => error,
    );
    if (failure instanceof StageLostError) await print({ event: "lost", rank: failure.rank, why: failure.why });
    await print({ event: "done", rank: options.rank, hopBytes: stage.hopBytes });
    if (failure === null) return 0;
    console.error(messageOf(failure));
  } catch (error) {
    console.error(messageOf(error));
  }
  return 1;
}

async function endOfStdin(): Promise<void> {
  const reader = Bun.stdin.stream().getReader();
  while (!(await reader.read()).done);
}

// Started by `runPipeline`, which passes the options as one argument of JSON.
if (import.meta.main) process.exit(await stageMain(JSON.parse(process.argv[2] ?? "{}")));
