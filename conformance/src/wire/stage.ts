import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tape } from "../capture/tape.ts";
import type { DeclineReason, Limits } from "../protocol.ts";
import { ShapeError } from "../schema.ts";
import type { Session } from "../session.ts";
import { dialPeer, PeerListener } from "./open.ts";
import { type Peer, WireFailure } from "./peer.ts";
import type { GroupSend, Sent, Spoken, State, WireEvent, WireRequest } from "./protocol.ts";
import { checkRequest, readWireAnswer, type WireReply } from "./schema.ts";
import { inRuns, Timeline } from "./timeline.ts";

/** The implementation said that it does not do a step: no verdict but "declined". */
export class DeclinedAnswer extends Error {
  override readonly name = "DeclinedAnswer";
  readonly reason: DeclineReason;

  constructor(reason: DeclineReason, text: string | undefined) {
    super(text === undefined ? reason : `${reason}: ${text}`);
    this.reason = reason;
  }
}

export interface StageOptions {
  readonly profile: string;
  readonly limits: Limits;
  readonly openedBy: "harness" | "iut";
  readonly over: "tcp" | "unix";
  /** Milliseconds for each request and each wait. */
  readonly deadline: number;
  /** Where the connections go too, of a run that is captured. */
  readonly tape?: Tape;
}

/** What is spoken on a connection, beside what the scenario has for all. */
type Opening = Omit<Spoken, "profile" | "limits"> & Partial<Spoken>;

/** Who opens a connection on which the implementation has this role; of a `peer` the scenario says it. */
const DIALS: Readonly<Record<string, boolean>> = { "tp-leader": true, "pp-driver": true };
/** The session that a rank's connection has, whatever profile its scenario is of: a stage may lead a TP group. */
export const SESSION_OF: Readonly<Record<string, string>> = {
  "tp-leader": "tp-session",
  "tp-worker": "tp-session",
  "pp-driver": "pp-session",
  "pp-stage": "pp-session",
};
/** A driver sends requests and tells of results. */
const valuesOf = ({ role, profile }: Spoken) => (role === "pp-driver" ? "pp-result" : profile);

/**
 * One scenario's connections: the harness's end of each, and the requests about the other end. Both the harness's acts and the
 * implementation's answers go into one timeline.
 */
export class Stage {
  readonly timeline: Timeline;
  readonly options: StageOptions;
  readonly #session: Session;
  readonly #peers = new Map<string, Peer>();
  /** By connection: the profile of the values in its events. */
  readonly #values = new Map<string, string>();
  /** By what is spoken there: the implementation's listeners, with their addresses. */
  readonly #listening = new Map<string, { readonly listener: string; readonly address: string }>();
  #waiting: PeerListener | undefined;
  #folder: string | undefined;

  constructor(session: Session, options: StageOptions) {
    this.#session = session;
    this.options = options;
    this.timeline = new Timeline(options.tape);
  }

  peer(conn: string): Peer {
    const peer = this.#peers.get(conn);
    if (peer === undefined) throw new Error(`the scenario has no connection ${conn}`);
    return peer;
  }

  /**
   * Connections as `peer`. Those that the harness opens over a Unix socket are all there before the first is accepted: the system keeps their
   * order. Of those over TCP it promises none, and each is accepted before the next is dialled. r[iut.wire.accept]
   */
  async openAll(conns: readonly string[]): Promise<void> {
    const together = this.options.openedBy === "harness" && this.options.over === "unix";
    const waiting: (() => Promise<Peer>)[] = [];
    for (const conn of conns) {
      if (together) waiting.push(await this.#begin(conn, { role: "peer" }));
      else await this.open(conn);
    }
    for (const named of waiting) await named();
  }

  /** One more connection, as `peer` unless told. r[iut.wire.accept] r[iut.wire.dial] */
  async open(conn: string, about: Opening = { role: "peer" }): Promise<Peer> {
    const named = await this.#begin(conn, about);
    return named();
  }

  /** A connection that stands; what is given names it on both sides. */
  async #begin(conn: string, about: Opening): Promise<() => Promise<Peer>> {
    const { openedBy, deadline, limits } = this.options;
    const profile = SESSION_OF[about.role] ?? this.options.profile;
    const spoken = { ...about, profile, limits: { ...limits, ...about.limits } };
    this.#values.set(conn, valuesOf(spoken));
    const dials = DIALS[spoken.role] ?? (spoken.role === "peer" && openedBy === "iut");
    this.timeline.tape?.expect(conn, {
      profile,
      opened_by: dials ? "iut" : "harness",
      ...(this.options.over === "unix" && { over: "unix" }),
    });
    if (dials) {
      this.#waiting ??= new PeerListener(this.#place(), this.timeline);
      await this.#state({ op: "dial", conn, address: this.#waiting.address, ...spoken });
      const peer = await this.#waiting.accept(conn);
      this.#peers.set(conn, peer);
      return async () => peer;
    }
    const { listener, address } = await this.#listener(spoken);
    const peer = await dialPeer(conn, address, this.timeline, deadline);
    // Known from here on, so that it is closed whatever comes.
    this.#peers.set(conn, peer);
    return async () => {
      await this.#state({ op: "accept", listener, conn });
      return peer;
    };
  }

  /** The barrier: everything that the harness wrote has been read and acted on. r[iut.wire.sync] */
  async sync(conn: string, end = false): Promise<State> {
    const n = this.peer(conn).written;
    const state = await this.ask(conn, { op: "sync", conn, n, ...(end ? { end } : {}) });
    if (state.reading && (state.read < n || end)) {
      const what = end ? "the end of the stream" : `byte ${n}`;
      throw new ShapeError(`sync on ${conn} was answered at byte ${state.read}, still reading, before ${what}`);
    }
    return state;
  }

  /** A request about an open connection, and its state. */
  async ask(conn: string, request: WireRequest & { readonly conn: string }): Promise<State> {
    const state = await this.#state(request);
    const { written } = this.peer(conn);
    if (state.read > written) {
      throw new ShapeError(`${conn}: the implementation has read ${state.read} bytes, and ${written} were written`);
    }
    return state;
  }

  /** A broadcast, and its answer. r[iut.rank.send-group] */
  async broadcast(request: GroupSend): Promise<Sent> {
    const answer = await this.#request(request, this.options.profile);
    if (answer.op !== "sent") throw new Error("unreachable: the schema lets nothing else pass");
    const { events } = answer;
    if (events.length > 0) this.timeline.tape?.say({ request: "send", group: request.group, events });
    const told = inRuns(events.map(describe));
    this.timeline.add(request.group, `send: iut has taken the broadcast${told && `: ${told}`}`);
    return answer;
  }

  /** Nothing is left of a scenario, on either side. r[iut.wire.clear] */
  async clear(): Promise<void> {
    this.drop();
    await this.#request({ op: "clear" }, this.options.profile);
  }

  /** The harness's side alone, when the link is lost. */
  drop(): void {
    for (const peer of this.#peers.values()) peer.close();
    this.#waiting?.stop();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Connections on which the same is spoken come to one listener. */
  async #listener(spoken: Spoken): Promise<{ readonly listener: string; readonly address: string }> {
    const key = JSON.stringify(spoken);
    const open = this.#listening.get(key);
    if (open !== undefined) return open;
    const listener = this.#listening.size === 0 ? "listener" : `listener${this.#listening.size + 1}`;
    const answer = await this.#request({ op: "listen", listener, address: this.#place(), ...spoken }, spoken.profile);
    if (answer.op !== "listening") throw new Error("unreachable: the schema lets nothing else pass");
    const opened = { listener, address: answer.address };
    this.#listening.set(key, opened);
    return opened;
  }

  #place(): "127.0.0.1:0" | `/${string}` {
    if (this.options.over === "tcp") return "127.0.0.1:0";
    this.#folder ??= mkdtempSync(join(tmpdir(), "tensorwire-wire-"));
    return join(this.#folder, "socket") as `/${string}`;
  }

  /** r[iut.wire.state] */
  async #state(request: WireRequest & { readonly conn: string }): Promise<State> {
    const answer = await this.#request(request, this.#values.get(request.conn) ?? this.options.profile);
    if (answer.op !== "state") throw new Error("unreachable: the schema lets nothing else pass");
    const told = inRuns(answer.events.map(describe));
    const still = answer.reading ? "" : ", and has stopped";
    this.#peers.get(request.conn)?.told({ request: request.op, ...answer });
    this.timeline.add(request.conn, `${request.op}: iut has read to byte ${answer.read}${still}${told && `: ${told}`}`);
    return answer;
  }

  /** `values`: the profile of the values in its events. */
  async #request(request: WireRequest, values: string): Promise<Exclude<WireReply, { op: "declined" | "errored" }>> {
    const { seq, answer: asked } = this.#session.request(request, { deadline: this.options.deadline });
    checkRequest({ ...request, seq });
    const answer = readWireAnswer(await asked, request, {
      seq,
      profile: values,
      granularity: this.#session.hello.error_granularity,
    });
    if (answer.op === "declined") throw new DeclinedAnswer(answer.reason, answer.text);
    // r[iut.errored.verdict]
    if (answer.op === "errored") throw new WireFailure(`${request.op} was errored: ${answer.text}`);
    return answer;
  }
}

function describe(event: WireEvent): string {
  if (event.event === "message") return "message";
  if (event.event === "lost") return `lost with calls [${event.calls.join(", ")}]`;
  if (event.event === "dropped") return `dropped ${event.call_id} as ${event.reason}`;
  return event.event === "error" ? `error ${event.class ?? ""} at ${event.at}` : event.event;
}
