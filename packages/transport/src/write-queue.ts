import { refusal, WireError } from "@tensorwire/framing";
import type { Clock } from "./clock.ts";
import type { Limits } from "./limits.ts";
import type { Link } from "./link.ts";
import { ByteRing } from "./ring.ts";
import { Waiter } from "./waiter.ts";

/** Gathered bytes leave without waiting for more from here on. */
const FLUSH_AT = 64 * 1024;
/**
 * Gathered bytes below that leave when so many microtasks in a row brought no new ones. An answer to what was just read is
 * probably alone, so it waits for no more than the next `await write()`; after a first flush in the same turn of the event
 * loop there is a burst, and a loop of awaited writes may have some functions of its own in between.
 */
const PATIENCE_FIRST = 2;
const PATIENCE_BURST = 8;
/** After so many bytes in one turn of the event loop a write lets the loop turn, so that it cannot starve reads and deadlines. */
const TURN_BYTES = 1024 * 1024;

const DONE = Promise.resolve();

interface Job {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
  /** The first part that is not wholly taken, and how much of it is. */
  part: number;
  at: number;
  taken: number;
  waiter: Waiter<void> | null;
}

export interface WriteQueueHost {
  readonly link: Link;
  readonly limits: Limits;
  readonly clock: Clock;
  /** A write failed half-way: the connection has to be aborted with this error. */
  poison(error: WireError): void;
  /** The link refused bytes for good: the queue has to fail, in this call. */
  gone(): void;
  /** After `end()`: everything was taken by the link. */
  flushed(): void;
}

/**
 * Order, gathering and backpressure of one direction. At most one slab of bytes waits here; a write that needs more room
 * waits by reference until the link drains.
 */
export class WriteQueue {
  bytesOut = 0;
  writes = 0;
  bytesCopied = 0;
  peak = 0;
  readonly #host: WriteQueueHost;
  readonly #ring: ByteRing;
  readonly #jobs: Job[] = [];
  #blocked = false;
  #ended = false;
  #error: WireError | null = null;
  #sinceTurn = 0;
  #flushPlanned = false;
  #patience = PATIENCE_FIRST;

  constructor(host: WriteQueueHost) {
    this.#host = host;
    this.#ring = new ByteRing(host.limits.maxBufferedWrite);
  }

  get buffered(): number {
    return this.#ring.size;
  }

  /** True when bytes wait here, or were lost. */
  get unsent(): boolean {
    return this.#ring.size > 0 || this.#jobs.length > 0 || this.#error !== null;
  }

  get error(): WireError | null {
    return this.#error;
  }

  write(parts: readonly Uint8Array[], deadlineMs: number): Promise<void> {
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#ended) return Promise.reject(refusal("state", "write after end() or close() on this side"));
    const { clock, limits, link } = this.#host;
    const job: Job = { parts, length: totalLength(parts), part: 0, at: 0, taken: 0, waiter: null };
    if (this.#jobs.length === 0 && this.#advance(job)) return this.#turn(job.length);
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#jobs.length >= limits.maxQueuedWrites) {
      return Promise.reject(refusal("transport.full", `${this.#jobs.length} writes to ${link.peer} wait already`));
    }
    job.waiter = new Waiter(clock, deadlineMs, (waitedMs) => this.#expire(job, waitedMs));
    this.#jobs.push(job);
    return job.waiter.promise;
  }

  /** No write comes after this one; `flushed` is called as soon as nothing waits, maybe at once. */
  end(): void {
    if (this.#ended || this.#error !== null) return;
    this.#ended = true;
    this.#pump();
  }

  /** The event loop has turned. */
  turned(): void {
    this.#sinceTurn = 0;
    this.#patience = PATIENCE_FIRST;
  }

  /** The link has room again. */
  drained(): void {
    this.#blocked = false;
    this.turned();
    this.#pump();
    if (this.#ring.size > 0) this.#flush();
  }

  fail(error: WireError): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#ring.clear();
    for (const job of this.#jobs.splice(0)) job.waiter?.reject(error);
  }

  #pump(): void {
    for (let job = this.#jobs[0]; job !== undefined && this.#advance(job); job = this.#jobs[0]) {
      this.#jobs.shift();
      job.waiter?.resolve();
    }
    if (this.#ended && this.#error === null && this.#jobs.length === 0 && this.#flush()) this.#host.flushed();
  }

  /** Moves the job on as far as there is room; true when the caller may have its buffers back. */
  #advance(job: Job): boolean {
    for (let part = job.parts[job.part]; part !== undefined; part = job.parts[job.part]) {
      const moved =
        part.length >= this.#host.limits.gatherBelow ? this.#pass(part, job.at) : this.#gather(part, job.at);
      job.at += moved;
      job.taken += moved;
      if (job.at < part.length) return false;
      job.part += 1;
      job.at = 0;
    }
    if (this.#ring.size > 0) this.#planFlush();
    return this.#error === null;
  }

  /** By reference, after everything that was gathered before it. Returns the bytes that went. */
  #pass(part: Uint8Array, from: number): number {
    return this.#flush() ? this.#send(part, from, part.length - from) : 0;
  }

  /** Into the slab, which is flushed on the way when it is full enough. Returns the bytes that found room. */
  #gather(part: Uint8Array, from: number): number {
    let at = from;
    while (at < part.length) {
      if (this.#ring.free === 0) this.#flush();
      if (this.#ring.free === 0) break;
      at += this.#ring.push(part, at);
      if (this.#ring.size > this.peak) this.peak = this.#ring.size;
      if (this.#ring.size >= FLUSH_AT) this.#flush();
    }
    this.bytesCopied += at - from;
    return at - from;
  }

  #planFlush(): void {
    if (this.#flushPlanned || this.#blocked) return;
    this.#flushPlanned = true;
    let idle = 0;
    let seen = this.bytesCopied;
    const hop = () => {
      idle = this.bytesCopied === seen ? idle + 1 : 0;
      seen = this.bytesCopied;
      if (idle < this.#patience && this.#ring.size > 0) return queueMicrotask(hop);
      this.#flushPlanned = false;
      this.#patience = PATIENCE_BURST;
      this.#flush();
    };
    queueMicrotask(hop);
  }

  /** Hands the slab to the link; true when it is empty afterwards. */
  #flush(): boolean {
    while (this.#ring.size > 0) {
      const length = this.#ring.contiguous;
      const taken = this.#send(this.#ring.slab, this.#ring.head, length);
      this.#ring.consume(Math.min(taken, this.#ring.size));
      if (taken < length) return false;
    }
    return true;
  }

  #send(bytes: Uint8Array, offset: number, length: number): number {
    if (this.#blocked || this.#error !== null) return 0;
    const taken = this.#host.link.write(bytes, offset, length);
    if (taken < 0) {
      this.#host.gone();
      return 0;
    }
    if (taken > 0) this.writes += 1;
    this.bytesOut += taken;
    if (taken < length) this.#blocked = true;
    return taken;
  }

  #turn(bytes: number): Promise<void> {
    this.#sinceTurn += bytes;
    if (this.#sinceTurn < TURN_BYTES) return DONE;
    this.#sinceTurn = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }

  #expire(job: Job, waitedMs: number): void {
    const index = this.#jobs.indexOf(job);
    if (index < 0) return;
    const fatal = job.taken > 0;
    const error = new WireError({
      code: "transport.deadline",
      message: `${this.#host.link.peer} took ${job.taken} of the ${job.length} bytes of a write in ${waitedMs} ms`,
      offset: this.bytesOut,
      fatal,
      fault: "transport",
    });
    if (!fatal) this.#jobs.splice(index, 1);
    job.waiter?.reject(error);
    if (fatal) this.#host.poison(error);
  }
}

function totalLength(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}
