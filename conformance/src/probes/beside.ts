import { Script } from "../corpus/script.ts";
import type { Stream } from "../corpus/stream.ts";
import { multiples } from "../corpus/sweeps/reads.ts";
import type { DecodeVector } from "../corpus/vector.ts";
import { standsBeside } from "./companions.ts";
import { type ProbePlan, Tape } from "./plan.ts";

/** Streams are read in at most so many pieces in turn. */
const MAX_TURNS = 256;

/**
 * Two connections that are open at the same time: what is static in a decoder, or was taken from a pool and given back too soon, is
 * right as long as there is one. `other` accepts; `first` says that `v` is the first of its profile.
 * r[iut.probe.beside.own] r[iut.probe.beside.end]
 */
export function* beside(v: DecodeVector, other: DecodeVector | undefined, first: boolean): Iterable<ProbePlan> {
  if (other === undefined || !standsBeside(v)) return;
  const streams = [v.stream, other.stream] as const;
  const name = `beside=${other.slug}`;
  const ends = v.stream.atEof === "end";
  const inTurn = "Two connections that are read in turn give what each would give alone.";
  yield plan(v, name, ["own"], inTurn, () => {
    const size = Math.ceil(Math.max(...streams.map(({ length }) => length)) / MAX_TURNS);
    const [a, b] = streams.map((stream) => whole(stream, multiples(size, stream.length)));
    return woven(streams, [a!, b!], alternately(a!.steps.length, b!.steps.length));
  });
  if (!ends) {
    const why = "A connection that fails, or is cut off, changes nothing on the one beside it.";
    const rows = [other.stream, v.stream] as const;
    yield plan(v, `${name},fails`, ["end"], why, () => woven(rows, [inTwo(rows[0]), whole(rows[1])], around(rows)));
    return;
  }
  const inside = "A connection begins and ends while another one is in the middle of a message.";
  yield plan(v, `${name},inside`, ["own", "end"], inside, () =>
    woven(streams, [inTwo(v.stream), whole(other.stream)], around(streams)),
  );
  if (!first) return;
  const prefix = "Two connections are in the middle of a prefix at the same time.";
  const size = headOf(v.stream);
  for (const at of multiples(1, size)) {
    const there = Math.min(size - at, other.stream.length - 1);
    yield plan(v, `${name},prefix=${at}+${there}`, ["own"], prefix, () =>
      woven(streams, [whole(v.stream, [at]), whole(other.stream, [there])], [0, 1, 0, 0, 1, 1]),
    );
  }
  const reset = "A connection that takes the place of another one changes nothing on the one beside it.";
  yield plan(v, `${name},reset`, ["end"], reset, () => {
    const again = new Script(other.stream).read(1).reset().reads([]).eof();
    const turns = [0, ...again.steps.map(() => 1), 0, 0];
    return woven(streams, [inTwo(v.stream), again], turns);
  });
}

function plan(
  v: DecodeVector,
  suffix: string,
  rules: readonly ("own" | "end")[],
  why: string,
  play: () => Tape,
): ProbePlan {
  const named = rules.map((rule) => `iut.probe.beside.${rule}`);
  return { suffix, requires: ["beside"], rules: [...named, ...v.rulesFor("isolation")], why, play };
}

const whole = (stream: Stream, cuts: readonly number[] = []) => new Script(stream).reads(cuts).eof();

/** The first read ends within the first message. */
const inTwo = (stream: Stream) => whole(stream, [Math.ceil(stream.events[0]!.at / 2)]);

/** The first connection begins and goes on; between stands all of the second. */
const around = ([, inner]: readonly [Stream, Stream]) => [0, ...whole(inner).steps.map(() => 1), 0, 0];

function alternately(a: number, b: number): number[] {
  return Array.from({ length: Math.max(a, b) }, (_, i) => [a, b].flatMap((end, n) => (i < end ? [n] : []))).flat();
}

/** Where the first message has no more prefix or header. */
function headOf({ segments, length }: Stream): number {
  return segments.find(({ eof }) => eof === "eof.in-body")?.start ?? length;
}

/** The steps of both connections in the order of `turns`; the bytes of the second stand behind those of the first. */
function woven(streams: readonly [Stream, Stream], scripts: readonly [Script, Script], turns: readonly number[]): Tape {
  const shift = streams[0].length;
  const behind = scripts[1].marks.map(({ field, start, end }) => ({ field, start: start + shift, end: end + shift }));
  const tape = new Tape([...scripts[0].marks, ...behind]);
  const at = [0, 0];
  let on: number | undefined;
  for (const turn of turns) {
    if (turn !== on) tape.add({ on: turn });
    on = turn;
    const script = scripts[turn]!;
    tape.add(script.steps[at[turn]!]!, ...script.expected[at[turn]!++]!);
  }
  return tape;
}
