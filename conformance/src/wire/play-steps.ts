import type {
  FloodStep,
  ReceiveStep,
  SendStep,
  StepsScenario,
  SyncStep,
  WireBytes,
  WireStep,
  WriteStep,
} from "../corpus/wire-file.ts";
import { judge } from "../judge.ts";
import { overgrown, type Resident, watchResident } from "../probes/resident.ts";
import type { Event, Events, Granularity, Json } from "../protocol.ts";
import { type Peer, WireFailure } from "./peer.ts";
import { isDecoded, type State, type WireEvent, type WireRequest } from "./protocol.ts";
import type { Stage } from "./stage.ts";
import { inRuns } from "./timeline.ts";

/** What an implementation may hold of bytes that a peer does not take, beside two messages. r[iut.wire.send-bounded] */
const MOST_BUFFERED = 1 << 20;
/** Two directions' worth of what the system was seen to take, and what both sides' reads may hold. */
export const most = (kernelTakes: number) => 2 * kernelTakes + (4 << 20);
/** A flood has come to rest when so many round trips have moved nothing. */
const ROUNDS_AT_REST = 64;

/** The scenario cannot be shown on this machine, for a reason that is nobody's fault. */
export class CannotShow extends Error {
  override readonly name = "CannotShow";
}

type On<S> = S & { readonly conn: string };

export interface StepsContext {
  readonly granularity: Granularity;
  readonly kernelTakes: number;
  /** The process group of the implementation, where the harness started it. */
  readonly group?: number | undefined;
}

/**
 * Plays the steps of a scenario in order; throws `WireFailure` at the first that does not come out. True where the memory of the process was
 * to be watched, and could not be.
 */
export async function playSteps(stage: Stage, scenario: StepsScenario, context: StepsContext): Promise<boolean> {
  await stage.openAll(scenario.connections);
  const player = new StepsPlayer(stage, context);
  for (const [at, step] of scenario.steps.entries()) {
    stage.timeline.tape?.step(at);
    try {
      await player.play(step);
    } catch (error) {
      if (error instanceof WireFailure) error.message = `step ${at}: ${error.message}`;
      throw error;
    }
  }
  for (const conn of scenario.connections) {
    const { waiting } = stage.peer(conn);
    if (waiting > 0) throw new WireFailure(`${conn}: ${waiting} bytes came that the scenario does not know`);
  }
  return player.unwatched;
}

export class StepsPlayer {
  readonly #stage: Stage;
  readonly #context: StepsContext;
  /** Events that were told in between, by connection: they belong to the next barrier. */
  readonly #told = new Map<string, WireEvent[]>();
  /** What a flood has left to write, by connection. */
  readonly #rest = new Map<string, Uint8Array[]>();
  /** While a connection is held back. */
  #resident: Resident | undefined;
  /** True once the memory of the process was to be watched, and could not be. */
  unwatched = false;

  constructor(stage: Stage, context: StepsContext) {
    this.#stage = stage;
    this.#context = context;
  }

  async play(step: WireStep): Promise<void> {
    const { conn } = step;
    const peer = this.#stage.peer(conn);
    const { deadline } = this.#stage.options;
    if ("pause" in step || ("send" in step && step.blocks === true)) {
      this.#resident ??= watchResident(this.#context.group);
    } else if ("resume" in step || "receive" in step) {
      this.#resident = undefined;
    }
    if ("write" in step) await this.#write(peer, step);
    else if ("flood" in step) await this.#flood(peer, step);
    else if ("finish" in step) for (const part of this.#rest.get(conn) ?? []) await peer.write(part, deadline);
    else if ("end" in step) peer.end();
    else if ("reset" in step) peer.reset();
    else if ("stall" in step) peer.stall();
    else if ("sync" in step) await this.#sync(step);
    else if ("send" in step) await this.#send(peer, step);
    else if ("receive" in step) await this.#receive(peer, step);
    else if ("close" in step) await this.#ask(conn, { op: "close", conn, how: step.close });
    else if ("sees" in step) await sees(peer, step.sees, deadline);
    else await this.#ask(conn, { op: "pause" in step ? "pause" : "resume", conn });
    this.#holdsLittle(conn);
  }

  /** What is held back is not held in memory instead, whatever the implementation says of it. r[iut.wire.resident] */
  #holdsLittle(conn: string): void {
    if (this.#resident === undefined) return;
    const grown = this.#resident.grown();
    this.unwatched ||= grown === undefined;
    const problem = overgrown(grown ?? 0);
    if (problem !== undefined) throw new WireFailure(`${conn}: while a connection is held back ${problem}`);
  }

  /** What came as it had to: a rank's messages are followed. */
  protected onReceived(_conn: string, _bytes: Uint8Array): void {}

  async #write(peer: Peer, { conn, write, bite }: On<WriteStep>): Promise<void> {
    const { deadline } = this.#stage.options;
    const bytes = bytesOf(write);
    const size = bite ?? bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      if (at > 0) this.#keep(conn, await this.#stage.sync(conn));
      await peer.write(bytes.subarray(at, at + size), deadline);
    }
  }

  async #sync({ conn, sync, events, repeat = 1 }: On<SyncStep>): Promise<void> {
    const state = await this.#stage.sync(conn, sync === "end");
    const want = Array.from({ length: repeat }, () => events).flat();
    this.#compare(conn, want, [...(this.#told.get(conn) ?? []), ...state.events]);
    this.#told.delete(conn);
  }

  #compare(conn: string, want: readonly WireEvent[], got: readonly WireEvent[]): void {
    compareEvents(conn, want, got, this.#context.granularity);
  }

  async #send(peer: Peer, step: On<SendStep>): Promise<void> {
    const { conn, send, count = 1, blocks, events = [] } = step;
    const before = peer.received;
    const state = await this.#stage.ask(conn, { op: "send", conn, value: send, count });
    this.#compare(conn, events, state.events);
    if (blocks !== true) return;
    // r[iut.wire.send-bounded]
    const { written, buffered } = state;
    const limit = most(this.#context.kernelTakes) + before;
    if (written > limit) {
      throw new WireFailure(
        `${conn}: the implementation says that the system took ${written} bytes; it takes ${limit} at most when nobody reads`,
      );
    }
    const message = lengthOf(send);
    if (message * count <= limit) throw new CannotShow("the system takes all of it");
    if (buffered > MOST_BUFFERED + 2 * message) {
      throw new WireFailure(`${conn}: the implementation holds ${buffered} bytes for a peer that does not read`);
    }
  }

  async #receive(peer: Peer, step: On<ReceiveStep>): Promise<void> {
    const { conn, receive, count = 1, bite } = step;
    const { deadline } = this.#stage.options;
    const unit = Buffer.from(bytesOf(receive));
    peer.resume();
    for (let at = 0; at < unit.length * count; ) {
      const place = at % unit.length;
      const size = Math.min(unit.length - place, bite ?? unit.length);
      const got = Buffer.from(await peer.takeExactly(size, deadline));
      const want = unit.subarray(place, place + size);
      if (!got.equals(want)) {
        const differs = want.findIndex((byte, i) => byte !== got[i]);
        throw new WireFailure(
          `${conn}: byte ${at + differs} of what the implementation sent is ${shown(got[differs])}, not ${shown(want[differs])}`,
        );
      }
      at += size;
      this.onReceived(conn, got);
      if (bite === undefined) continue;
      // The slow reader: nothing more until the implementation has had its turn.
      peer.stall();
      await this.turn(conn);
      peer.resume();
    }
  }

  /** What is told by the way is kept for the next barrier. */
  async #ask(conn: string, request: WireRequest & { readonly conn: string }): Promise<void> {
    this.#keep(conn, await this.#stage.ask(conn, request));
  }

  #keep(conn: string, { events }: State): void {
    if (events.length > 0) this.#told.set(conn, [...(this.#told.get(conn) ?? []), ...events]);
  }

  /** One round trip, so that the implementation has had its turn. */
  turn(conn: string): Promise<void> {
    return this.#ask(conn, { op: "sync", conn, n: 0 });
  }

  /** r[iut.wire.read-bounded] */
  async #flood(peer: Peer, { conn, flood, count }: On<FloodStep>): Promise<void> {
    const unit = bytesOf(flood);
    const limit = most(this.#context.kernelTakes);
    if (unit.length * count <= limit) throw new CannotShow("the system takes all of it");
    let left = count;
    let rest = unit;
    for (let still = 0; left > 0 && still < ROUNDS_AT_REST; ) {
      const taken = peer.offer(rest);
      still = taken === 0 ? still + 1 : 0;
      rest = rest.subarray(taken);
      if (rest.length === 0) {
        left--;
        rest = unit;
      } else {
        await this.turn(conn);
      }
      if (peer.written > limit) {
        throw new WireFailure(
          `${conn}: the implementation, told to pause, let ${peer.written} bytes in: it reads without bound`,
        );
      }
    }
    this.#rest.set(
      conn,
      Array.from({ length: left }, (_, i) => (i === 0 ? rest : unit)),
    );
  }
}

/** Holds what was told to what must be. Only what decoders say too is a matter of the granularity. */
export function compareEvents(
  about: string,
  want: readonly WireEvent[],
  got: readonly WireEvent[],
  granularity: Granularity,
): void {
  const plain = (events: readonly WireEvent[]): Events => [
    events.map((event): Event => (isDecoded(event) ? event : { event: "message", value: comparable(event) })),
  ];
  const difference = judge(plain(want), plain(got), granularity);
  const names = (events: readonly WireEvent[]) => inRuns(events.map(({ event }) => event)) || "nothing";
  if (difference === null && names(want) === names(got)) return;
  const { event = "" } = want[difference?.index ?? 0] ?? {};
  const other = event === "lost" || event === "dropped" || event === "reset";
  const problem = other
    ? `${event} as ${JSON.stringify(got[difference?.index ?? 0])}, not as ${JSON.stringify(want[difference?.index ?? 0])}`
    : (difference?.problem ?? "");
  throw new WireFailure(
    `${about}: the implementation tells of ${names(want) === names(got) ? problem : `${names(got)} instead of ${names(want)}`}`,
  );
}

/** The text of a lost rank is for people. */
const comparable = (event: WireEvent): Json => ({ ...event, text: "" }) as Json;

async function sees(peer: Peer, wanted: "end" | "reset" | "close", deadline: number): Promise<void> {
  const how = await peer.ended(deadline);
  if (wanted !== "close" && how !== wanted) {
    throw new WireFailure(`${peer.name}: the implementation's direction ended by ${how}, not by ${wanted}`);
  }
}

const shown = (byte: number | undefined) =>
  byte === undefined ? "missing" : `0x${byte.toString(16).padStart(2, "0")}`;

export function bytesOf(bytes: WireBytes): Uint8Array {
  if (typeof bytes === "string") return Buffer.from(bytes, "hex");
  if ("parts" in bytes) return Buffer.concat(bytes.parts.map(bytesOf));
  return Buffer.alloc(bytes.fill.count, bytes.fill.byte);
}

/** Bytes of a message to send, roughly: its fills and its hex. */
export function lengthOf(value: Json): number {
  if (typeof value === "string") return value.length / 2;
  if (typeof value !== "object" || value === null) return 0;
  if ("fill" in value) return Number((value.fill as { count: number }).count);
  return Object.values(value).reduce<number>((sum, inner) => sum + lengthOf(inner), 0);
}
