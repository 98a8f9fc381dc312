import { bytesEvent } from "../corpus/bytes.ts";
import { Script } from "../corpus/script.ts";
import type { Stream } from "../corpus/stream.ts";
import type { Case, Corpus } from "../corpus/types.ts";
import type { Event } from "../protocol.ts";
import { Draw } from "./draw.ts";
import { type Fault, type Layout, LIMIT } from "./layout.ts";
import { LAYOUTS } from "./layouts.ts";
import { Writer } from "./writer.ts";

/** Cases of each layout and kind; a layout with more faults has each of them once. */
const VALID = 14;
const ENDED = 10;
const FAULTY = 16;
const ENCODED = 6;

const limitsOf = ({ limit = LIMIT }: Layout) => ({ max_frame_length: String(limit) });

/** The corpus with the challenges of a run behind it: they are no part of its hash, and follow from the seed alone. */
export function withChallenges(corpus: Corpus, seed: string): Corpus {
  // Named once: a run asks for one vector after the other.
  let plans: readonly ChallengePlan[] | undefined;
  return {
    ...corpus,
    *cases(filter = () => true, among = () => true) {
      yield* corpus.cases(filter, among);
      plans ??= allPlans(seed);
      yield* built(plans, (id) => among(id) && filter(id));
    },
  };
}

/**
 * Messages that nobody has seen before, right ones and ones with a single fault, in reads that nobody has chosen: no table of
 * answers can know them. The oracle is whoever wrote the bytes. The same seed gives the same cases. r[iut.challenge.seed]
 */
export function challenges(seed: string, filter: (id: string) => boolean = () => true): Iterable<Case> {
  return built(allPlans(seed), filter);
}

const allPlans = (seed: string) => LAYOUTS.flatMap((layout) => [...plansOf(layout, seed)]);

function* built(plans: readonly ChallengePlan[], filter: (id: string) => boolean): Iterable<Case> {
  for (const { id, build } of plans) if (filter(id)) yield build(id);
}

interface ChallengePlan {
  readonly id: string;
  build(id: string): Case;
}

function* plansOf(layout: Layout, seed: string): Iterable<ChallengePlan> {
  const { profile, kind, faults, refusal } = layout;
  const plan = (name: string, build: (id: string, draw: Draw) => Case): ChallengePlan => {
    const id = `challenge/${profile}/${kind === undefined ? "" : `${kind}-`}${name}`;
    return { id, build: () => build(id, new Draw(seed, id)) };
  };
  for (let i = 1; i <= VALID; i++) yield plan(`valid-${i}`, (id, draw) => validCase(layout, id, draw));
  for (let i = 1; i <= ENDED; i++) yield plan(`ended-${i}`, (id, draw) => endedCase(layout, id, draw));
  for (let i = 1; i <= Math.max(FAULTY, faults.length); i++) {
    const fault = faults[i % faults.length]!;
    yield plan(`${fault.name}-${i}`, (id, draw) => faultyCase(layout, fault, id, draw));
  }
  if (refusal === undefined) return;
  for (let i = 1; i <= ENCODED; i++) yield plan(`encode-${i}`, (id, draw) => encodeCase(layout, refusal, id, draw));
}

/** `last`: what may come once may come. */
function messages(layout: Layout, draw: Draw, { least = 0, last = true } = {}): Writer {
  const writer = new Writer();
  for (let i = draw.integer(least, 4); i > 0; i--) layout.message(writer, draw);
  if (last && draw.chance(30)) layout.last?.(writer, draw);
  return writer;
}

function validCase(layout: Layout, id: string, draw: Draw): Case {
  const why = "Fresh messages in fresh reads come back as they were sent.";
  return decodeCase(layout, id, draw, messages(layout, draw, { least: 1 }).stream(), layout.rules, why);
}

function endedCase(layout: Layout, id: string, draw: Draw): Case {
  const writer = messages(layout, draw, { least: 1 });
  const why = "An end anywhere is clean on a border alone, and elsewhere names the place.";
  return decodeCase(layout, id, draw, writer.stream(draw.integer(0, writer.size)), layout.endRules, why);
}

function faultyCase(layout: Layout, { alone = false, ...fault }: Fault, id: string, draw: Draw): Case {
  const writer = alone ? new Writer() : messages(layout, draw, { last: false });
  fault.write(writer, draw);
  const why = "Messages before a fault are delivered, the fault is named at its place, and nothing follows.";
  return decodeCase(layout, id, draw, writer.stream(), fault.rules, why);
}

function decodeCase(
  layout: Layout,
  id: string,
  draw: Draw,
  stream: Stream,
  rules: readonly string[],
  why: string,
): Case {
  const script = new Script(stream);
  for (const place of draw.places(6, stream.length)) {
    script.read(place);
    if (draw.chance(15)) script.emptyRead();
  }
  const { steps, expected, marks } = script.reads([]).eof();
  const common = { id, vector: id, level: "must", profile: layout.profile, limits: limitsOf(layout), why } as const;
  return { ...common, rules, role: "decode", steps, expected, marks };
}

function encodeCase(layout: Layout, refusal: NonNullable<Layout["refusal"]>, id: string, draw: Draw): Case {
  const writer = new Writer();
  (layout.encoded ?? layout.message)(writer, draw);
  const stream = writer.stream();
  const [message] = stream.events;
  const refused = refusal(draw);
  const value = (message!.event as Event & { event: "message" }).value;
  const right = bytesEvent(stream.bytes);
  const wrong: Event = { event: "error", class: refused.class, at: "0", fatal: false };
  return {
    id,
    vector: id,
    rules: [...layout.encodeRules, ...refused.rules],
    level: "must",
    profile: layout.profile,
    role: "encode",
    limits: limitsOf(layout),
    steps: [{ encode: value }, { encode: refused.value }, { encode: value }],
    expected: [[right], [wrong], [right]],
    why: "A fresh message is encoded, a fresh one that cannot be is refused, and the first is encoded again.",
    marks: [],
  };
}
