import { CorpusDefect } from "../defect.ts";
import type { EncodeVector } from "../vector.ts";
import { type Neighbours, type Plan, sameLimits } from "./plan.ts";

/** Several encodes in one case: an encoder keeps nothing from one message to the next. */

/** The same message twice, and once more on a new connection. */
export function* again(v: EncodeVector): Iterable<Plan> {
  yield {
    suffix: "again",
    rules: v.rulesFor(refused(v) ? "encode.after" : "encode.again"),
    why: "The same message gives the same answer again, also on a new connection.",
    play: () => ({
      steps: [v.step, v.step, { reset: true }, v.step],
      expected: [[v.answer], [v.answer], [], [v.answer]],
      marks: [],
    }),
  };
}

/** Each other encode vector under the same limits, right after this one. */
export function* follow(v: EncodeVector, neighbours: Neighbours): Iterable<Plan> {
  for (const other of neighbours.followers(v)) {
    if (other === v) continue;
    yield {
      suffix: `then=${other.slug}`,
      rules: v.rulesFor(refused(v) || refused(other) ? "encode.after" : "encode.again"),
      why: "A message is encoded without a trace of the one before it.",
      play: () => ({ steps: [v.step, other.step], expected: [[v.answer], [other.answer]], marks: [] }),
    };
  }
}

/** A refusal, then the sibling: nothing of the refused message is left, and the encoder still works. */
export function* afterRefusal(v: EncodeVector, neighbours: Neighbours): Iterable<Plan> {
  const sibling = neighbours.sibling(v);
  if (!refused(v) || !sameLimits(v.limits, sibling.limits)) {
    throw new CorpusDefect(`${v.id}: "after" needs a refusal and a sibling with the same limits`);
  }
  yield {
    suffix: `after=${sibling.slug}`,
    rules: v.rulesFor("encode.after"),
    why: "After a refused message the next one is encoded, and nothing of the refused one is in it.",
    play: () => ({
      steps: [v.step, sibling.step, v.step, sibling.step],
      expected: [[v.answer], [sibling.answer], [v.answer], [sibling.answer]],
      marks: [],
    }),
  };
}

function refused(v: EncodeVector): boolean {
  return v.answer.event === "error";
}
