import type { Case, Corpus } from "../corpus/types.ts";
import type { Step } from "../protocol.ts";
import type { Outcome } from "../verdict.ts";
import { leftAsItIs, NOT_IN_TIME, probeOf, sizeOf, triesText, weightOf } from "./kinds.ts";
import { type Prober, signatureOf } from "./prober.ts";
import { smallest } from "./smallest.ts";

/** Cases of the same probe that are tried, the lightest first; and cases with fewer steps. */
const VECTORS = 200;
const TRIES = 200;

/** A failure of a probe made small: another vector that brings it, and what is left of its steps. */
export interface ShrunkProbe {
  readonly from: Case;
  readonly signature: string;
  /** The lightest case of the corpus that fails in the same way: its vector brings the probe, and no file says more. */
  readonly lightest: Case;
  /** The same with fewer steps, for a reader. */
  readonly smallest: Case;
  readonly tries: number;
}

/** Gives back in words why it is left as it is, where it is. */
export async function shrinkProbe(outcome: Outcome, corpus: Corpus, prober: Prober): Promise<ShrunkProbe | string> {
  const { id, case: from } = outcome;
  if (from === undefined) return leftAsItIs(id, "nothing is known of its steps");
  const signature = signatureOf(outcome, from);
  let tries = 0;
  let late = false;
  const still = async (about: Case): Promise<boolean> => {
    tries++;
    const probed = await prober.put(about);
    late = probed?.verdict === "timeout";
    return probed !== undefined && signatureOf(probed, about) === signature;
  };
  if (!(await still(from))) {
    if (late) return leftAsItIs(id, NOT_IN_TIME);
    return leftAsItIs(
      id,
      "its answer is right when it is asked alone: what is wrong is measured beside it, or comes of the cases before",
    );
  }
  let lightest = from;
  for (const about of lighter(from, corpus)) {
    if (!(await still(about))) continue;
    lightest = about;
    break;
  }
  const enough = tries + TRIES;
  const best = await smallest(lightest, fewerSteps, async (about) => tries < enough && (await still(about)));
  return { from, signature, lightest, smallest: best, tries };
}

function lighter(from: Case, corpus: Corpus): readonly Case[] {
  const { profile, role } = from;
  const probe = probeOf(from);
  const alike = (id: string) => id.startsWith(`${profile}/`) && id.includes(`#${probe}`);
  const most = weightOf(from);
  return [...(corpus.probes?.(alike) ?? [])]
    .filter((about) => about.role === role && probeOf(about) === probe && weightOf(about) < most)
    .sort((a, b) => weightOf(a) - weightOf(b))
    .slice(0, VECTORS);
}

/** What may go without changing what the others must give: steps at the end, cancelled reads, reports of memory. */
function* fewerSteps(about: Case): Iterable<Case> {
  const { steps } = about;
  for (let count = 2; count < steps.length; count++) yield kept(about, (i) => i < count);
  // The first is the one that says which probe it is. r[iut.probe.first]
  const spare = [...steps.keys()].filter((i) => i > 0 && changesNothing(steps[i]));
  for (let size = spare.length; size >= 1; size >>= 1) {
    for (let from = 0; from < spare.length; from += size) {
      const gone = new Set(spare.slice(from, from + size));
      yield kept(about, (i) => !gone.has(i));
    }
  }
}

const changesNothing = (step: Step | undefined) => step !== undefined && ("cancel" in step || "memory" in step);

function kept(about: Case, keeps: (index: number) => boolean): Case {
  const id = `${about.id.replace(/ with fewer steps$/, "")} with fewer steps`;
  const steps = about.steps.filter((_, i) => keeps(i));
  return { ...about, id, steps, expected: about.expected.filter((_, i) => keeps(i)) };
}

/** One line for people. */
export function describeShrunkProbe({ from, lightest, smallest: best, tries }: ShrunkProbe): string {
  const fewer = best === lightest ? "" : ", with fewer steps in the .cases.jsonl";
  const brings = `the vector ${lightest.vector} brings it, by the probe ${probeOf(lightest)}: ${lightest.id}`;
  return `shrunk ${from.id} (${sizeOf(from)}) to ${sizeOf(best)}, ${triesText(tries)}: ${brings}${fewer}`;
}
