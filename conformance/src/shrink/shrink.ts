import type { Case } from "../corpus/types.ts";
import type { FileVector, ProfileFile } from "../corpus/vector-file.ts";
import { countBytes } from "../report/describe.ts";
import { streamOf as bytesOf } from "../report/stream.ts";
import type { Outcome } from "../verdict.ts";
import { encodeVectorOf, smallerEncode } from "./encode.ts";
import { type Prober, signatureOf } from "./prober.ts";
import { smaller } from "./reduce.ts";
import { play, type Scenario, takeApart } from "./scenario.ts";
import { casesOf, vectorOf } from "./vector.ts";

/** A failure made small. */
export interface Shrunk {
  readonly from: Case;
  /** What stayed the same: the verdict, and which event came in the place of which. */
  readonly signature: string;
  readonly smallest: Case;
  /** Absent where the smallest case is none that a vector and its sweeps can say: then the case itself is all there is. */
  readonly vector?: FileVector;
  /** The case of that vector which fails. */
  readonly fails?: string;
  readonly tries: number;
}

/** A vector that is accepted, to stand beside a refusal made of this case. */
export type Accepting = (about: Case) => string;

/** Cases that are put to the IUT for one failure, at most. */
const TRIES = 600;
/** Cases of the resulting vector that are tried for the one that fails. */
const CASES = 400;

/** Kinds of failure that one run makes small. */
export const KINDS = 20;

/** One outcome of each kind of failure, the lightest: what is worth making small. */
export function failuresToShrink(outcomes: readonly Outcome[]): Outcome[] {
  const kinds = new Map<string, Outcome>();
  for (const outcome of outcomes) {
    const { verdict, case: about, profile } = outcome;
    if (about === undefined || (verdict !== "fail" && verdict !== "crash" && verdict !== "timeout")) continue;
    // The link check has no vector, and a scenario on real connections is no case of one decoder.
    if (/^(?:link-check|wire)\//.test(about.id)) continue;
    // Steps of a probe follow from a vector, and stand in none.
    if (about.requires !== undefined) continue;
    const key = `${profile} ${about.role} ${signatureOf(outcome, about)}`;
    const known = kinds.get(key)?.case;
    if (known === undefined || weightOf(about) < weightOf(known)) kinds.set(key, outcome);
  }
  return [...kinds.values()].slice(0, KINDS);
}

const weightOf = (about: Case) => about.steps.length + bytesOf(about).total;

/**
 * Makes a failing case as small as it goes while the same event comes in the place of the same other. Deterministic: the same
 * IUT gives the same vector. Undefined where the case cannot be taken apart, or does not fail again.
 */
export async function shrink(
  outcome: Outcome,
  profile: ProfileFile,
  prober: Prober,
  accepting: Accepting = (about) => about.vector,
): Promise<Shrunk | undefined> {
  const { case: from } = outcome;
  if (from === undefined) return undefined;
  const signature = signatureOf(outcome, from);
  let tries = 0;
  const still = async (about: Case): Promise<boolean> => {
    if (++tries > TRIES) return false;
    const probed = await prober.put(about);
    return probed !== undefined && signatureOf(probed, about) === signature;
  };
  if (!(await still(from))) return undefined;
  const why = `Shrunk from ${from.id}: ${outcome.difference?.problem ?? `a ${outcome.verdict}`}.`;
  const sibling = from.sibling ?? accepting(from);
  const found = from.role === "encode" ? await smallestEncode(from) : await smallestDecode(from);
  if (found === undefined) return undefined;
  const { smallest, vector } = found;
  const fails = vector && (await failingCase(vector));
  return { from, signature, smallest, tries: Math.min(tries, TRIES), ...(vector && fails && { vector, fails }) };

  async function smallestEncode(first: Case) {
    let best = first;
    for (
      let next: Case | undefined = best;
      next !== undefined;
      next = await firstThat(smallerEncode(best, profile), still)
    ) {
      best = next;
    }
    return { smallest: best, vector: encodeVectorOf(best, profile, why, sibling) };
  }

  async function smallestDecode(first: Case) {
    let best = takeApart(first, profile);
    if (best === undefined) return undefined;
    const failing = (scenario: Scenario) => still(caseOf(scenario));
    for (
      let next: Scenario | undefined = best;
      next !== undefined;
      next = await firstThat(smaller(best, profile), failing)
    ) {
      best = next;
    }
    return { smallest: caseOf(best), vector: vectorOf(best, why, sibling) };
  }

  /** Of the vector's cases the first that fails in the same way: a vector that shows nothing is none. */
  async function failingCase(vector: FileVector): Promise<string | undefined> {
    let left = CASES;
    for (const about of casesOf(vector, profile)) {
      if (left-- === 0) return undefined;
      const probed = await prober.put(about);
      if (probed !== undefined && signatureOf(probed, about) === signature) return about.id;
    }
    return undefined;
  }
}

async function firstThat<T>(candidates: Iterable<T>, test: (candidate: T) => Promise<boolean>): Promise<T | undefined> {
  for (const candidate of candidates) if (await test(candidate)) return candidate;
  return undefined;
}

const caseOf = (scenario: Scenario): Case => ({ ...scenario.about, limits: scenario.limits, ...play(scenario) });

/** One line for people. */
export function describeShrunk({ from, smallest, vector, fails, tries }: Shrunk): string {
  const size = (about: Case) => `${countBytes(bytesOf(about).total)} in ${about.steps.length} steps`;
  const to = vector === undefined ? "no vector can say it; the case is in the .cases.jsonl" : (fails ?? vector.id);
  return `shrunk ${from.id} (${size(from)}) to ${size(smallest)}, ${tries} tries: ${to}`;
}
