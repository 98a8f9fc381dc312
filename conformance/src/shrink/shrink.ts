import type { Case } from "../corpus/types.ts";
import type { FileVector, ProfileFile } from "../corpus/vector-file.ts";
import type { Outcome } from "../verdict.ts";
import type { Accepting } from "./beside.ts";
import { encodeVectorOf, smallerEncode } from "./encode.ts";
import { dumpOf, leftAsItIs, NOT_IN_TIME, sizeOf, triesText } from "./kinds.ts";
import { type Prober, signatureOf } from "./prober.ts";
import { smaller } from "./reduce.ts";
import { caseOf, type Scenario, takeApart } from "./scenario.ts";
import { smallest as smallestOf } from "./smallest.ts";
import { casesOf, vectorOf } from "./vector.ts";

/** A failure made small. */
export interface Shrunk {
  readonly from: Case;
  /** What stayed the same: the verdict, and which event came in the place of which. */
  readonly signature: string;
  readonly smallest: Case;
  /** Absent where the smallest case is none that a vector and its sweeps can say: then the case itself is all there is. */
  readonly vector?: FileVector;
  /** The vector's sibling, where the corpus has none under its limits. */
  readonly beside?: FileVector;
  /** The case of that vector which fails. */
  readonly fails?: string;
  readonly tries: number;
}

/** Cases that are put to the IUT for one failure, at most. */
const TRIES = 600;
/** Cases of the resulting vector that are tried for the one that fails. */
const CASES = 400;

/**
 * Makes a failing case as small as it goes while the same event comes in the place of the same other. Deterministic: the same
 * IUT gives the same vector. Gives back in words why it is left as it is, where it cannot be taken apart or does not fail again.
 */
export async function shrink(
  outcome: Outcome,
  profile: ProfileFile,
  prober: Prober,
  accepting: Accepting = ({ sibling, vector }) => ({ id: sibling ?? vector }),
): Promise<Shrunk | string> {
  const { id, case: from } = outcome;
  if (from === undefined) return leftAsItIs(id, "nothing is known of its steps");
  const signature = signatureOf(outcome, from);
  let tries = 0;
  let late = false;
  const still = async (about: Case): Promise<boolean> => {
    if (++tries > TRIES) return false;
    const probed = await prober.put(about);
    late = probed?.verdict === "timeout";
    return probed !== undefined && signatureOf(probed, about) === signature;
  };
  if (!(await still(from))) {
    return leftAsItIs(id, late ? NOT_IN_TIME : "it did not fail in the same way when it was asked alone");
  }
  const why = `Shrunk from ${from.id}: ${outcome.difference?.problem ?? `a ${outcome.verdict}`}.`;
  const found = from.role === "encode" ? await smallestEncode(from) : await smallestDecode(from);
  if (found === undefined) {
    return leftAsItIs(id, "which of its bytes give which of its events cannot be told for sure, or there are too many");
  }
  const { smallest, vector } = found;
  const fails = vector && (await failingCase(vector));
  const shrunk = { from, signature, smallest, tries: Math.min(tries, TRIES) };
  if (vector === undefined || fails === undefined) return shrunk;
  const { made } = accepting(smallest);
  return { ...shrunk, vector, fails, ...(vector.sibling !== undefined && made && { beside: made }) };

  async function smallestEncode(first: Case) {
    const best = await smallestOf(first, (about) => smallerEncode(about, profile), still);
    return { smallest: best, vector: encodeVectorOf(best, profile, why, accepting(best).id) };
  }

  async function smallestDecode(first: Case) {
    const whole = takeApart(first, profile);
    if (whole === undefined) return undefined;
    const failing = (scenario: Scenario) => still(caseOf(scenario));
    const best = await smallestOf(whole, (scenario) => smaller(scenario, profile), failing);
    const about = caseOf(best);
    return { smallest: about, vector: vectorOf(best, why, accepting(about).id) };
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

/** A line for people, and the bytes. */
export function describeShrunk({ from, smallest, vector, fails, tries }: Shrunk): string {
  const to = vector === undefined ? "no vector can say it; the case is in the .cases.jsonl" : (fails ?? vector.id);
  return `shrunk ${from.id} (${sizeOf(from)}) to ${sizeOf(smallest)}, ${triesText(tries)}: ${to}${dumpOf(smallest)}`;
}
