import { Presets, SingleBar } from "cli-progress";
import { beforeLeaving } from "../leaving.ts";

/** Live progress on a terminal, and silence elsewhere. */
export interface Progress {
  advance(failed: boolean): void;
  stop(): void;
}

const SHOW_CURSOR = "\x1b[?25h";
const SILENT: Progress = { advance: () => {}, stop: () => {} };

/** `total` is asked only where there is a terminal to show it on. */
export function progress(stream: NodeJS.WriteStream, total: () => number): Progress {
  if (stream.isTTY !== true) return SILENT;
  const bar = new SingleBar(
    {
      stream,
      format: "{bar} {value}/{total} cases · {failed} failed · {duration_formatted}",
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
    },
    Presets.shades_classic,
  );
  // A terminal that is left without its cursor stays so.
  const shown = beforeLeaving(() => stream.write(SHOW_CURSOR));
  let failed = 0;
  bar.start(total(), 0, { failed });
  return {
    advance: (bad) => {
      if (bad) failed++;
      bar.increment(1, { failed });
    },
    stop: () => {
      bar.stop();
      shown();
    },
  };
}
