import { build } from "../corpus/expand.ts";
import type { Case } from "../corpus/types.ts";
import type { Vector } from "../corpus/vector.ts";
import { beside } from "./beside.ts";
import { cancel } from "./cancel.ts";
import { clock, writeClock } from "./clock.ts";
import { companionsOf, followerOf, leads, neighbourOf } from "./companions.ts";
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
  const kin = Map.groupBy(vectors, ({ profile }) => profile);
  for (const vector of vectors) {
    for (const plan of plansOf(vector, kin.get(vector.profile) ?? [])) {
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
    yield* poison(vector, companionsOf(vector, vectors));
    yield* cancel(vector);
    yield* clock(vector);
    yield* memory(vector);
    yield* beside(vector, neighbourOf(vector, vectors), leads(vector, vectors));
  } else {
    yield* quota(vector, followerOf(vector, vectors));
    yield* writeClock(vector);
  }
}
