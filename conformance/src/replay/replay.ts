import type { Corpus } from "../corpus/types.ts";
import { type ConformanceOptions, UsageError } from "../options.ts";
import { casesOf, notApplicable, type RunResult } from "../runner.ts";
import { readRecording } from "./recording.ts";
import { Replay } from "./replay-link.ts";

/** A recorded run, ready to be judged again. */
export interface Replayed {
  /** What the recorded run was told: stands in the place of the options given. */
  readonly options: Pick<ConformanceOptions, "way" | "seed" | "profiles" | "filter" | "unusableToo">;
  over(corpus: Corpus, selected: (id: string) => boolean, profile: (profile: string) => boolean): ReplayOver;
}

export interface ReplayOver {
  /** The cases that the recorded run settled: those left unrun then are left unrun now. */
  readonly filter: (id: string) => boolean;
  readonly seconds: number | undefined;
  /** Puts in what only the recorded run knew: outcomes on real connections, links, restarts, what was left unrun. */
  correct(result: RunResult): RunResult;
}

const FIXED = ["way", "seed", "profiles", "filter", "jobs", "record", "shrink"] as const;

/** Reads a recording. Throws `UsageError` or `RecordingError`. */
export function startReplay(path: string, given: ConformanceOptions): Replayed {
  const clash = FIXED.find((name) => given[name] !== undefined);
  if (clash !== undefined) throw new UsageError(`--replay takes its ${clash} from the recording, or has none`);
  const recording = readRecording(path);
  const { header, footer } = recording;
  const replay = new Replay(recording);
  const { profiles, filter } = header.selection;
  return {
    options: {
      way: replay.way,
      seed: header.seed,
      unusableToo: header.unusableToo,
      ...(profiles !== null && { profiles }),
      ...(filter !== null && { filter }),
    },
    over(corpus, selected, profile) {
      if (corpus.hash !== header.corpus) {
        throw new UsageError(`${path} was recorded with the corpus ${header.corpus}; this one is ${corpus.hash}`);
      }
      const { hello } = replay;
      const unrun = new Set<string>();
      const notRun = new Map<string, number>();
      for (const item of hello === undefined ? [] : casesOf(corpus, selected)) {
        if (!profile(item.profile) || replay.asked.has(item.id)) continue;
        if (hello === undefined || notApplicable(item, hello) !== undefined) continue;
        unrun.add(item.id);
        notRun.set(item.profile, (notRun.get(item.profile) ?? 0) + 1);
      }
      return {
        filter: (id) => selected(id) && !unrun.has(id),
        seconds: footer?.seconds,
        correct: (result) => ({
          ...result,
          outcomes: [...result.outcomes, ...recording.outcomes],
          links: footer?.links ?? replay.links,
          restarts: footer?.restarts ?? result.restarts,
          notRun: result.adapter === undefined ? notRun : result.notRun,
        }),
      };
    },
  };
}
