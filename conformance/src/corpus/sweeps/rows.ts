import { CorpusDefect } from "../defect.ts";
import { Script } from "../script.ts";
import { Stream } from "../stream.ts";
import type { DecodeVector } from "../vector.ts";
import { type Neighbours, type Plan, sameLimits } from "./plan.ts";
import { multiples } from "./reads.ts";

/** Several streams on one connection. */

/** Streams this long or longer are not also sent byte by byte after an error. */
const MAX_BYTEWISE = 256;

/** In one read with each vector that may be glued to it; the first must end cleanly, the second may fail. */
export function* glue(v: DecodeVector, neighbours: Neighbours): Iterable<Plan> {
  if (v.stream.atEof !== "end") return;
  const group = neighbours.glueable(v);
  for (const other of group) {
    if (other === v) continue;
    const clean = other.stream.atEof === "end";
    yield {
      suffix: `glue=${other.slug}`,
      rules: v.rulesFor(clean ? "glued" : "delivered"),
      why: clean
        ? "Streams in one read give the messages of both, in order."
        : "Messages before an error are delivered, also when the same read carries the error.",
      play: () => new Script(Stream.join([v.stream, other.stream])).reads([]).eof(),
    };
  }
  const clean = group.filter((other) => other.stream.atEof === "end");
  // Once for the group: the row is the same for every vector in it.
  if (clean[0] !== v || clean.length < 3) return;
  const why = "Every stream that ends cleanly, in one row, gives the messages of all.";
  const row = () => Stream.join(clean.map((each) => each.stream));
  yield { suffix: "glue=all", rules: v.rulesFor("glued"), why, play: () => new Script(row()).reads([]).eof() };
  yield {
    suffix: "glue=all,chunk=1",
    rules: v.rulesFor("chunking"),
    why,
    play: () => {
      const stream = row();
      return new Script(stream).reads(multiples(1, stream.length)).eof();
    },
  };
}

/** The same stream many times over in one read: no batch is too small for it. */
export function* repeat(v: DecodeVector, counts: readonly number[]): Iterable<Plan> {
  for (const count of counts) {
    yield {
      suffix: `repeat=${count}`,
      rules: v.rulesFor("glued"),
      why: "One read may hold any number of messages.",
      play: () => new Script(Stream.join(Array<Stream>(count).fill(v.stream))).reads([]).eof(),
    };
  }
}

/** The accepting sibling after a fatal error: nothing more is said on this connection, and all of it on the next. */
export function* after(v: DecodeVector, neighbours: Neighbours): Iterable<Plan> {
  const sibling = neighbours.sibling(v);
  if (v.stream.atEof !== null || !sameLimits(v.limits, sibling.limits)) {
    throw new CorpusDefect(`${v.id}: "after" needs a stream that fails and a sibling with the same limits`);
  }
  const rules = v.rulesFor("sticky");
  const why = "After a fatal error nothing more is reported, whatever follows.";
  const row = Stream.join([v.stream, sibling.stream]);
  const name = `after=${sibling.slug}`;
  yield { suffix: name, rules, why, play: () => new Script(row).reads([v.stream.length]).eof() };
  yield { suffix: `${name},one-read`, rules, why, play: () => new Script(row).reads([]).eof() };
  if (row.length < MAX_BYTEWISE) {
    const bytes = multiples(1, row.length);
    yield { suffix: `${name},chunk=1`, rules, why, play: () => new Script(row).reads(bytes).eof() };
  }
  yield {
    suffix: `${name},reset`,
    rules: v.rulesFor("isolation"),
    why: "A new connection works after an error on the old one.",
    play: () => new Script(v.stream).reads([]).reset(sibling.stream).reads([]).eof(),
  };
}
