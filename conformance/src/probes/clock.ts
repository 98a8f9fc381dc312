import { bytesEvent } from "../corpus/bytes.ts";
import { Script } from "../corpus/script.ts";
import { multiples } from "../corpus/sweeps/reads.ts";
import type { DecodeVector, EncodeVector } from "../corpus/vector.ts";
import type { Event } from "../protocol.ts";
import { type ProbePlan, settled, Tape } from "./plan.ts";

/** Milliseconds of the IUT's own clock that a message has. */
const DEADLINE = 1000;
/** Of a message up to here every byte is waited for. */
const MAX_EVERY = 40;
const MAX_TRICKLED = 512;

const expired = (at: number): Event => ({ event: "expired", at: String(at) });
const last = { advance: DEADLINE - 1 };

/** The deadline of a read passes at its moment, not before it and not after: the clock is the IUT's, and the harness moves it. r[iut.probe.clock.read] */
export function* clock(v: DecodeVector): Iterable<ProbePlan> {
  const { stream, sweeps } = v;
  if (!settled(v)) return;
  if (sweeps.after === true) yield plan("clock=refused", "After a refusal no deadline is told.", () => refused(v));
  const [first, second] = stream.events;
  if (first?.event.event !== "message" || sweeps.chunks !== true || first.at > MAX_TRICKLED) return;
  const slow = "A message that takes longer than its deadline is given up at the deadline, whatever came of it.";
  for (const at of placesIn(v, first.at)) yield plan(`clock=${at}`, slow, () => late(v, at));
  if (first.at > 2) yield plan("clock=trickle", "A byte now and then does not put a deadline off.", () => trickle(v));
  const inTime = "A message whose last byte comes just before its deadline is delivered.";
  yield plan("clock=in-time", inTime, () => onTime(v, first.at));
  yield plan("clock=reset", "A new connection begins with a new deadline.", () => afterwards(v));
  if (second?.event.event !== "message") return;
  const next = "The next message has the same time, from the one before.";
  yield plan("clock=next", next, () => again(v, first.at, second.at));
}

/** The deadline of a write: what the sink did not take by then is given up, and nothing of it follows. r[iut.probe.clock.write] */
export function* writeClock(v: EncodeVector): Iterable<ProbePlan> {
  const { bytes, step } = v;
  if (bytes === null || bytes.length > MAX_EVERY) return;
  const about = {
    requires: ["clock", "quota"] as const,
    rules: ["iut.probe.clock.write", ...v.probeRulesFor("write.given-up")],
  };
  for (let q = 1; q < bytes.length; q++) {
    const taken = bytesEvent(bytes.subarray(0, q));
    const head = () => new Tape().add({ deadline: DEADLINE }).add({ quota: q }).add(step, taken).add(last);
    yield {
      ...about,
      suffix: `clock=write,${q}`,
      requires: [...about.requires],
      why: "A write that the sink does not take is given up at its deadline, and nothing of it follows.",
      play: () => head().add({ advance: 1 }, expired(q)).add({ drain: true }),
    };
    if (2 * q < bytes.length) continue;
    yield {
      ...about,
      suffix: `clock=written,${q}`,
      requires: [...about.requires],
      why: "A write whose last byte is taken just before its deadline has been made.",
      play: () =>
        head()
          .add({ drain: true }, bytesEvent(bytes.subarray(q)))
          .add({ advance: DEADLINE }),
    };
  }
}

function plan(suffix: string, why: string, play: () => Tape): ProbePlan {
  return { suffix, requires: ["clock"], rules: ["iut.probe.clock.read", "iut.probe.clock.expired"], why, play };
}

const begin = (v: DecodeVector) => new Tape(v.stream.marks(v.stream.length, 0)).add({ deadline: DEADLINE });

/** Every place of a short message, and the edges of fields of a long one. */
function placesIn({ stream }: DecodeVector, end: number): number[] {
  if (end <= MAX_EVERY) return [0, ...multiples(1, end)];
  const edges = stream.segments.flatMap(({ start, end }) => [start, start + 1, end - 1]);
  return [...new Set(edges)].filter((at) => at < end).sort((a, b) => a - b);
}

function late({ stream, ...v }: DecodeVector, at: number): Tape {
  const tape = begin({ stream, ...v });
  if (at > 0) tape.add(stream.read(0, at));
  tape.add(last).add({ advance: 1 }, expired(at));
  return tape.add(stream.read(at, stream.length)).add({ eof: true });
}

function trickle(v: DecodeVector): Tape {
  const { stream } = v;
  const tape = begin(v)
    .add(stream.read(0, 1))
    .add({ advance: DEADLINE / 2 });
  tape.add(stream.read(1, 2)).add({ advance: DEADLINE / 2 - 1 });
  return tape.add({ advance: 1 }, expired(2)).add(stream.read(2, stream.length));
}

/** The time before each byte of the first message adds up to one millisecond less than it has. */
function onTime(v: DecodeVector, end: number): Tape {
  const until = (read: number) => Math.floor((last.advance * read) / end);
  const wait = (read: number) => (read < end ? until(read + 1) - until(read) : 0);
  const script = new Script(v.stream).reads(multiples(1, end + 1).filter((at) => at < v.stream.length)).eof();
  return begin(v).play(script, { before: (read) => (wait(read) > 0 ? [{ advance: wait(read) }] : []) });
}

function again(v: DecodeVector, first: number, second: number): Tape {
  const script = new Script(v.stream).reads([first, second].filter((at) => at < v.stream.length)).eof();
  return begin(v).play(script, { before: (read) => (read < 2 ? [last] : []) });
}

function afterwards(v: DecodeVector): Tape {
  const script = new Script(v.stream).reads([]).eof();
  const tape = begin(v).add(v.stream.read(0, 1)).add({ advance: DEADLINE }, expired(1)).add({ reset: true }).add(last);
  return tape.play(script);
}

function refused(v: DecodeVector): Tape {
  return begin(v).play(new Script(v.stream).reads([]), { after: () => [{ advance: 2 * DEADLINE }] });
}
