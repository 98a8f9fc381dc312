import type { WireError } from "@tensorwire/framing";

/**
 * How a connection ended.
 *
 * - `ended`: both sides ended their direction and every byte was handed over.
 * - `peer-closed`: the peer went away in order, all it sent was delivered, but this side had not ended. A Unix socket
 *   reports an abort of the peer this way too when nothing was left unread over there: the kernel has no reset for it. It
 *   reports either only behind the bytes that came before, so a side that reads nothing learns nothing.
 * - `aborted`: `abort()` or a poisoned write or `close()` on this side.
 * - `failed`: a reset, or another failure of the connection. Over TLS also a stream that broke off: TLS has an end of its own, and
 *   without it an end of the TCP stream below, which anybody on the way can make, is never told as one (r[link.tls.end]).
 */
export interface CloseReason {
  readonly kind: "ended" | "peer-closed" | "aborted" | "failed";
  /** Null for `ended` only. */
  readonly error: WireError | null;
}

export interface ConnectionCounters {
  /** Bytes and chunks that came from the socket; over TLS these and all others are counted above it. */
  readonly bytesIn: number;
  readonly reads: number;
  /** Bytes that the socket took, and the write calls that it took any in. */
  readonly bytesOut: number;
  readonly writes: number;
  /** Bytes of small parts that were copied into the slab. Large parts are never copied. */
  readonly bytesCopied: number;
  /** Bytes that wait now, and the most that ever waited: see `Limits.maxBufferedRead` and `maxBufferedWrite`. */
  readonly bufferedRead: number;
  readonly bufferedWrite: number;
  readonly peakBufferedRead: number;
  readonly peakBufferedWrite: number;
}

/**
 * One byte stream in each direction, over TCP, TLS, a Unix socket or memory. Every wait has a deadline, in milliseconds from the
 * call; a call that names none has `limits.deadlineMs`. All failures are WireErrors with fault `transport`:
 * `transport.reset`, `transport.closed`, `transport.deadline`; misuse is a refusal with fault `caller`.
 */
export interface Connection {
  /** Addresses for people: `tcp://127.0.0.1:4000`, `unix:/run/stage.sock`, `memory:a`. */
  readonly local: string;
  readonly peer: string;
  readonly counters: ConnectionCounters;
  /** Settles once, never rejects. */
  readonly closed: Promise<CloseReason>;

  /**
   * The next chunk as it arrived: at least one byte, owned by the caller, with no relation to the peer's writes. Null when
   * the peer ended its direction, now and on each later call. What arrived before a failure is handed out before the
   * failure. One read at a time. A deadline that passes is not fatal, and loses nothing.
   */
  read(deadlineMs?: number): Promise<Uint8Array | null>;

  /**
   * Sends the parts as one piece: the bytes of two writes never interleave, and writes keep the order of their calls.
   * Resolves when the socket took every byte or the slab holds what is left. Parts of `limits.gatherBelow` bytes and more
   * are not copied: **the caller must not touch any part until the promise settles**. Small writes that follow each
   * other without a pause leave together.
   *
   * A write that reaches its deadline before its first byte was taken is withdrawn whole and the connection lives on;
   * after that byte the stream is torn, so the error is fatal and the connection is aborted.
   */
  write(parts: readonly Uint8Array[], deadlineMs?: number): Promise<void>;

  /** Flushes and ends this direction; reading goes on. Later writes are refused. A deadline that passes is fatal. */
  end(deadlineMs?: number): Promise<void>;

  /**
   * Ends this direction, throws away what the peer still sends, and waits for the peer to end its own. When the deadline
   * passes, the connection is aborted and the call rejects with `transport.deadline`.
   */
  close(deadlineMs?: number): Promise<CloseReason>;

  /** Drops everything at once: the peer sees a reset where the kernel has one, or a TLS stream that broke off; pending calls reject. Idempotent. */
  abort(why?: string, cause?: unknown): void;
}
