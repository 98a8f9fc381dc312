import { type ErrorCode, WireError } from "@tensorwire/framing";
import { type Clock, systemClock } from "./clock.ts";
import type { CloseReason, Connection, ConnectionCounters } from "./connection.ts";
import { type Limits, resolveLimits } from "./limits.ts";
import type { Link, LinkEvents } from "./link.ts";
import { ReadQueue } from "./read-queue.ts";
import { badDeadline, isDeadline, Waiter } from "./waiter.ts";
import { WriteQueue } from "./write-queue.ts";

export interface ConnectionOptions {
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
}

/** The one implementation of `Connection`, over any link. */
export class StreamConnection implements Connection, LinkEvents {
  readonly closed: Promise<CloseReason>;
  readonly #settle: (reason: CloseReason) => void;
  readonly #link: Link;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #reader: ReadQueue;
  readonly #writer: WriteQueue;
  #reason: CloseReason | null = null;
  /** True when this direction was ended and the link took every byte. */
  #shut = false;
  /** Calls of `end` and of `close` that wait, each with a deadline of its own. */
  readonly #ending: Waiter<void>[] = [];
  readonly #closing: Waiter<CloseReason>[] = [];

  constructor(link: Link, options: ConnectionOptions = {}) {
    this.#link = link;
    this.#limits = resolveLimits(options.limits);
    this.#clock = options.clock ?? systemClock;
    const { promise, resolve } = Promise.withResolvers<CloseReason>();
    this.closed = promise;
    this.#settle = resolve;
    const host = { link, limits: this.#limits, clock: this.#clock };
    this.#reader = new ReadQueue(host);
    this.#writer = new WriteQueue({
      ...host,
      poison: (error) => this.#abort(error),
      gone: () => this.#gone(),
      flushed: () => this.#flushed(),
    });
  }

  get local(): string {
    return this.#link.local;
  }

  get peer(): string {
    return this.#link.peer;
  }

  get counters(): ConnectionCounters {
    const { bytesIn, reads } = this.#reader;
    const { bytesOut, writes, bytesCopied } = this.#writer;
    return {
      bytesIn,
      reads,
      bytesOut,
      writes,
      bytesCopied,
      bufferedRead: this.#reader.buffered,
      bufferedWrite: this.#writer.buffered,
      peakBufferedRead: this.#reader.peak,
      peakBufferedWrite: this.#writer.peak,
    };
  }

  read(deadlineMs = this.#limits.deadlineMs): Promise<Uint8Array | null> {
    if (!isDeadline(deadlineMs)) return Promise.reject(badDeadline(deadlineMs));
    return this.#reader.read(deadlineMs);
  }

  write(parts: readonly Uint8Array[], deadlineMs = this.#limits.deadlineMs): Promise<void> {
    if (!isDeadline(deadlineMs)) return Promise.reject(badDeadline(deadlineMs));
    return this.#writer.write(parts, deadlineMs);
  }

  end(deadlineMs = this.#limits.deadlineMs): Promise<void> {
    if (!isDeadline(deadlineMs)) return Promise.reject(badDeadline(deadlineMs));
    // A peer that went away in order, after it had been sent everything, leaves nothing to end.
    if (this.#shut || this.#reason?.kind === "peer-closed") return Promise.resolve();
    if (this.#reason !== null) return Promise.reject(this.#reason.error);
    if (this.#writer.error !== null) return Promise.reject(this.#writer.error);
    const waiter = new Waiter<void>(this.#clock, deadlineMs, (waitedMs) =>
      this.#abort(this.#error("transport.deadline", `${this.peer} did not take the last bytes in ${waitedMs} ms`)),
    );
    this.#ending.push(waiter);
    this.#writer.end();
    return waiter.promise;
  }

  close(deadlineMs = this.#limits.deadlineMs): Promise<CloseReason> {
    if (!isDeadline(deadlineMs)) return Promise.reject(badDeadline(deadlineMs));
    if (this.#reason !== null) return Promise.resolve(this.#reason);
    const waiter = new Waiter<CloseReason>(this.#clock, deadlineMs, (waitedMs) => {
      const error = this.#error("transport.deadline", `${this.peer} did not end its side in ${waitedMs} ms`);
      waiter.reject(error);
      this.#abort(error);
    });
    this.#closing.push(waiter);
    this.#reader.discard(this.#error("transport.closed", "close() on this side while a read waited"));
    this.#writer.end();
    return waiter.promise;
  }

  abort(why = "abort() on this side", cause?: unknown): void {
    this.#abort(this.#error("transport.closed", why, cause));
  }

  onData(chunk: Uint8Array): void {
    this.#writer.turned();
    this.#reader.data(chunk);
  }

  onDrain(): void {
    this.#writer.drained();
  }

  onEnd(): void {
    this.#reader.end();
  }

  onClose(cause?: Error): void {
    // A Unix socket whose peer closes after our end reports that it is closed and no end of its own.
    if (this.#shut && cause === undefined) this.#reader.end();
    const { kind, error } = this.#reasonFor(cause);
    this.#finish(kind, error);
  }

  #reasonFor(cause: Error | undefined): CloseReason {
    if (this.#shut && this.#reader.ended) return { kind: "ended", error: null };
    if (cause !== undefined) {
      const what = "code" in cause ? String(cause.code) : cause.message;
      const message = `${this.peer} reset the connection: ${what}`;
      return { kind: "failed", error: this.#error("transport.reset", message, cause) };
    }
    const inOrder = this.#reader.ended && !this.#writer.unsent;
    const message = `${this.peer} closed the connection${inOrder ? "" : " with bytes under way"}`;
    return { kind: inOrder ? "peer-closed" : "failed", error: this.#error("transport.closed", message) };
  }

  #flushed(): void {
    if (this.#shut) return;
    this.#shut = true;
    this.#link.shutdown();
    for (const waiter of this.#ending.splice(0)) waiter.resolve();
  }

  /** The peer takes nothing any more, but may have sent something before: reading goes on until the link reports its end. */
  #gone(): void {
    const error = this.#error("transport.closed", `${this.peer} takes no more bytes`);
    this.#writer.fail(error);
    this.#failEnds(error);
  }

  #failEnds(error: WireError): void {
    for (const waiter of this.#ending.splice(0)) waiter.reject(error);
  }

  #abort(error: WireError): void {
    if (this.#reason !== null) return;
    this.#reader.abort(error);
    this.#finish("aborted", error);
    this.#link.terminate();
  }

  #finish(kind: CloseReason["kind"], error: WireError | null): void {
    if (this.#reason !== null) return;
    this.#reason = { kind, error };
    const late = error ?? this.#error("transport.closed", "the connection has ended");
    this.#reader.fail(late);
    this.#writer.fail(late);
    this.#failEnds(late);
    for (const waiter of this.#closing.splice(0)) waiter.resolve(this.#reason);
    this.#settle(this.#reason);
  }

  #error(code: ErrorCode, message: string, cause?: unknown): WireError {
    return new WireError({ code, message, offset: this.#reader.bytesIn, fault: "transport", cause });
  }
}
