import { Presets, SingleBar } from "cli-progress";

interface Hooks {
  started(mutants: number): void;
  tried(outcome: { readonly fate: string }): void;
  stop(): void;
}

/** Progress on a terminal, silence elsewhere: the hooks of `runGate` and of the mechanical mutants, and an end. */
export function progress(stream: NodeJS.WriteStream): Hooks {
  if (stream.isTTY !== true) return { started: () => {}, tried: () => {}, stop: () => {} };
  const bar = new SingleBar(
    {
      stream,
      format: "{bar} {value}/{total} mutants · {alive} not killed · {duration_formatted}",
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
    },
    Presets.shades_classic,
  );
  let alive = 0;
  return {
    started: (mutants) => bar.start(mutants, 0, { alive }),
    tried: ({ fate }) => {
      if (fate !== "killed") alive++;
      bar.increment(1, { alive });
    },
    stop: () => bar.stop(),
  };
}
