import { Presets, SingleBar } from "cli-progress";

interface Hooks {
  started(mutants: number): void;
  tried(outcome: { readonly fate: string }): void;
  stop(): void;
}

type Stream = Pick<NodeJS.WriteStream, "isTTY" | "write">;

/** A bar on a terminal, a line of counts at times elsewhere: the hooks of `runGate` and of the mechanical mutants, and an end. */
export function progress(stream: Stream, now: () => number = performance.now.bind(performance)): Hooks {
  if (stream.isTTY !== true) return lines(stream, now);
  const bar = new SingleBar(
    {
      stream: stream as NodeJS.WriteStream,
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

/** Whoever reads a log sees that it goes on. */
function lines(stream: Stream, now: () => number): Hooks {
  let total = 0;
  let tried = 0;
  let alive = 0;
  let last = now();
  return {
    started: (mutants) => {
      total = mutants;
    },
    tried: ({ fate }) => {
      tried++;
      if (fate !== "killed") alive++;
      if (now() - last < LINE_EVERY_MS) return;
      last = now();
      stream.write(`${tried}/${total} mutants, ${alive} not killed\n`);
    },
    stop: () => {},
  };
}

const LINE_EVERY_MS = 30_000;
