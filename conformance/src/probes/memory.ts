import { announced, FILL, lengthOf } from "../corpus/sweeps/ladder.ts";
import type { DecodeVector } from "../corpus/vector.ts";
import type { Event, Step } from "../protocol.ts";
import { type ProbePlan, Tape } from "./plan.ts";

/** What an implementation may hold beside what has arrived: a buffer or two. */
const SLACK = 1 << 20;
/** Buffers that double hold up to twice what arrived, and while they grow both. */
const HELD_PER_BYTE = 4;
/** Buffers that double copy each byte a few times; those that grow by a chunk copy it for each chunk. */
const COPIED_PER_BYTE = 16;
/** Bytes that come one at a time: more than a first buffer of usual size. */
const TRICKLE = 96 * 1024;
/** What arrives of a message that announced much more. */
const ARRIVED = 5000;

/** The first is what a buffer of signed offsets can hold: the most that some implementations take. */
const LENGTHS = [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n - 1n, 2n ** 53n];

/** A length is announced and little or nothing follows: buffers grow with what has arrived, never with what was announced. */
export function* memory(v: DecodeVector): Iterable<ProbePlan> {
  if (v.sweeps.ladder !== true) return;
  const { limit, width } = lengthOf(v);
  const largest = 2n ** BigInt(8 * width) - 1n;
  const allocation = v.probeRulesFor("memory");
  const rules = ["iut.probe.memory.bound", ...allocation, ...v.rulesFor("limit.accept")];
  for (const length of [limit, ...LENGTHS].filter((each) => each <= largest)) {
    yield {
      suffix: `memory=${length}`,
      requires: ["memory"],
      limits: { ...v.limits, max_frame_length: String(length) },
      rules,
      why: `No memory is taken for ${length} bytes on the word of a prefix.`,
      play: () => silence(v, length, length),
    };
  }
  yield {
    suffix: "memory=refused",
    requires: ["memory"],
    rules: ["iut.probe.memory.bound", ...v.rulesFor("limit.wide")],
    why: "A length that is refused costs no memory.",
    play: () => silence(v, largest, limit),
  };
  const most = BigInt(4 * TRICKLE);
  yield {
    suffix: "memory=trickle",
    requires: ["memory"],
    limits: { ...v.limits, max_frame_length: String(most) },
    rules: ["iut.probe.memory.linear", "iut.probe.memory.pace", ...allocation],
    why: "The cost of single bytes grows with their number, not with its square.",
    play: () => trickled(v, most, TRICKLE),
    half: () => trickled(v, most, TRICKLE / 2).steps,
  };
}

function report(received: number, copied = false): Event {
  const held = { event: "memory", held: String(SLACK + HELD_PER_BYTE * received) } as const;
  return copied ? { ...held, copied: String(SLACK + COPIED_PER_BYTE * received) } : held;
}

function silence(v: DecodeVector, length: bigint, limit: bigint): Tape {
  const arrived = length > limit ? 0 : Math.min(Number(length) - 1, ARRIVED);
  const stream = announced(v, length, limit, arrived);
  const { end } = lengthOf(v).segment;
  const tape = new Tape(stream.marks(stream.length, 0))
    .add({ memory: true }, report(0))
    .add(stream.read(0, end), ...stream.events.map(({ event }) => event))
    .add({ memory: true }, report(end));
  if (arrived > 0) tape.add(stream.read(end, stream.length)).add({ memory: true }, report(stream.length));
  const ending = stream.endAt(stream.length);
  return tape.add({ eof: true }, ...(ending === null ? [] : [ending]));
}

function trickled(v: DecodeVector, length: bigint, count: number): Tape {
  const stream = announced(v, length, length, count);
  const { end } = lengthOf(v).segment;
  const trickle: Step = { trickle: { byte: FILL, count } };
  return new Tape(stream.marks(end, 0))
    .add({ memory: true }, report(0))
    .add(stream.read(0, end))
    .add(trickle)
    .add({ memory: true }, report(stream.length, true))
    .add({ eof: true }, stream.endAt(stream.length)!);
}
