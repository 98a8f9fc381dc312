import type { Json } from "@tensorwire/conformance/protocol";
import type { State, WireEvent } from "@tensorwire/conformance/wire";
import { WireError } from "@tensorwire/framing";
import type { Connection } from "@tensorwire/transport";
import type { CaseEncoder } from "../codec.ts";
import { Declined } from "../declined.ts";
import { errorEvent } from "../handle-case.ts";
import { type OnConnection, turn } from "../wired.ts";
import { Observed } from "./observed.ts";

/** A value of a request. */
export type Value = Parameters<CaseEncoder>[0];

/** One connection of a rank: what the library's own class does on it by itself, as the harness is told. */
export class Rank implements OnConnection {
  readonly connection: Observed;
  /** What `send` does in this role; resolves, or rejects with a refusal, as the class has it. */
  act: (value: Value) => unknown = () => {
    throw new Declined("role", "this role sends nothing that it is asked for");
  };
  /** Settles when the connection is the role's: behind the handshake, where there is one. */
  opened: Promise<unknown> = Promise.resolve();
  /** Resolves when the role has told its last of this connection. */
  done: Promise<unknown> = Promise.resolve();
  readonly #name: string;
  #events: WireEvent[] = [];

  constructor(name: string, connection: Connection) {
    this.#name = name;
    this.connection = new Observed(connection);
  }

  message(value: Json): void {
    this.#events.push({ event: "message", value });
  }

  dropped(reason: "stale" | "late", call_id: bigint): void {
    this.#events.push({ event: "dropped", reason, call_id: `${call_id}` });
  }

  /** Of this side: a value that cannot be sent. */
  refused(why: unknown): void {
    if (why instanceof WireError && !why.fatal) this.#events.push(errorEvent(why));
  }

  /** r[iut.rank.lost] */
  lost(why: unknown, calls: readonly bigint[]): void {
    const cause = why instanceof WireError ? why : (why as Error).cause;
    if (cause instanceof WireError && cause.fault === "peer") this.#events.push(errorEvent(cause));
    this.#events.push({ event: "lost", calls: calls.map(String), text: (why as Error).message });
  }

  state(seq: number): State {
    const events = this.#events;
    this.#events = [];
    const { bytesRead: read, waiting: buffered, reading, counters } = this.connection;
    return { op: "state", seq, conn: this.#name, read, written: counters.bytesOut, buffered, reading, events };
  }

  /** r[iut.wire.sync] r[iut.rank.sync] */
  async sync(n: number, end: boolean): Promise<void> {
    const { connection } = this;
    while (connection.reading && connection.bytesRead < n) await connection.changed;
    if (end) await connection.closed.then(() => this.done);
    // What was read is acted on in the turns behind it.
    await turn().then(turn);
  }

  async send(value: Json): Promise<void> {
    await this.opened.catch(() => {});
    this.refused(await refusalOf(() => this.act(value as Value), [this.connection]));
  }

  pause(): never {
    throw new Declined("operation", "when a rank reads is its own");
  }

  resume(): never {
    return this.pause();
  }

  async close(how: "end" | "reset"): Promise<void> {
    if (how === "reset") this.connection.abort("the harness asked for a reset");
    else this.connection.end().catch(() => {});
    await turn();
  }

  drop(): void {
    this.connection.abort("the scenario is over");
  }
}

/**
 * Does what was asked for, and waits until the connections took it or take no more. What goes wrong by then is a refusal; later it is
 * told in another way.
 */
export async function refusalOf(act: () => unknown, connections: readonly Observed[]): Promise<unknown> {
  let refused: unknown = null;
  let done = false;
  const acting = (async () => act())()
    .catch((error: unknown) => {
      refused = error;
    })
    .then(() => {
      done = true;
    });
  const taken = () => connections.reduce((sum, { counters }) => sum + counters.bytesOut, 0);
  for (let before = -1; !done && before !== taken(); ) {
    before = taken();
    await Promise.race([acting, turn().then(turn)]);
  }
  await turn();
  if (refused instanceof Declined) throw refused;
  return refused;
}
