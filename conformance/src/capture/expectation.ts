import { randomBytes } from "node:crypto";
import type { FileEvent, ProfileFile } from "../corpus/vector-file.ts";
import { judge } from "../judge.ts";
import type { Way } from "../link/ways.ts";
import { referenceWay, UsageError } from "../options.ts";
import type { EventClass, Events, Json, Limits } from "../protocol.ts";
import { Session } from "../session.ts";
import { CaptureError } from "./read-file.ts";
import type { Apart, Message } from "./take-apart.ts";

/** What a captured stream is expected to give, and by whose word: never by the reference's alone. */

/** Who is asked, about what. */
export interface Judges {
  /** For errors: which stream of which capture. */
  readonly what: string;
  readonly profile: ProfileFile;
  /** Shares no code with the reference. */
  readonly second?: Way;
  /** In the place of the reference: for tests. */
  readonly first?: Way;
  /** What an implementation prints. */
  readonly log?: (line: string) => void;
}

/** Milliseconds for an implementation to start, and to answer. */
const DEADLINE = 30_000;

/** The events of each message. */
export interface Outcomes {
  readonly given: Events;
  /** Who says so, for the file. */
  readonly from: string;
}

/** Throws `UsageError` where a second implementation is needed, `CaptureError` where the two do not agree. */
export async function outcomesOf(apart: Apart, limits: Limits, context: Judges): Promise<Outcomes> {
  const { what, profile, second, first = referenceWay() } = context;
  if (apart.byHand) {
    const given = apart.messages.map(({ gives }) => (gives === undefined ? [] : [gives.event]));
    return { given, from: "the harness's own reader of the layout, which imports no codec" };
  }
  if (second === undefined) {
    throw new UsageError(
      `${what}: what a ${profile.profile} stream with protobuf or a session's memory gives cannot be read off its layout. Name an implementation ` +
        "that shares no code with the reference (--second COMMAND): what both say is taken",
    );
  }
  const one = await asked(first, apart, limits, context);
  const other = await asked(second, apart, limits, context);
  const difference = judge(one.events, other.events, other.granularity);
  if (difference !== null) {
    throw new CaptureError(
      `${what}: ${one.name} and ${other.name} do not say the same of message ${difference.step}: ${difference.problem}. One of them is wrong, and ` +
        "nothing is imported",
    );
  }
  return { given: one.events, from: `${one.name} and ${other.name}, which agree` };
}

/** A message for each read, and the end. */
export function stepsOf({ messages }: Apart) {
  const reads = messages.map(({ pieces }) => ({
    feed: Buffer.concat(pieces.map(({ bytes }) => bytes)).toString("hex"),
  }));
  return [...reads, { eof: true } as const];
}

/** What an implementation says of the stream. */
async function asked(way: Way, apart: Apart, limits: Limits, { profile, log = () => {}, what }: Judges) {
  const welcome = {
    op: "welcome",
    protocol: 1,
    corpus: "none",
    run: crypto.randomUUID(),
    seed: randomBytes(8).toString("hex"),
  } as const;
  const session = await Session.open(way, welcome, { deadline: DEADLINE, number: 1, log });
  try {
    const { iut, error_granularity } = session.hello;
    const name = `${iut.name} ${iut.version}`.trim();
    const request = { id: "import", profile: profile.profile, role: "decode", limits } as const;
    const answer = await session.ask({ ...request, steps: stepsOf(apart) }, { deadline: DEADLINE });
    if (answer.op !== "result") {
      throw new CaptureError(
        `${what}: ${name} ${answer.op === "declined" ? `declined it (${answer.reason})` : `failed: ${answer.text}`}`,
      );
    }
    return { name, events: answer.steps, granularity: error_granularity };
  } finally {
    await session.close();
  }
}

/** The events at their places in the stream; a whole message of which nothing is told was dropped. */
export function placed(messages: readonly Message[], given: Events): FileEvent[] {
  const events: FileEvent[] = [];
  let start = 0;
  for (const [i, { length, missing, gives }] of messages.entries()) {
    const end = start + length;
    for (const event of given[i] ?? []) {
      if (event.event === "message") events.push({ at: end, event: "message", value: event.value as Json });
      else if (event.event === "error") {
        // Of a reader of one message the place counts from its beginning.
        const at = gives === undefined ? Number(event.at) : start + gives.at;
        events.push({ at, event: "error", class: event.class as EventClass });
        return events;
      }
    }
    if ((given[i] ?? []).length === 0 && missing === undefined) events.push({ at: end, event: "dropped" });
    start = end;
  }
  return events;
}
