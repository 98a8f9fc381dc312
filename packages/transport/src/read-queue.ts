import { refusal, WireError } from "@tensorwire/framing";
import type { Clock } from "./clock.ts";
import type { Limits } from "./limits.ts";
import type { Link } from "./link.ts";
import { Waiter } from "./waiter.ts";

export interface ReadQueueHost {
  readonly link: Link;
  readonly limits: Limits;
  readonly clock: Clock;
}

/** Chunks between the link and the one reader. Pauses the link before the limits could be passed. */
export class ReadQueue {
  bytesIn = 0;
  reads = 0;
  peak = 0;
  readonly #host: ReadQueueHost;
  readonly #pauseAbove: number;
  readonly #chunks: Uint8Array[] = [];
  #buffered = 0;
  #paused = false;
  #discarding = false;
  #ended = false;
  #error: WireError | null = null;
  #waiter: Waiter<Uint8Array | null> | null = null;

  constructor(host: ReadQueueHost) {
    this.#host = host;
    this.#pauseAbove = Math.max(0, host.limits.maxBufferedRead - host.link.maxChunk);
  }

  get buffered(): number {
    return this.#buffered;
  }

  get ended(): boolean {
    return this.#ended;
  }

  read(deadlineMs: number): Promise<Uint8Array | null> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#buffered -= chunk.length;
      this.#steer();
      return Promise.resolve(chunk);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(null);
    if (this.#discarding) return Promise.reject(refusal("state", "read after close() on this side"));
    if (this.#waiter !== null) return Promise.reject(refusal("state", "another read of this connection waits already"));
    this.#waiter = new Waiter(this.#host.clock, deadlineMs, (waitedMs) => this.#expire(waitedMs));
    return this.#waiter.promise;
  }

  data(chunk: Uint8Array): void {
    this.bytesIn += chunk.length;
    this.reads += 1;
    if (chunk.length === 0 || this.#discarding || this.#error !== null) return;
    const waiter = this.#take();
    if (waiter !== null) {
      waiter.resolve(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered > this.peak) this.peak = this.#buffered;
    this.#steer();
  }

  /** The peer's end comes after the chunks that wait. */
  end(): void {
    this.#ended = true;
    this.#take()?.resolve(null);
  }

  /** What was received stays readable and the error comes after it, unless the peer's end was seen before. */
  fail(error: WireError): void {
    if (this.#ended || this.#error !== null) return;
    this.#error = error;
    this.#take()?.reject(error);
  }

  /** Throws away what waits and what comes; a waiting read is refused, since it must not take this for the peer's end. */
  discard(error: WireError): void {
    this.#discarding = true;
    this.#chunks.length = 0;
    this.#buffered = 0;
    this.#take()?.reject(error);
    this.#steer();
  }

  /** The same for a connection that is over: all later reads get the error. */
  abort(error: WireError): void {
    this.#error ??= error;
    this.discard(error);
  }

  #take(): Waiter<Uint8Array | null> | null {
    const waiter = this.#waiter;
    this.#waiter = null;
    return waiter;
  }

  /** Pauses above the line, resumes at half of it, so that the two do not alternate with each chunk. */
  #steer(): void {
    if (this.#error !== null) return;
    const { limits, link } = this.#host;
    const over = this.#buffered > this.#pauseAbove || this.#chunks.length >= limits.maxBufferedChunks;
    const low = this.#buffered <= this.#pauseAbove / 2 && this.#chunks.length <= limits.maxBufferedChunks / 2;
    if (!this.#paused && over) {
      this.#paused = true;
      link.pause();
    } else if (this.#paused && low) {
      this.#paused = false;
      link.resume();
    }
  }

  #expire(waitedMs: number): void {
    this.#take()?.reject(
      new WireError({
        code: "transport.deadline",
        message: `nothing came from ${this.#host.link.peer} in ${waitedMs} ms, after ${this.bytesIn} bytes`,
        offset: this.bytesIn,
        fatal: false,
        fault: "transport",
      }),
    );
  }
}
