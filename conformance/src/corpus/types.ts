import type { Events, Limits, Role, Step } from "../protocol.ts";
import type { Meaning } from "./history.ts";
import type { WireFile } from "./wire-file.ts";

export type Level = "must" | "should" | "may";

/** One named byte range of a vector, for hexdumps and for the sweeps that need edges: `end` is exclusive. */
export interface Mark {
  readonly field: string;
  readonly start: number;
  readonly end: number;
}

/** One scenario, expanded: what to send and what must come back. Produced by `Corpus.cases`, run by the runner. */
export interface Case {
  /** `<vector id>` or `<vector id>#<sweep>=<parameters>`; unique in the corpus. */
  readonly id: string;
  readonly vector: string;
  /** Spec rule ids. */
  readonly rules: readonly string[];
  readonly level: Level;
  readonly profile: string;
  readonly role: Role;
  readonly limits: Limits;
  readonly steps: readonly Step[];
  readonly expected: Events;
  /** Answers that the specification allows beside `expected`, with the reason. */
  readonly alternatives?: readonly { readonly reason: string; readonly expected: Events }[];
  /** Capabilities that hello must declare: the case is one of a probe. */
  readonly requires?: readonly string[];
  /** The steps with half the bytes: the time of the case must not grow faster than its bytes. r[iut.probe.memory.pace] */
  readonly half?: readonly Step[];
  /** One sentence: what breaks if this fails. */
  readonly why: string;
  /** Field marks over the bytes that the steps feed, first step to last and by connection, for the failure page. */
  readonly marks: readonly Mark[];
  /** For a refusal: its accepted neighbour, under the same limits. */
  readonly sibling?: string;
}

export interface Corpus {
  /** `sha256:…` over the list of files and their hashes, as `lock.json` has it. */
  readonly hash: string;
  readonly vectors: number;
  /** Every rule id that a vector or a sweep of a profile names. */
  readonly rules: ReadonlySet<string>;
  /** By vector: the family whose file it stands in. */
  readonly families?: ReadonlyMap<string, string>;
  /** By the id of a vector or scenario: what it means, as history.json has it. */
  readonly meanings?: ReadonlyMap<string, Meaning>;
  /** Scenarios on real connections (level 2), a file for each profile. */
  readonly wire?: readonly WireFile[];
  /** The cases of level 3, each with what it requires; the same way. */
  probes?(filter?: (id: string) => boolean): Iterable<Case>;
  /** Expanded lazily, in a stable order. `among` narrows by vector, before any case of it has a name. */
  cases(filter?: (id: string) => boolean, among?: (vector: string) => boolean): Iterable<Case>;
}
