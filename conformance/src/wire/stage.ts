import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeclineReason, Limits } from "../protocol.ts";
import { ShapeError } from "../schema.ts";
import type { Session } from "../session.ts";
import { dialPeer, PeerListener } from "./open.ts";
import { type Peer, WireFailure } from "./peer.ts";
import type { State, WireEvent, WireRequest } from "./protocol.ts";
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
}

const LISTENER = "listener";

/**
 * One scenario's connections: the harness's end of each, and the requests about the other end. Both the harness's acts and the
 * implementation's answers go into one timeline.
 */
export class Stage {
  readonly timeline = new Timeline();
  readonly options: StageOptions;
  readonly #session: Session;
  readonly #peers = new Map<string, Peer>();
  #listening: string | undefined;
  #waiting: PeerListener | undefined;
  #folder: string | undefined;

  constructor(session: Session, options: StageOptions) {
    this.#session = session;
    this.options = options;
  }

  peer(conn: string): Peer {
    const peer = this.#peers.get(conn);
    if (peer === undefined) throw new Error(`the scenario has no connection ${conn}`);
    return peer;
  }

  /** One more connection. r[iut.wire.accept] r[iut.wire.dial] */
  async open(conn: string): Promise<Peer> {
    const { openedBy, deadline, profile, limits } = this.options;
    const spoken = { profile, role: "peer", limits };
    let peer: Peer;
    if (openedBy === "iut") {
      this.#waiting ??= new PeerListener(this.#place(), this.timeline);
      await this.#state({ op: "dial", conn, address: this.#waiting.address, ...spoken });
      peer = await this.#waiting.accept(conn);
    } else {
      this.#listening ??= await this.#listen(spoken);
      peer = await dialPeer(conn, this.#listening, this.timeline, deadline);
      await this.#state({ op: "accept", listener: LISTENER, conn });
    }
    this.#peers.set(conn, peer);
    return peer;
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

  /** Nothing is left of a scenario, on either side. r[iut.wire.clear] */
  async clear(): Promise<void> {
    this.drop();
    await this.#request({ op: "clear" });
  }

  /** The harness's side alone, when the link is lost. */
  drop(): void {
    for (const peer of this.#peers.values()) peer.close();
    this.#waiting?.stop();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  async #listen(spoken: Pick<StageOptions, "profile" | "limits"> & { role: string }): Promise<string> {
    const answer = await this.#request({ op: "listen", listener: LISTENER, address: this.#place(), ...spoken });
    if (answer.op !== "listening") throw new Error("unreachable: the schema lets nothing else pass");
    return answer.address;
  }

  #place(): "127.0.0.1:0" | `/${string}` {
    if (this.options.over === "tcp") return "127.0.0.1:0";
    this.#folder ??= mkdtempSync(join(tmpdir(), "tensorwire-wire-"));
    return join(this.#folder, "socket") as `/${string}`;
  }

  /** r[iut.wire.state] */
  async #state(request: WireRequest & { readonly conn: string }): Promise<State> {
    const answer = await this.#request(request);
    if (answer.op !== "state") throw new Error("unreachable: the schema lets nothing else pass");
    const told = inRuns(answer.events.map(describe));
    const still = answer.reading ? "" : ", and has stopped";
    this.timeline.add(request.conn, `${request.op}: iut has read to byte ${answer.read}${still}${told && `: ${told}`}`);
    return answer;
  }

  async #request(request: WireRequest): Promise<Exclude<WireReply, { op: "declined" | "errored" }>> {
    const { seq, answer: asked } = this.#session.request(request, { deadline: this.options.deadline });
    checkRequest({ ...request, seq });
    const answer = readWireAnswer(await asked, request, {
      seq,
      profile: this.options.profile,
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
  return event.event === "error" ? `error ${event.class ?? ""} at ${event.at}` : event.event;
}
