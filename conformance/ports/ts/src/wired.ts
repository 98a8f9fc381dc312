import type { Event, Json } from "@tensorwire/conformance/protocol";
import type { State, WireEvent } from "@tensorwire/conformance/wire";
import { WireError } from "@tensorwire/framing";
import type { Connection } from "@tensorwire/transport";
import type { CaseDecoder, CaseEncoder } from "./codec.ts";
import { Declined } from "./declined.ts";
import { errorEvent } from "./handle-case.ts";

/** A turn of the event loop: what can be written without waiting has then been written. */
export const turn = () => new Promise<false>((resolve) => setImmediate(resolve, false));

/** What the requests about a connection ask of it, whatever its role. */
export interface OnConnection {
  /** What there is to say, once: events are told in one answer. */
  state(seq: number): State;
  sync(n: number, end: boolean): Promise<void>;
  send(value: Json, count: number): Promise<void>;
  pause(): void;
  resume(): void;
  close(how: "end" | "reset"): Promise<void>;
  /** The scenario is over. */
  drop(): void;
}

/** One connection of level 2 in the role `peer`: reads and decodes on its own, writes when it is asked to. */
export class Wired implements OnConnection {
  readonly #name: string;
  readonly #connection: Connection;
  readonly #decoder: CaseDecoder;
  readonly #encoder: CaseEncoder | undefined;
  #events: WireEvent[] = [];
  #read = 0;
  #accepted = 0;
  #reading = true;
  #changed = Promise.withResolvers<void>();
  #paused: PromiseWithResolvers<void> | undefined;

  constructor(name: string, connection: Connection, decoder: CaseDecoder, encoder: CaseEncoder | undefined) {
    this.#name = name;
    this.#connection = connection;
    this.#decoder = decoder;
    this.#encoder = encoder;
    void this.#pump();
  }

  /** `buffered` counts what was encoded and is not the system's yet. */
  state(seq: number): State {
    const events = this.#events;
    this.#events = [];
    const { bytesOut } = this.#connection.counters;
    const buffered = this.#accepted - bytesOut;
    const [conn, read, reading] = [this.#name, this.#read, this.#reading];
    return { op: "state", seq, conn, read, written: bytesOut, buffered, reading, events };
  }

  /** r[iut.wire.sync] */
  async sync(n: number, end: boolean): Promise<void> {
    while (this.#reading && (this.#read < n || end)) await this.#changed.promise;
    await turn();
  }

  /** Writes until everything has gone or the peer takes no more; the rest follows as it reads. r[iut.wire.send-bounded] */
  async send(value: Json, count: number): Promise<void> {
    if (this.#encoder === undefined) throw new Declined("role", "the profile has no role encode");
    let parts: readonly Uint8Array[];
    try {
      parts = this.#encoder(value as Parameters<CaseEncoder>[0]);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#events.push(errorEvent(error));
      return;
    }
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const all = (async () => {
      for (let i = 0; i < count; i++) {
        this.#accepted += length;
        await this.#connection.write(parts, Number.POSITIVE_INFINITY);
      }
      return true as const;
    })();
    // A connection that was lost shows in its own events.
    const done = all.catch(() => true as const);
    let before = -1;
    while (before !== this.#connection.counters.bytesOut) {
      before = this.#connection.counters.bytesOut;
      if (await Promise.race([done, turn().then(turn)])) break;
    }
    await turn();
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  async close(how: "end" | "reset"): Promise<void> {
    if (how === "reset") this.#connection.abort("the harness asked for a reset");
    else this.#connection.end().catch(() => {});
    await turn();
  }

  drop(): void {
    this.resume();
    this.#connection.abort("the scenario is over");
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        if (this.#paused !== undefined) await this.#paused.promise;
        const chunk = await this.#connection.read(Number.POSITIVE_INFINITY);
        if (chunk === null) break;
        const { events, error } = this.#decoder.push(chunk);
        this.#events.push(...events);
        this.#read += chunk.length;
        if (error !== null) return this.#refuse(errorEvent(error));
        this.#turned();
      }
      const error = this.#decoder.end();
      this.#stop(error === null ? { event: "end" } : errorEvent(error));
    } catch (error) {
      const reset = error instanceof WireError && error.code === "transport.reset";
      this.#stop(reset ? { event: "reset", at: String(this.#read) } : undefined);
    }
  }

  /** A stream that cannot be read any more is ended, so that the peer learns of it. r[iut.wire.refusal] */
  #refuse(event: Event): void {
    this.#connection.close().catch(() => {});
    this.#stop(event);
  }

  #stop(event: WireEvent | undefined): void {
    if (event !== undefined) this.#events.push(event);
    this.#reading = false;
    this.#turned();
  }

  #turned(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
