import type { Outcome } from "../verdict.ts";
import type { WireEvent } from "../wire/protocol.ts";
import { CAPTURE_PORT, type CaptureFile } from "./capture-file.ts";
import type { Conversation, End } from "./conversation.ts";

/** Whose end of a connection. */
export type Who = "harness" | "iut";

/** The made-up listeners' ports, by profile: a dissector is told by port what is spoken. Others are at `CAPTURE_PORT`. */
export const PORT_OF: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ...["len32", "len64", "len56-tagged", "grpc-lpm", "multipart", "multipart-typed"],
    ...["tp", "tp-session", "pp-envelope", "pp-session", "pp-result"],
  ].map((profile, i) => [profile, CAPTURE_PORT + 1 + i]),
);

/** What is said of a connection when it is opened. */
export interface Opening {
  readonly profile: string;
  readonly opened_by: Who;
  readonly over?: "unix";
}

/** What the implementation answers about a connection. */
export interface Told {
  readonly request: string;
  readonly read: number;
  readonly reading: boolean;
  readonly events: readonly WireEvent[];
}

/** The connections of one scenario, as they go into a capture: each comment is one JSON object that names the scenario. */
export class Tape {
  readonly #file: CaptureFile;
  readonly #scenario: string;
  readonly #opening: Opening;
  readonly #tracks: Track[] = [];
  readonly #expected = new Map<string, Opening>();
  /** What came about when no connection was there to say it on. */
  #early: string[] = [];
  #step: number | undefined;

  /** `opening`: of connections of which nothing else is said before. */
  constructor(file: CaptureFile, scenario: string, opening: Opening) {
    this.#file = file;
    this.#scenario = scenario;
    this.#opening = opening;
  }

  /** The connection of this name is going to be another one. */
  expect(conn: string, opening: Opening): void {
    this.#expected.set(conn, opening);
  }

  open(conn: string): Track {
    const opening = this.#expected.get(conn) ?? this.#opening;
    const said = [this.comment({ conn, ...opening }), ...this.#early];
    this.#early = [];
    const conversation = this.#file.connection(said, PORT_OF[opening.profile]);
    const track = new Track(this, conversation, opening.opened_by);
    this.#tracks.push(track);
    return track;
  }

  /** What happens from here on is of this step, by its place in the scenario or case. */
  step(at: number): void {
    this.#step = at;
  }

  get at(): number | undefined {
    return this.#step;
  }

  /** Something that is said of the scenario, on one of its connections. */
  say(what: object): void {
    const track = this.#tracks.find(({ over }) => !over) ?? this.#tracks[0];
    if (track === undefined) this.#early.push(this.comment(what));
    else track.say(what);
  }

  /** What it all came to, before the connections are let go. */
  verdict({ id, verdict, text }: Outcome): void {
    this.say({ ...(id !== this.#scenario && { case: id }), verdict, ...(text !== undefined && { text }) });
  }

  comment(what: object): string {
    const step = this.#step === undefined ? {} : { step: this.#step };
    return JSON.stringify({ scenario: this.#scenario, ...step, ...what });
  }
}

/** One connection of a scenario. */
export class Track {
  readonly #tape: Tape;
  readonly #conversation: Conversation;
  readonly #end: Readonly<Record<Who, End>>;
  /** The step that was last named on this connection. */
  #named: number | undefined;
  #received = 0;

  constructor(tape: Tape, conversation: Conversation, dialled: Who) {
    this.#tape = tape;
    this.#conversation = conversation;
    this.#end =
      dialled === "harness" ? { harness: "dialler", iut: "listener" } : { harness: "listener", iut: "dialler" };
  }

  get over(): boolean {
    return this.#conversation.over;
  }

  wrote(bytes: Uint8Array): void {
    this.#conversation.bytes(this.#end.harness, bytes, this.#comments());
  }

  received(bytes: Uint8Array): void {
    this.#conversation.bytes(this.#end.iut, bytes, this.#comments());
    this.#received += bytes.length;
    this.#conversation.read(this.#end.harness, this.#received);
  }

  /** The implementation's own words, as an acknowledgement of what it says it has read. Nothing where it says nothing new. */
  told({ request, read, reading, events }: Told): void {
    // Told of the end or of a reset, it has read all of it.
    if (reading) this.#conversation.read(this.#end.iut, read);
    else this.#conversation.readAll(this.#end.iut);
    if (events.length === 0) return;
    this.#named = this.#tape.at;
    this.#conversation.say(this.#end.iut, [this.#tape.comment({ request, read, events })]);
  }

  say(what: object): void {
    this.#conversation.say(this.#end.harness, [this.#tape.comment(what)]);
  }

  ends(who: Who): void {
    this.#conversation.end(this.#end[who], this.#comments());
    if (who === "iut") this.#conversation.readAll(this.#end.harness);
  }

  resets(who: Who): void {
    this.#conversation.reset(this.#end[who], this.#comments());
  }

  /** The step, on its first packet here. */
  #comments(): string[] {
    const { at } = this.#tape;
    if (at === undefined || at === this.#named) return [];
    this.#named = at;
    return [this.#tape.comment({})];
  }
}
