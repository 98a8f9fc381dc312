import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { readLines } from "../line-schemas.ts";
import type { LinkEvent } from "../link/recorder.ts";
import type { Selection } from "../report/report.ts";
import { HARNESS } from "../report/report.ts";
import type { Outcome } from "../verdict.ts";

/** The first line of a recording: what is needed to run the harness again without the IUT. */
export interface RecordingHeader {
  readonly recording: 1;
  readonly harness: typeof HARNESS;
  readonly corpus: string;
  readonly seed: string;
  readonly selection: Selection;
  readonly unusableToo: boolean;
  readonly way: string;
  /** False for an IUT in the harness' own process: its link has no lines. */
  readonly wire: boolean;
  readonly command: string;
}

/** The last line: what a replay cannot measure. */
export interface RecordingFooter {
  readonly links: number;
  readonly restarts: number;
  readonly seconds: number;
}

export type RecordedEvent = LinkEvent & { readonly link: number };

/** An outcome that the link does not bear: a scenario on real connections, whose bytes a recording does not have, or what was measured. */
interface RecordedOutcome {
  readonly outcome: Outcome;
}

/** Writes the control link as it passes, a line for each event: `{"link":1,"sent":"…"}`, `received`, `failed`. r[iut.record.complete] */
export class RecordingWriter {
  readonly #file: number;

  /** Throws when the file cannot be opened. */
  constructor(path: string, header: Omit<RecordingHeader, "recording" | "harness">) {
    this.#file = openSync(path, "w");
    this.#write({ recording: 1, harness: HARNESS, ...header });
  }

  event(link: number, event: LinkEvent): void {
    this.#write({ link, ...event });
  }

  outcome(outcome: Outcome): void {
    this.#write({ outcome } satisfies RecordedOutcome);
  }

  end(footer: RecordingFooter): void {
    this.#write(footer);
    closeSync(this.#file);
  }

  #write(line: object): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** What may stand behind the header. */
type RecordedLine = RecordedEvent | RecordedOutcome | RecordingFooter;

export interface Recording {
  readonly header: RecordingHeader;
  readonly events: readonly RecordedEvent[];
  /** As they were, before any baseline: a replay cannot judge them again. */
  readonly outcomes: readonly Outcome[];
  /** Absent where the recording was cut short. */
  readonly footer: RecordingFooter | undefined;
}

/** A file that is no recording. */
export class RecordingError extends Error {
  override readonly name = "RecordingError";
}

export function readRecording(path: string): Recording {
  let lines: unknown[];
  try {
    lines = readLines("recording", readFileSync(path, "utf8"));
  } catch (error) {
    throw new RecordingError(`${path}: ${(error as Error).message}`);
  }
  const [header, ...rest] = lines as [RecordingHeader | undefined, ...RecordedLine[]];
  if (header?.recording !== 1) throw new RecordingError(`${path}: line 1 is not the header of a recording, version 1`);
  const events: RecordedEvent[] = [];
  const outcomes: Outcome[] = [];
  let footer: RecordingFooter | undefined;
  for (const [i, line] of rest.entries()) {
    if ("link" in line) events.push(line);
    else if ("outcome" in line) outcomes.push(line.outcome);
    else if ("links" in line && i === rest.length - 1) footer = line;
    else throw new RecordingError(`${path}: line ${i + 2} is no event of a link`);
  }
  return { header, events, outcomes, footer };
}
