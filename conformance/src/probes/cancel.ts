import { Script } from "../corpus/script.ts";
import { multiples } from "../corpus/sweeps/reads.ts";
import type { DecodeVector } from "../corpus/vector.ts";
import type { ProbeStep } from "../protocol.ts";
import { type ProbePlan, settled, Tape } from "./plan.ts";

/** Longer streams are cancelled after every byte in one case alone. */
const MAX_EVERY = 96;
const CANCEL: readonly ProbeStep[] = [{ cancel: true }];

/**
 * The pending read is cancelled and begun again: once after each byte, and after all of them. The events must not change.
 * r[iut.probe.cancel.nothing-lost]
 */
export function* cancel(v: DecodeVector): Iterable<ProbePlan> {
  if (!settled(v) || v.sweeps.cuts === undefined) return;
  const { length } = v.stream;
  yield plan(v, "cancel=each", multiples(1, length), () => CANCEL);
  // What refuses or ends early says nothing more by one place than by all of them.
  if (v.sweeps.chunks !== true || length > MAX_EVERY) return;
  for (let at = 1; at <= length; at++) yield plan(v, `cancel=${at}`, [at], (read) => (read === 0 ? CANCEL : []));
}

function plan(
  v: DecodeVector,
  suffix: string,
  cuts: readonly number[],
  after: (read: number) => readonly ProbeStep[],
): ProbePlan {
  return {
    suffix,
    requires: ["cancel"],
    rules: ["iut.probe.cancel.nothing-lost", ...v.rulesFor("chunking")],
    why: "A read that is cancelled and begun again loses no byte and gives none twice.",
    play: () => {
      const script = new Script(v.stream).reads(cuts.filter((at) => at < v.stream.length)).eof();
      return new Tape(script.marks).add({ cancel: true }).play(script, { after });
    },
  };
}
