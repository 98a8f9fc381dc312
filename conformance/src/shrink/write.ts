import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCorpus, readCorpusFiles } from "../corpus/index.ts";
import type { Case, Corpus } from "../corpus/types.ts";
import type { ProfileFile, VectorFile } from "../corpus/vector-file.ts";
import type { WireFile } from "../corpus/wire-file.ts";
import type { Way } from "../link/ways.ts";
import { referenceWay } from "../options.ts";
import type { Outcome } from "../verdict.ts";
import { acceptingIn } from "./beside.ts";
import { failuresToShrink, isOfWire, leftAsItIs, weightOf } from "./kinds.ts";
import { describeShrunkProbe, type ShrunkProbe, shrinkProbe } from "./probe-shrink.ts";
import { Prober, type ProberOptions } from "./prober.ts";
import { describeShrunkScenario, type ShrunkScenario, shrinkScenario } from "./scenario-shrink.ts";
import { describeShrunk, type Shrunk, shrink } from "./shrink.ts";
import { WireProber } from "./wire-prober.ts";

export interface ShrinkOptions extends ProberOptions {
  /** Where to: `<profile>/shrunk.json`, `wire/shrunk-<profile>.json`, and `<profile>/shrunk.cases.jsonl` for what no vector can say. */
  readonly folder: string;
  /** The folder of the corpus, whose profiles say what the fields are. */
  readonly corpus: string;
  /** What the run was of. Default: that corpus. */
  readonly loaded?: Corpus;
  /** An implementation that passes what is right: by default the reference. Scenarios on connections are held to it. */
  readonly honest?: Way;
}

export interface AllShrunk {
  readonly cases: readonly Shrunk[];
  readonly probes: readonly ShrunkProbe[];
  readonly scenarios: readonly ShrunkScenario[];
}

/** An honest implementation has so many times the time, so that a slow machine makes nobody a liar. */
const PATIENCE = 4;

/** Makes one failure of each kind small, writes what came of it, and says what is left as it is. Returns it too. */
export async function shrinkFailures(outcomes: readonly Outcome[], options: ShrinkOptions): Promise<AllShrunk> {
  const { folder, log } = options;
  const cases: Shrunk[] = [];
  const probes: ShrunkProbe[] = [];
  const scenarios: ShrunkScenario[] = [];
  // Level 0 has no reads to leave out: what an endpoint reads at once is its own affair.
  if (["attach", "replay", "wire"].includes(options.way.kind)) {
    log("--shrink needs an adapter that the harness can start or dial itself; nothing was made smaller");
    return { cases, probes, scenarios };
  }
  const corpus = options.loaded ?? loadCorpus(options.corpus);
  const files = readCorpusFiles(options.corpus);
  const profiles = new Map(files.profiles.map((profile) => [profile.profile, profile]));
  const accepting = acceptingIn(files);
  const prober = new Prober(options);
  const iut = new WireProber(options, corpus);
  const deadline = options.deadline.times(PATIENCE);
  const honest = new WireProber({ ...options, deadline, way: options.honest ?? referenceWay() }, corpus);
  const { chosen, left } = failuresToShrink(outcomes, weigherOf(corpus));
  try {
    for (const kind of chosen) log(await firstOf(kind));
    for (const line of left) log(line);
  } finally {
    await Promise.all([prober.close(), iut.close(), honest.close()]);
  }
  for (const profile of profiles.values()) write(folder, profile.profile, { cases, probes, scenarios });
  return { cases, probes, scenarios };

  /** What is said of a kind: of the first that is made small, else of the first. */
  async function firstOf(kind: readonly Outcome[]): Promise<string> {
    const before = said();
    let first: string | undefined;
    for (const outcome of kind) {
      const line = await oneOf(outcome);
      if (said() > before) return line;
      first ??= line;
    }
    return first ?? "";
  }

  function said(): number {
    return cases.length + probes.length + scenarios.length;
  }

  async function oneOf(outcome: Outcome): Promise<string> {
    const profile = profiles.get(outcome.profile);
    if (profile === undefined) return leftAsItIs(outcome.id, `the corpus has no profile ${outcome.profile}`);
    if (isOfWire(outcome)) {
      const shrunk = await shrinkScenario(outcome, profile, { corpus, iut, honest });
      if (typeof shrunk === "string") return shrunk;
      scenarios.push(shrunk);
      return describeShrunkScenario(shrunk);
    }
    if (outcome.case?.requires !== undefined) {
      const shrunk = await shrinkProbe(outcome, corpus, prober);
      if (typeof shrunk === "string") return shrunk;
      probes.push(shrunk);
      return describeShrunkProbe(shrunk);
    }
    const shrunk = await shrink(outcome, profile, prober, accepting);
    if (typeof shrunk === "string") return shrunk;
    cases.push(shrunk);
    return describeShrunk(shrunk);
  }
}

/** A scenario of steps has no case that could be weighed. */
function weigherOf({ wire = [] }: Corpus): (outcome: Outcome) => number {
  const scenarios = new Map(wire.flatMap((file) => file.scenarios.map((one) => [one.id, one] as const)));
  return ({ case: about }) => {
    if (about === undefined) return 0;
    const scenario = scenarios.get(about.vector);
    return scenario !== undefined && "steps" in scenario ? JSON.stringify(scenario.steps).length : weightOf(about);
  };
}

function write(folder: string, profile: ProfileFile["profile"], all: AllShrunk): void {
  const cases = all.cases.filter(({ from }) => from.profile === profile);
  const probes = all.probes.filter(({ from }) => from.profile === profile);
  const scenarios = all.scenarios.filter((one) => one.profile === profile);
  const vectors = cases.flatMap(({ vector, beside }) => [vector, beside]).filter((one) => one !== undefined);
  if (vectors.length > 0) {
    const file: VectorFile = {
      family: "shrunk",
      profile,
      about: "Failures of one implementation, made as small as they go.",
      vectors: byId(vectors),
    };
    put(join(folder, profile), "shrunk.json", `${JSON.stringify(file, null, 2)}\n`);
  }
  if (scenarios.length > 0) {
    const file: WireFile = {
      profile,
      about: "Failures of one implementation on connections, made as small as they go.",
      scenarios: byId(scenarios.map(({ scenario }) => scenario)),
    };
    put(join(folder, "wire"), `shrunk-${profile}.json`, `${JSON.stringify(file, null, 2)}\n`);
  }
  const left: Case[] = [...cases.filter(({ vector }) => vector === undefined), ...probes].map(
    ({ smallest }) => smallest,
  );
  if (left.length > 0) {
    put(join(folder, profile), "shrunk.cases.jsonl", `${left.map((about) => JSON.stringify(about)).join("\n")}\n`);
  }
}

const byId = <T extends { readonly id: string }>(list: readonly T[]): T[] => [
  ...new Map(list.map((one) => [one.id, one])).values(),
];

function put(folder: string, name: string, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}
