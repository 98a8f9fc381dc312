import type { Event, Step } from "../protocol.ts";
import type { Stream } from "./stream.ts";
import type { Mark } from "./types.ts";

/** What one case sends and what must come back. */
export interface Played {
  readonly steps: Step[];
  readonly expected: Event[][];
  readonly marks: readonly Mark[];
}

/**
 * Plays a stream as reads and writes the expectation of each step beside it. An event stands in the list of the first
 * step after which the bytes that decide it have been fed.
 */
export class Script implements Played {
  readonly steps: Step[] = [];
  readonly expected: Event[][] = [];
  private readonly pastMarks: Mark[] = [];
  private fed = 0;
  private fedBefore = 0;
  private nextEvent = 0;

  constructor(private stream: Stream) {}

  get marks(): Mark[] {
    return [...this.pastMarks, ...this.stream.marks(this.fed, this.fedBefore)];
  }

  /** One read of all bytes up to `end`. */
  read(end: number = this.stream.length): this {
    const start = this.fed;
    this.fed = end;
    return this.push(this.stream.read(start, end), this.due());
  }

  /** One read up to each of these places, which ascend, and one of what is left. */
  reads(cuts: Iterable<number>): this {
    for (const cut of cuts) this.read(cut);
    return this.fed < this.stream.length ? this.read() : this;
  }

  /** A read of no bytes, which changes nothing. */
  emptyRead(): this {
    return this.push({ feed: "" }, []);
  }

  eof(): this {
    const event = this.stream.endAt(this.fed);
    return this.push({ eof: true }, event ? [event] : []);
  }

  /** A new connection, which carries `stream`. */
  reset(stream: Stream = this.stream): this {
    this.pastMarks.push(...this.stream.marks(this.fed, this.fedBefore));
    this.fedBefore += this.fed;
    this.stream = stream;
    this.fed = 0;
    this.nextEvent = 0;
    return this.push({ reset: true }, []);
  }

  private due(): Event[] {
    const { events } = this.stream;
    const from = this.nextEvent;
    while (this.nextEvent < events.length && events[this.nextEvent]!.at <= this.fed) this.nextEvent++;
    return events.slice(from, this.nextEvent).map(({ event }) => event);
  }

  private push(step: Step, events: Event[]): this {
    this.steps.push(step);
    this.expected.push(events);
    return this;
  }
}
