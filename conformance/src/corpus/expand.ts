import { CorpusDefect } from "./defect.ts";
import { Script } from "./script.ts";
import { afterRefusal, again, follow } from "./sweeps/encodes.ts";
import { eof, reset } from "./sweeps/ends.ts";
import { ladder } from "./sweeps/ladder.ts";
import { type Neighbours, type Plan, sameLimits } from "./sweeps/plan.ts";
import { chunks, cuts, empty, pairs, prefix } from "./sweeps/reads.ts";
import { recordLadder } from "./sweeps/records.ts";
import { after, glue, repeat } from "./sweeps/rows.ts";
import type { Case } from "./types.ts";
import type { DecodeVector, EncodeVector, Vector } from "./vector.ts";

/**
 * The cases of all vectors, in order, each built when it is asked for. `filter` sees ids and saves building the rest; `among`
 * sees the ids of vectors and saves naming their cases.
 */
export function* expand(
  vectors: readonly Vector[],
  filter: (id: string) => boolean = () => true,
  among: (vector: string) => boolean = () => true,
): Iterable<Case> {
  const neighbours = Table.of(vectors);
  for (const vector of vectors) {
    if (!among(vector.id)) continue;
    const others = vector.role === "decode" ? alternativePlans(vector, neighbours) : [];
    let turn = 0;
    for (const plan of vector.role === "decode" ? decodePlans(vector, neighbours) : encodePlans(vector, neighbours)) {
      const id = plan.suffix === "" ? vector.id : `${vector.id}#${plan.suffix}`;
      const at = turn++;
      if (!filter(id)) continue;
      const alternatives = others.map(({ reason, plans }) => ({ reason, expected: plans[at]!.play().expected }));
      yield { ...build(id, vector, plan), ...(alternatives.length === 0 ? {} : { alternatives }) };
    }
  }
}

/** For each alternative of a vector the plans that the vector itself has, in the same order: its sweeps do not look at events. */
function alternativePlans(v: DecodeVector, neighbours: Neighbours) {
  return v.alternatives.map(({ reason, stream }) => ({
    reason,
    plans: [...decodePlans({ ...v, stream }, neighbours)],
  }));
}

function* decodePlans(v: DecodeVector, neighbours: Neighbours): Iterable<Plan> {
  const { sweeps, stream } = v;
  yield { suffix: "", rules: v.rules, why: v.why, play: () => new Script(stream).reads(stream.seams()).eof() };
  if (sweeps.cuts) yield* cuts(v);
  if (sweeps.pairs) yield* pairs(v, sweeps.pairs);
  for (const { from, width } of sweeps.prefix ?? []) yield* prefix(v, from, width);
  if (sweeps.chunks) yield* chunks(v, sweeps.chunks);
  if (sweeps.empty) yield* empty(v);
  if (sweeps.eof) yield* eof(v);
  if (sweeps.reset) yield* reset(v);
  if (sweeps.glue) yield* glue(v, neighbours);
  if (sweeps.repeat) yield* repeat(v, sweeps.repeat);
  if (sweeps.ladder === true) yield* ladder(v);
  else if (sweeps.ladder) yield* recordLadder(v, sweeps.ladder);
  if (sweeps.after) yield* after(v, neighbours);
}

function* encodePlans(v: EncodeVector, neighbours: Neighbours): Iterable<Plan> {
  const { sweeps, step, answer } = v;
  yield {
    suffix: "",
    rules: v.rules,
    why: v.why,
    play: () => ({ steps: [step], expected: [[answer]], marks: [] }),
  };
  if (sweeps.again) yield* again(v);
  if (sweeps.glue) yield* follow(v, neighbours);
  if (sweeps.after) yield* afterRefusal(v, neighbours);
}

/** The case of a plan. */
export function build(id: string, vector: Vector, plan: Plan): Case {
  const { steps, expected, marks } = plan.play();
  return {
    id,
    vector: vector.id,
    rules: plan.rules,
    level: vector.level,
    profile: vector.profile,
    role: vector.role,
    limits: vector.limits,
    steps,
    expected,
    why: plan.why,
    marks,
    ...(vector.sibling === undefined ? {} : { sibling: vector.sibling }),
  };
}

class Table implements Neighbours {
  /** A run asks for the cases of one vector after another. */
  private static readonly known = new WeakMap<readonly Vector[], Table>();

  static of(vectors: readonly Vector[]): Table {
    const table = Table.known.get(vectors) ?? new Table(vectors);
    Table.known.set(vectors, table);
    return table;
  }

  private byId: ReadonlyMap<string, Vector> | undefined;

  private constructor(private readonly vectors: readonly Vector[]) {}

  glueable(vector: DecodeVector): readonly DecodeVector[] {
    return this.vectors.filter((v) => v.role === "decode" && related(v, vector)) as DecodeVector[];
  }

  followers(vector: EncodeVector): readonly EncodeVector[] {
    return this.vectors.filter((v) => v.role === "encode" && related(v, vector)) as EncodeVector[];
  }

  sibling<V extends Vector>(vector: V): V {
    this.byId ??= new Map(this.vectors.map((each) => [each.id, each]));
    const found = this.byId.get(vector.sibling ?? "");
    if (!found || found.role !== vector.role) {
      throw new CorpusDefect(`${vector.id}: its sibling "${vector.sibling}" is no vector of the same role`);
    }
    return found as V;
  }
}

/** Vectors that may share a case: one that is a SHOULD must not decide a MUST. */
function related(other: Vector, vector: Vector): boolean {
  return (
    other.sweeps.glue === true &&
    other.profile === vector.profile &&
    other.level === vector.level &&
    sameLimits(other.limits, vector.limits)
  );
}
