import type { Way } from "../link/ways.ts";
import { type ConformanceOptions, describeWay, repeatCommand, UsageError } from "../options.ts";
import type { Selection } from "../report/report.ts";
import { usable } from "../report/write.ts";
import { RecordingWriter } from "./recording.ts";

/** Where `--record` says to write the link; undefined without it. */
export function recorderOf(
  options: ConformanceOptions,
  about: { corpus: string; seed: string; selection: Selection; way: Way },
): RecordingWriter | undefined {
  const { record } = options;
  if (record === undefined) return undefined;
  if (about.way.kind === "wire") throw new UsageError("--record has no link to record at level 0");
  const { way, ...rest } = about;
  const header = {
    ...rest,
    unusableToo: options.unusableToo ?? false,
    way: describeWay(way),
    wire: way.kind !== "in-process",
    command: repeatCommand(options),
  };
  return usable(record, () => new RecordingWriter(record, header));
}
