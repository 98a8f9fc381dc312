import { bytesEvent } from "../corpus/bytes.ts";
import type { EncodeVector } from "../corpus/vector.ts";
import type { Step } from "../protocol.ts";
import { type ProbePlan, Tape } from "./plan.ts";

/** Messages up to here are written with every quota. */
const MAX_EVERY = 64;
/** A larger one is taken in at most so many pieces. */
const MAX_PIECES = 48;
/** Where buffers of usual sizes end. */
const EDGES = [1024, 4096, 16_384, 65_536].flatMap((edge) => [edge - 1, edge, edge + 1]);

/**
 * The sink takes `q` bytes and then none until it is asked again: the output is the same, and two messages do not mix.
 * r[iut.probe.quota.same] r[iut.probe.quota.order]
 */
export function* quota(v: EncodeVector, second: EncodeVector | undefined): Iterable<ProbePlan> {
  const { bytes } = v;
  if (bytes === null) return;
  const rules = ["iut.probe.quota.same", ...v.rulesFor("encode.again")];
  for (const q of quotas(bytes.length)) {
    const why = "A message is written whole, however little the sink takes at a time.";
    yield { suffix: `quota=${q}`, requires: ["quota"], rules, why, play: () => written(q, [v]) };
  }
  if (second === undefined) return;
  for (const q of quotas(bytes.length, 8)) {
    yield {
      suffix: `quota=${q},then=${second.slug}`,
      requires: ["quota"],
      rules: ["iut.probe.quota.order", ...rules],
      why: "A message that is sent while another waits for the sink comes behind it, and not between its bytes.",
      play: () => written(q, [v, second, v]),
    };
  }
}

/** Every quota of a short message; of a long one a few small ones and the edges of buffers. */
function quotas(length: number, every = MAX_EVERY): number[] {
  if (length <= every) return upTo(length + 1);
  const edges = [...EDGES, Math.ceil(length / 3), Math.ceil(length / 2), length - 1, length, length + 1];
  const fits = (q: number) => q <= length + 1 && length / q <= MAX_PIECES;
  return [...new Set([...upTo(8), ...edges])].filter(fits).sort((a, b) => a - b);
}

const upTo = (end: number) => Array.from({ length: end }, (_, i) => i + 1);

/** All messages are handed over one after the other, then the sink is drained until it has them all, and once more. */
export function written(q: number, vectors: readonly EncodeVector[]): Tape {
  const tape = new Tape().add({ quota: q });
  const waiting: Uint8Array[] = [];
  let room = q;
  const take = (step: Step) => {
    const parts: Uint8Array[] = [];
    while (room > 0 && waiting.length > 0) {
      const part = waiting[0]!.subarray(0, room);
      parts.push(part);
      room -= part.length;
      if (part.length === waiting[0]!.length) waiting.shift();
      else waiting[0] = waiting[0]!.subarray(part.length);
    }
    const taken = Buffer.concat(parts);
    tape.add(step, ...(taken.length === 0 ? [] : [bytesEvent(taken)]));
  };
  for (const { step, bytes } of vectors) {
    if (bytes !== null) waiting.push(bytes);
    take(step);
  }
  do {
    room = q;
    take({ drain: true });
  } while (waiting.length > 0);
  return tape.add({ drain: true });
}
