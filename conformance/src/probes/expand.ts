import { build } from "../corpus/expand.ts";
import { sameLimits } from "../corpus/sweeps/plan.ts";
import type { Case } from "../corpus/types.ts";
import type { EncodeVector, Vector } from "../corpus/vector.ts";
import { cancel } from "./cancel.ts";
import { clock, writeClock } from "./clock.ts";
import { memory } from "./memory.ts";
import type { ProbePlan } from "./plan.ts";
import { poison } from "./poison.ts";
import { quota } from "./quota.ts";

/**
 * The cases of level 3. No file declares them: which vectors a probe takes, follows from the sweeps that these have, and what
 * must come back follows from their events.
 */
export function* expandProbes(
  vectors: readonly Vector[],
  filter: (id: string) => boolean = () => true,
): Generator<Case> {
  for (const vector of vectors) {
    for (const plan of plansOf(vector, vectors)) {
      const id = `${vector.id}#${plan.suffix}`;
      if (!filter(id)) continue;
      const { requires, limits, half } = plan;
      yield {
        ...build(id, vector, plan),
        requires,
        ...(limits && { limits }),
        ...(half && { half: half() }),
      };
    }
  }
}

function* plansOf(vector: Vector, vectors: readonly Vector[]): Iterable<ProbePlan> {
  // A SHOULD decides no probe.
  if (vector.level !== "must") return;
  if (vector.role === "decode") {
    yield* poison(vector);
    yield* cancel(vector);
    yield* clock(vector);
    yield* memory(vector);
  } else {
    yield* quota(vector, followerOf(vector, vectors));
    yield* writeClock(vector);
  }
}

/** The next message of the same family of limits that gives other bytes: a second sender. */
function followerOf(vector: EncodeVector, vectors: readonly Vector[]): EncodeVector | undefined {
  const others = vectors.filter(
    (v): v is EncodeVector =>
      v.role === "encode" && v.profile === vector.profile && v.bytes !== null && sameLimits(v.limits, vector.limits),
  );
  const at = others.indexOf(vector);
  return [...others.slice(at + 1), ...others.slice(0, Math.max(0, at))].find(
    ({ bytes }) => bytes!.length <= 1024 && Buffer.compare(bytes!, vector.bytes ?? new Uint8Array()) !== 0,
  );
}
