import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { LinkEvent } from "../link/recorder.ts";
import type { Selection } from "../report/report.ts";
import { HARNESS } from "../report/report.ts";
import { type Outcome, VERDICTS } from "../verdict.ts";

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
  let lines: string[];
  try {
    lines = readFileSync(path, "utf8").split("\n");
  } catch (error) {
    throw new RecordingError(`${path}: ${(error as Error).message}`);
  }
  if (lines.at(-1) === "") lines.pop();
  const parsed = lines.map((line, i) => parseLine(path, line, i));
  const [header, ...rest] = parsed as [RecordingHeader | undefined, ...unknown[]];
  if (header?.recording !== 1) throw new RecordingError(`${path}: line 1 is not the header of a recording, version 1`);
  const last = rest.at(-1) as Partial<RecordingFooter> | null | undefined;
  const footer = typeof last?.restarts === "number" ? (last as RecordingFooter) : undefined;
  const events: RecordedEvent[] = [];
  const outcomes: Outcome[] = [];
  for (const [i, line] of (footer === undefined ? rest : rest.slice(0, -1)).entries()) {
    if (isEvent(line)) events.push(line);
    else if (isOutcome(line)) outcomes.push(line.outcome);
    else throw new RecordingError(`${path}: line ${i + 2} is no event of a link`);
  }
  return { header, events, outcomes, footer };
}

function parseLine(path: string, line: string, index: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new RecordingError(`${path}: line ${index + 1}: ${(error as Error).message}`);
  }
}

function isOutcome(value: unknown): value is RecordedOutcome {
  const { id, profile, verdict } = ((value as Partial<RecordedOutcome> | null)?.outcome ?? {}) as Partial<Outcome>;
  return typeof id === "string" && typeof profile === "string" && VERDICTS.some((known) => known === verdict);
}

function isEvent(value: unknown): value is RecordedEvent {
  if (typeof value !== "object" || value === null) return false;
  const { link, sent, received, failed } = value as Record<string, unknown>;
  if (typeof link !== "number") return false;
  if (typeof sent === "string" || typeof received === "string") return true;
  const failure = failed as { kind?: unknown; message?: unknown } | null | undefined;
  return typeof failure?.kind === "string" && typeof failure.message === "string";
}
