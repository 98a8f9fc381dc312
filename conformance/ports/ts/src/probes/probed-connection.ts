import type { Event } from "@tensorwire/conformance/protocol";
import { WireError } from "@tensorwire/framing";
import { ManualClock, StreamConnection } from "@tensorwire/transport/testing";
import { bytesEvent } from "../bytes.ts";
import type { CaseDecoder } from "../codec.ts";
import { errorEvent } from "../handle-case.ts";
import { ProbeLink } from "./probe-link.ts";

/** Milliseconds after which a pending read is given up and begun again: it is cancelled by as much of the clock. */
const PATIENCE = 1;

export interface ProbedOptions {
  /** Milliseconds for each message; absent: as long as it takes. */
  readonly deadline: number | undefined;
  readonly quota: number | undefined;
}

/** Each of thousands of connections takes one; the larger messages of the corpus do not fit into it. */
const SLAB = 32 * 1024;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A connection of the transport on a clock that stands still, with a reader as any program would write it. */
export class ProbedConnection {
  readonly #clock = new ManualClock();
  readonly #link: ProbeLink;
  readonly #connection: StreamConnection;
  readonly #decoder: CaseDecoder | undefined;
  readonly #deadline: number;
  readonly #cancels: boolean;
  #events: Event[] = [];
  #over = false;

  /** Without a decoder nothing is read. */
  constructor({ deadline, quota }: ProbedOptions, decoder?: CaseDecoder) {
    this.#link = new ProbeLink(quota);
    // Parts by reference: a write that has a deadline is then over when the sink took it, and not when the slab did.
    const limits = deadline === undefined ? { maxBufferedWrite: SLAB } : { gatherBelow: 1, maxBufferedWrite: 1 };
    this.#connection = new StreamConnection(this.#link, { clock: this.#clock, limits });
    this.#decoder = decoder;
    this.#deadline = deadline ?? Number.POSITIVE_INFINITY;
    this.#cancels = deadline === undefined;
    void this.#read();
  }

  feed(chunk: Uint8Array): Promise<Event[]> {
    if (!this.#over) this.#connection.onData(chunk);
    return this.#told();
  }

  end(): Promise<Event[]> {
    if (!this.#over) this.#connection.onEnd();
    return this.#told();
  }

  cancel(): Promise<Event[]> {
    return this.advance(PATIENCE);
  }

  advance(ms: number): Promise<Event[]> {
    this.#clock.advance(ms);
    return this.#told();
  }

  drain(): Promise<Event[]> {
    this.#link.drain(this.#connection);
    return this.#told();
  }

  /** Begins to write, without waiting for the end of it. */
  send(parts: readonly Uint8Array[]): Promise<Event[]> {
    this.#connection.write(parts, this.#deadline).catch((error: unknown) => this.#failed(error, "bytesOut"));
    return this.#told();
  }

  drop(): void {
    this.#over = true;
    this.#connection.abort("the case is over");
  }

  /** What has been said, and what the sink took, once nothing moves any more. */
  async #told(): Promise<Event[]> {
    await turn();
    const taken = this.#link.take();
    const events = this.#events;
    this.#events = [];
    return taken.length === 0 ? events : [bytesEvent(taken), ...events];
  }

  async #read(): Promise<void> {
    const decoder = this.#decoder;
    if (decoder === undefined) return;
    let until = this.#clock.now() + this.#deadline;
    while (!this.#over) {
      try {
        const chunk = await this.#connection.read(this.#cancels ? PATIENCE : until - this.#clock.now());
        const { events, error } = chunk === null ? { events: [], error: decoder.end() } : decoder.push(chunk);
        this.#events.push(...events);
        if (error !== null) this.#events.push(errorEvent(error));
        else if (chunk === null) this.#events.push({ event: "end" });
        if (error !== null || chunk === null) this.#over = true;
        if (events.length > 0) until = this.#clock.now() + this.#deadline;
      } catch (error) {
        // A read that was cancelled has lost nothing: the decoder has all that came before.
        if (!this.#cancels || !isDeadline(error)) this.#failed(error, "bytesIn");
      }
    }
  }

  /** r[iut.probe.clock.expired] */
  #failed(error: unknown, counter: "bytesIn" | "bytesOut"): void {
    if (this.#over) return;
    this.#over = true;
    if (!isDeadline(error)) throw error;
    this.#events.push({ event: "expired", at: String(this.#connection.counters[counter]) });
    // A write that was torn has ended the connection by itself.
    if (!error.fatal) this.#connection.abort("a deadline passed");
  }
}

const isDeadline = (error: unknown): error is WireError =>
  error instanceof WireError && error.code === "transport.deadline";
