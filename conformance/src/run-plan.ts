import type { CaptureFile } from "./capture/capture-file.ts";
import type { Claims, Contradiction } from "./contradictions.ts";
import type { Corpus } from "./corpus/types.ts";
import type { CaseDeadline } from "./deadlines.ts";
import type { LinkEvent } from "./link/recorder.ts";
import type { Way } from "./link/ways.ts";
import type { LinkCheck } from "./link-check.ts";
import type { Hello, Welcome } from "./protocol.ts";
import type { Outcome } from "./verdict.ts";
import type { RuntimeFacts } from "./wire/runtime.ts";

/** What a run is about, and who hears of it. Deadlines are in milliseconds. */
export interface RunPlan {
  readonly way: Way;
  readonly corpus: Corpus;
  readonly welcome: Welcome;
  /** Of case ids. */
  readonly filter: (id: string) => boolean;
  readonly profile: (profile: string) => boolean;
  readonly jobs: number;
  /** Cases of a profile whose codec failed the link check are run all the same. */
  readonly unusableToo: boolean;
  /** The test of the sockets that the harness stands on, or what came of it. r[iut.wire.runtime] */
  readonly runtime: () => Promise<RuntimeFacts>;
  /** Milliseconds until hello. */
  readonly startDeadline: number;
  /** Milliseconds for each request of the link check. */
  readonly checkDeadline: number;
  /** Milliseconds for a case; when absent, scaled to the machine by the link check. */
  readonly caseDeadline: number | undefined;
  readonly log: (line: string) => void;
  /** Each outcome in the corpus' order: when those before it are there as well. */
  readonly told: (outcome: Outcome) => void;
  /** Each outcome when it is there. */
  readonly progress: (outcome: Outcome) => void;
  /** The first hello. */
  readonly opened?: (hello: Hello) => void;
  /** Hears every link, by its number. */
  readonly tap?: (number: number, event: LinkEvent) => void;
  /** Hears each outcome that the lines of the links do not bear out: measured, or played on connections. */
  readonly beside?: (outcome: Outcome) => void;
  /** Of a replay: whether the recorded run asked for this, beside its cases. */
  readonly asked?: (id: string) => boolean;
  /** Of a replay: what was measured beside the answers to a case, if anything was. */
  readonly measured?: (id: string) => Outcome | undefined;
  /** Where the data connections go too: what travels there at levels 0 and 2. */
  readonly capture?: CaptureFile;
  /** How often the IUT may be started again. Default 8; a replay starts nothing. */
  readonly restarts?: number;
}

/** What came of a run. */
export interface RunResult {
  readonly hello: Hello;
  readonly adapter: LinkCheck["adapter"];
  /** In the corpus' order. */
  readonly outcomes: readonly Outcome[];
  /** By profile: applicable cases that were left when no link was. */
  readonly notRun: ReadonlyMap<string, number>;
  readonly links: number;
  readonly restarts: number;
  /** What each case had. Absent where none came to be asked by an adapter. */
  readonly deadline?: CaseDeadline;
  /** What the run could not show, for the report. */
  readonly notes?: readonly string[];
  /** The cases that were put, and what came of those that hello leaves out. */
  readonly claims?: Claims;
  readonly undeclared?: readonly Contradiction[];
}
