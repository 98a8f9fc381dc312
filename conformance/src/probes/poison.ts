import { bytesEvent } from "../corpus/bytes.ts";
import { Script } from "../corpus/script.ts";
import { Stream } from "../corpus/stream.ts";
import { multiples } from "../corpus/sweeps/reads.ts";
import type { DecodeVector } from "../corpus/vector.ts";
import { messagesOf, type ProbePlan, settled, Tape } from "./plan.ts";

/** Streams up to here are also read in small pieces, longer ones in pieces of so many bytes. */
const MAX_PIECES = 512;
const LARGE = 10_000;
/** A row up to here is read byte by byte too: a companion may be much longer than the vector. */
const MAX_SINGLE = 4096;
const MAX_ROW = 300_000;

/**
 * Every chunk is overwritten once its read is over; at the end the IUT reads the messages that it handed out once more, from
 * where they lie, and says what the chunks were after their reads. `others` may follow on the same connection: the buffer in
 * which a decoder gathered one message is the one that the next but one needs.
 */
export function* poison(v: DecodeVector, others: readonly DecodeVector[]): Iterable<ProbePlan> {
  if (!settled(v) || v.stream.events[0]?.event.event !== "message") return;
  const { stream } = v;
  const alone = () => stream;
  yield plan(v, "poison", alone, () => stream.seams());
  const short = stream.length <= MAX_PIECES;
  if (short) yield plan(v, "poison=chunk=1", alone, pieces(1));
  const all = [stream, ...others.map((other) => other.stream)];
  const length = all.reduce((sum, one) => sum + one.length, 0);
  if (stream.atEof !== "end" || all.length < 3 || length > MAX_ROW) return;
  const row = () => Stream.join(all);
  yield plan(v, "poison=row", row, () => []);
  for (const size of short ? [length > MAX_SINGLE ? LARGE : 1, stream.length - 1] : [LARGE]) {
    if (size > 0) yield plan(v, `poison=row,chunk=${size}`, row, pieces(size));
  }
}

const pieces = (size: number) => (stream: Stream) => multiples(size, stream.length);

function plan(
  v: DecodeVector,
  suffix: string,
  whole: () => Stream,
  cutsOf: (stream: Stream) => readonly number[],
): ProbePlan {
  return {
    suffix,
    requires: ["poison"],
    rules: ["iut.probe.poison.recall", "iut.probe.poison.input", ...v.rulesFor("chunking")],
    why: "A message stays what it was when the chunk that it came in is used again, and a decoder does not write to a chunk.",
    play: () => {
      const stream = whole();
      const cuts = cutsOf(stream);
      // What comes after an error may be read or not.
      const end = cuts.find((at) => at >= stream.failedAt) ?? stream.length;
      const script = new Script(stream);
      for (const at of [...cuts.filter((at) => at < end), end]) script.read(at);
      script.eof();
      return new Tape(script.marks)
        .add({ poison: true })
        .play(script)
        .add({ recall: true }, bytesEvent(stream.bytes.subarray(0, end)), ...messagesOf(stream.events));
    },
  };
}
