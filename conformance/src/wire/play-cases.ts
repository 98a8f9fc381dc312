import type { Case } from "../corpus/types.ts";
import { judgeCase } from "../judge.ts";
import type { Event, Granularity, Step } from "../protocol.ts";
import type { Outcome } from "../verdict.ts";
import { type Peer, WireFailure } from "./peer.ts";
import type { WireEvent } from "./protocol.ts";
import type { Stage } from "./stage.ts";

/** What one case came to on its connection: a list of events for each step, as at level 1. */
export interface Played {
  readonly about: Case;
  readonly events: readonly (readonly Event[])[];
}

/**
 * Plays cases side by side, each on its own connection, a step of each in turn. A read becomes a write and a sync, so that the
 * cut is one read's end for certain; the end of the stream becomes the end of a direction; a reset opens one more connection
 * and leaves the old one as it is. r[iut.wire.sync]
 */
export async function playCases(stage: Stage, cases: readonly Case[]): Promise<Played[]> {
  const players = cases.map((about, i) => new Player(stage, about, String.fromCharCode(97 + i)));
  for (const player of players) await player.open();
  const longest = Math.max(...cases.map(({ steps }) => steps.length));
  for (let at = 0; at < longest; at++) {
    stage.timeline.tape?.step(at);
    for (const player of players) await blamed(player, () => player.step(at));
  }
  for (const player of players) await blamed(player, () => player.finish());
  return players.map(({ about, events }) => ({ about, events }));
}

/** A case that did not come to its end, with what came before. */
export class CaseFailure extends WireFailure {
  readonly played: Played;

  constructor(message: string, played: Played) {
    super(message);
    this.played = played;
  }
}

async function blamed({ about, events }: Player, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw error instanceof WireFailure ? new CaseFailure(error.message, { about, events }) : error;
  }
}

class Player {
  readonly about: Case;
  readonly events: Event[][] = [];
  readonly #stage: Stage;
  readonly #name: string;
  #opened = 0;
  #conn = "";
  #peer!: Peer;

  constructor(stage: Stage, about: Case, name: string) {
    this.#stage = stage;
    this.about = about;
    this.#name = name;
  }

  async open(): Promise<void> {
    this.#opened++;
    this.#conn = this.#opened === 1 ? this.#name : `${this.#name}${this.#opened}`;
    this.#peer = await this.#stage.open(this.#conn);
  }

  async step(at: number): Promise<void> {
    const step = this.about.steps[at];
    if (step === undefined) return;
    if ("reset" in step) {
      await this.open();
      this.events.push([]);
      return;
    }
    if ("eof" in step) {
      // The close of a refusal is the implementation's own: nothing of the harness's may bring it about.
      if (this.#refused) await this.#peer.ended(this.#stage.options.deadline);
      this.#peer.end();
    } else await this.#peer.write(bytesOf(step), this.#stage.options.deadline);
    const { events } = await this.#stage.sync(this.#conn, "eof" in step);
    this.events.push(decoded(events));
  }

  /** True once the implementation has told of a refusal that had to come. r[iut.wire.refusal] */
  get #refused(): boolean {
    const last = this.about.expected.flat().at(-1);
    if (last?.event !== "error" || last.class?.startsWith("eof.") !== false) return false;
    return this.events.flat().at(-1)?.event === "error";
  }

  /** r[iut.wire.silent] */
  async finish(): Promise<void> {
    if (this.#refused) await this.#peer.ended(this.#stage.options.deadline);
    if (this.#peer.received > 0) {
      throw new WireFailure(
        `${this.#conn}: the implementation wrote ${this.#peer.received} bytes that nobody asked for`,
      );
    }
  }
}

function bytesOf(step: Step): Uint8Array {
  if ("feed" in step) return Buffer.from(step.feed, "hex");
  if ("feed_fill" in step) return Buffer.alloc(step.feed_fill.count, step.feed_fill.byte);
  throw new Error("a case of role decode has no such step");
}

/** No case has a reset of the peer's; where one is told it cannot be an event of level 1. */
function decoded(events: readonly WireEvent[]): Event[] {
  if (events.some(({ event }) => event === "reset")) {
    throw new WireFailure("the implementation tells of a reset, and the harness has reset nothing");
  }
  return events as Event[];
}

/** How a played case compares with what must come, and with what the same implementation said at level 1. */
export function judgePlayed(
  id: string,
  vector: string,
  { about, events }: Played,
  atLevel1: readonly (readonly Event[])[] | undefined,
  granularity: Granularity,
): Outcome {
  const item: Case = { ...about, id, vector };
  const difference = judgeCase(about, events, granularity);
  const other = atLevel1 === undefined ? difference : judgeCase(about, atLevel1, granularity);
  const { profile } = about;
  if ((difference === null) !== (other === null)) {
    const [right, wrong] = difference === null ? ["2", "1"] : ["1", "2"];
    return {
      id,
      profile,
      verdict: "disagreement",
      case: item,
      actual: (difference === null ? atLevel1 : events) ?? events,
      ...(difference === null ? { difference: other! } : { difference }),
      text: `level ${right} gives the right events and level ${wrong} does not: the adapter has a codec of its own`,
    };
  }
  if (difference === null) return { id, profile, verdict: "pass" };
  return { id, profile, verdict: about.level === "must" ? "fail" : "warn", case: item, actual: events, difference };
}
