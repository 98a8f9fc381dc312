import type { Corpus } from "../corpus/types.ts";
import { notApplicable } from "../hello.ts";
import { type ConformanceOptions, UsageError } from "../options.ts";
import type { RunResult } from "../run-plan.ts";
import { casesOf } from "../runner.ts";
import type { Outcome } from "../verdict.ts";
import { selected as scenariosOf } from "../wire/level2.ts";
import { type Item, idOf } from "../wire/scenarios.ts";
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
  /** Whether the recorded run asked for this. */
  readonly asked: (id: string) => boolean;
  /** What was measured beside the answers to a case. */
  readonly measured: (id: string) => Outcome | undefined;
  /** Puts in what only the recorded run knew: outcomes on real connections, links, restarts, what was left unrun. */
  correct(result: RunResult): RunResult;
}

const FIXED = ["way", "seed", "profiles", "filter", "jobs", "record", "capture", "shrink"] as const;

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
      const [asked, played] = [new Map<string, Outcome>(), [] as Outcome[]];
      for (const outcome of recording.outcomes) {
        if (replay.asked.has(outcome.id)) asked.set(outcome.id, outcome);
        else played.push(outcome);
      }
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
        asked: (id) => replay.asked.has(id),
        seconds: footer?.seconds,
        measured: (id) => asked.get(id),
        correct: (result) => {
          const whole = {
            ...result,
            outcomes: [...result.outcomes, ...played],
            links: footer?.links ?? replay.links,
            restarts: footer?.restarts ?? result.restarts,
          };
          if (result.adapter !== undefined) return whole;
          const unusable = new Set(header.unusableToo ? [] : result.outcomes.filter(unusableCodec).map(profileOf));
          const left = leftOf(played, {
            corpus,
            filter: selected,
            profile: (name) => profile(name) && !unusable.has(name),
          });
          for (const name of left) notRun.set(name, (notRun.get(name) ?? 0) + 1);
          return { ...whole, notRun };
        },
      };
    },
  };
}

const unusableCodec = ({ id }: Outcome) => id.startsWith("link-check/");
const profileOf = ({ profile }: Outcome) => profile;

/** The profiles of the scenarios on connections that came to nothing: no link was left for them. */
function leftOf(played: readonly Outcome[], plan: Parameters<typeof scenariosOf>[0]): string[] {
  const ids = new Set(played.map(({ id }) => id));
  const settled = (item: Item) => ids.has(item.id) || item.cases.some((about) => ids.has(idOf(item, about)));
  return [...scenariosOf(plan)].filter((item) => !settled(item)).map(({ profile }) => profile);
}
