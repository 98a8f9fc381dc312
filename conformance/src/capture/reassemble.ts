import type { TcpSegment } from "./dissect.ts";
import { CaptureError } from "./read-file.ts";

/** What one end sent, in the pieces in which it came. */
export interface SentBy {
  readonly from: string;
  readonly to: string;
  /** One for each segment that brought something new. */
  readonly reads: readonly Uint8Array[];
  readonly length: number;
  /** How it ended; undefined where the capture does before. */
  readonly ending: "end" | "reset" | undefined;
}

export interface TcpStream {
  /** From 0, as Wireshark counts. */
  readonly number: number;
  readonly dialler: SentBy;
  readonly listener: SentBy;
}

const ROUND = 2 ** 32;

/** The TCP streams of a capture, in the order of their first packets. Throws `CaptureError` for bytes that are missing. */
export function reassemble(segments: Iterable<TcpSegment>): Assembly[] {
  const streams: Assembly[] = [];
  const open = new Map<string, Assembly>();
  for (const segment of segments) {
    const key = [segment.from, segment.to].sort().join(" ");
    let stream = open.get(key);
    if (stream === undefined || stream.isAnother(segment)) {
      stream = new Assembly(streams.length, segment);
      streams.push(stream);
      open.set(key, stream);
    }
    stream.take(segment);
  }
  return streams;
}

/** One stream while its segments come. What is wrong with it is told when it is asked for: other streams are none the worse. */
export class Assembly {
  readonly number: number;
  readonly #dialler: Direction;
  readonly #listener: Direction;

  /** The first segment tells who opened it; without a SYN, whoever it is from. */
  constructor(number: number, first: TcpSegment) {
    this.number = number;
    const answered = first.syn && first.ack;
    const [from, to] = answered ? [first.to, first.from] : [first.from, first.to];
    this.#dialler = new Direction(from, to);
    this.#listener = new Direction(to, from);
  }

  /** The same two ports once more. */
  isAnother({ syn, ack, sequence, from }: TcpSegment): boolean {
    return syn && !ack && (from !== this.#dialler.from || this.#dialler.beganElsewhere(sequence));
  }

  take(segment: TcpSegment): void {
    const [own, other] =
      segment.from === this.#dialler.from ? [this.#dialler, this.#listener] : [this.#listener, this.#dialler];
    own.take(segment);
    if (segment.rst) other.stop();
  }

  get about(): { readonly from: string; readonly to: string; readonly sent: number; readonly answered: number } {
    const { from, to, length } = this.#dialler;
    return { from, to, sent: length, answered: this.#listener.length };
  }

  /** Throws where bytes are missing. */
  stream(): TcpStream {
    const { number } = this;
    return { number, dialler: this.#dialler.whole(number), listener: this.#listener.whole(number) };
  }
}

interface Waiting {
  readonly start: number;
  readonly number: number;
  readonly payload: Uint8Array;
}

/** Segments whose place comes later. Behind one that is missing all the others wait: none is sorted or moved for each of them. */
class Early {
  #waiting: Waiting[] = [];
  /** Those in front of it have been taken. */
  #next = 0;
  #sorted = true;
  /** Where the first of them begins. */
  least = Number.POSITIVE_INFINITY;

  add(segment: Waiting): void {
    if (segment.start < (this.#waiting.at(-1)?.start ?? 0)) this.#sorted = false;
    this.#waiting.push(segment);
    this.least = Math.min(this.least, segment.start);
  }

  get first(): Waiting | undefined {
    this.#sort();
    return this.#waiting[this.#next];
  }

  /** The first: only where `least` is a number. */
  take(): Waiting {
    this.#sort();
    const taken = this.#waiting[this.#next++]!;
    this.least = this.#waiting[this.#next]?.start ?? Number.POSITIVE_INFINITY;
    // Half of it is let go at a time.
    if (2 * this.#next > this.#waiting.length) this.#drop();
    return taken;
  }

  #sort(): void {
    if (this.#sorted) return;
    this.#drop();
    this.#waiting.sort((a, b) => a.start - b.start);
    this.#sorted = true;
  }

  #drop(): void {
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }
}

class Direction {
  readonly from: string;
  readonly to: string;
  readonly #reads: Uint8Array[] = [];
  /** Where each of them begins. */
  readonly #starts: number[] = [];
  readonly #early = new Early();
  #first: number | undefined;
  #end: { readonly place: number; readonly number: number } | undefined;
  #reset = false;
  #problem: string | undefined;
  /** Bytes so far. */
  length = 0;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  beganElsewhere(sequence: number): boolean {
    if (this.#first === undefined) return this.#problem !== undefined;
    return this.#first !== (sequence + 1) % ROUND;
  }

  take({ syn, fin, rst, sequence, payload, number, problem }: TcpSegment): void {
    if (syn) this.#first ??= (sequence + 1) % ROUND;
    this.#problem ??= problem;
    if (rst) {
      this.#reset = true;
      return;
    }
    if (this.#first === undefined) {
      if (payload.length > 0 || fin) this.#problem ??= `the capture begins in the middle of it, at packet ${number}`;
      return;
    }
    // TCP Fast Open may carry bytes with the SYN.
    const start = this.#place(syn ? (sequence + 1) % ROUND : sequence);
    if (payload.length > 0) {
      this.#put(start, payload, number);
      this.#putEarly();
    }
    if (fin) this.#end ??= { place: start + payload.length, number };
  }

  /** The other end has reset the connection: what it had not read by then is nobody's. */
  stop(): void {
    this.#reset = true;
  }

  whole(stream: number): SentBy {
    const fault = (problem: string) => new CaptureError(`stream ${stream}, ${this.from} → ${this.to}: ${problem}`);
    if (this.#problem !== undefined) throw fault(this.#problem);
    const behind = this.#early.first;
    const next = behind === undefined ? this.#end : { place: behind.start, number: behind.number };
    if (next !== undefined && next.place > this.length) {
      throw fault(
        `bytes ${this.length} to ${next.place} are missing from the capture; what is behind them came in packet ${next.number}`,
      );
    }
    const ending = this.#end !== undefined ? "end" : this.#reset ? "reset" : undefined;
    return { from: this.from, to: this.to, reads: this.#reads, length: this.length, ending };
  }

  /** The place in the stream of a sequence number: the nearest to where the stream is, for they begin anew at 2^32. */
  #place(sequence: number): number {
    const round = (sequence - (this.#first ?? 0) + ROUND) % ROUND;
    const turns = Math.round((this.length - round) / ROUND);
    return round + turns * ROUND;
  }

  #put(start: number, payload: Uint8Array, number: number): void {
    const known = this.length - start;
    if (known < 0) {
      this.#early.add({ start, number, payload });
      return;
    }
    this.#compare(start, payload.subarray(0, known), number);
    if (known >= payload.length) return;
    const fresh = payload.subarray(known);
    this.#reads.push(fresh);
    this.#starts.push(this.length);
    this.length += fresh.length;
  }

  #putEarly(): void {
    while (this.#early.least <= this.length) {
      const { start, payload, number } = this.#early.take();
      this.#put(start, payload, number);
    }
  }

  /** A byte that came before must be what it was. A probe that keeps a connection alive brings one that is none. */
  #compare(start: number, payload: Uint8Array, number: number): void {
    if (payload.length === 1 && start === this.length - 1) return;
    const end = start + payload.length;
    for (let i = this.#readAt(start); i < this.#reads.length && this.#starts[i]! < end; i++) {
      const read = this.#reads[i]!;
      const from = this.#starts[i]!;
      for (let at = Math.max(from, start); at < Math.min(from + read.length, end); at++) {
        if (read[at - from] === payload[at - start]) continue;
        this.#problem ??= `byte ${at} came twice and is another the second time, in packet ${number}`;
        return;
      }
    }
  }

  /** The read in which this byte is: the last that does not begin behind it. */
  #readAt(place: number): number {
    let first = 0;
    let behind = this.#starts.length;
    while (behind - first > 1) {
      const middle = (first + behind) >> 1;
      if (this.#starts[middle]! <= place) first = middle;
      else behind = middle;
    }
    return first;
  }
}
