import { Script } from "../script.ts";
import type { DecodeVector } from "../vector.ts";
import type { Plan } from "./plan.ts";

/** The same stream in other reads: the events must not change. */

/** Two reads, cut at every byte. */
export function* cuts(v: DecodeVector): Iterable<Plan> {
  const why = "The same stream in two reads gives the same events.";
  for (let at = 1; at < v.stream.length; at++) yield inReads(v, `cut=${at}`, why, [at]);
}

/** Three reads, cut at every pair of places within the first `within` bytes. */
export function* pairs(v: DecodeVector, within: number): Iterable<Plan> {
  const why = "The same stream in three reads gives the same events.";
  const end = Math.min(within, v.stream.length);
  for (let a = 1; a < end; a++) {
    for (let b = a + 1; b < end; b++) yield inReads(v, `cuts=${a},${b}`, why, [a, b]);
  }
}

/** Every way to cut `width` bytes from `from` into two or more reads; the last of them carries the rest. */
export function* prefix(v: DecodeVector, from: number, width: number): Iterable<Plan> {
  const why = "A prefix may arrive in any pieces.";
  const inner = Math.min(width, v.stream.length - from) - 1;
  for (let mask = 1; mask < 1 << inner; mask++) {
    const at: number[] = [];
    for (let bit = 0; bit < inner; bit++) if (mask & (1 << bit)) at.push(from + 1 + bit);
    const edges = [from, ...at, from + inner + 1];
    const pieces = edges.slice(1).map((edge, i) => edge - edges[i]!);
    yield inReads(v, `prefix@${from}=${pieces.join("+")}`, why, at);
  }
}

/** Reads of one size; size 1 is byte by byte. */
export function* chunks(v: DecodeVector, sizes: true | readonly number[]): Iterable<Plan> {
  const why = "Reads of one size give the same events as one read.";
  for (const size of sizes === true ? upTo(v.stream.length - 1) : sizes) {
    yield inReads(v, `chunk=${size}`, why, multiples(size, v.stream.length));
  }
}

/** An empty read at every place: it is no end of the stream and changes nothing. */
export function* empty(v: DecodeVector): Iterable<Plan> {
  const why = "A read of no bytes changes nothing and is no end of the stream.";
  for (let at = 0; at <= v.stream.length; at++) {
    yield {
      suffix: `empty=${at}`,
      rules: v.rulesFor("chunking"),
      why,
      play: () => {
        const script = new Script(v.stream);
        if (at > 0) script.read(at);
        return script.emptyRead().reads([]).eof();
      },
    };
  }
}

export function multiples(size: number, end: number): number[] {
  const at: number[] = [];
  for (let next = size; next < end; next += size) at.push(next);
  return at;
}

function upTo(end: number): number[] {
  return Array.from({ length: Math.max(0, end) }, (_, i) => i + 1);
}

function inReads(v: DecodeVector, suffix: string, why: string, at: readonly number[]): Plan {
  return { suffix, rules: v.rulesFor("chunking"), why, play: () => new Script(v.stream).reads(at).eof() };
}
