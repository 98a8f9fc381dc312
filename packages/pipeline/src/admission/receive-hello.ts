import { WireError } from "@tensorwire/framing";
import { type Hello, HelloDecoder } from "@tensorwire/tp-control";
import { type Clock, type Connection, checkDeadlines, systemClock } from "@tensorwire/transport";
import { messageOf } from "../stage-lost.ts";

/** For the whole handshake, in milliseconds. r[link.hello.deadline] */
export const DEFAULT_HANDSHAKE_DEADLINE_MS = 5000;

export interface HandshakeOptions {
  /** From the connection to the peer's whole Hello, in milliseconds. 5,000 unless told. */
  readonly deadlineMs?: number;
  /** The clock of the connection. */
  readonly clock?: Clock;
}

/** What a handshake is to be done by. */
export class HandshakeDeadline {
  readonly #ms: number;
  readonly #clock: Clock;
  readonly #until: number;

  /** @throws WireError refusal `state` for one that is no deadline. */
  constructor({ deadlineMs = DEFAULT_HANDSHAKE_DEADLINE_MS, clock = systemClock }: HandshakeOptions) {
    checkDeadlines({ deadlineMs });
    this.#ms = deadlineMs;
    this.#clock = clock;
    this.#until = clock.now() + deadlineMs;
  }

  /** @throws WireError `transport.deadline` when nothing is left. */
  get leftMs(): number {
    const left = this.#until - this.#clock.now();
    if (left <= 0) throw this.passed();
    return left;
  }

  passed(cause?: unknown): WireError {
    const message = `expected a whole Hello within ${this.#ms} ms, none came`;
    return new WireError({ code: "transport.deadline", message, fault: "transport", cause });
  }
}

export interface ReceivedHello {
  readonly hello: Hello;
  /** What came behind it, and belongs to the protocol. */
  readonly rest: Uint8Array;
  /** The end of its frame, in bytes of the connection. */
  readonly at: number;
}

/**
 * Reads the peer's Hello, and of the connection no more than the chunk that it ends in. Null when the peer was gone before its
 * first byte, by an end or a reset: before it, neither says more than the other.
 *
 * @throws WireError the peer's fault; `transport.deadline`; `transport.reset` inside the Hello; `transport.refused` by a listener with TLS.
 */
export async function receiveHello(connection: Connection, deadline: HandshakeDeadline): Promise<ReceivedHello | null> {
  const decoder = new HelloDecoder();
  for (;;) {
    const chunk = await readChunk(connection, deadline, decoder.offset === 0);
    if (chunk === null) {
      const cut = decoder.end();
      if (cut !== null) throw cut;
      return null;
    }
    if (decoder.offset === 0 && isTlsAlert(chunk)) {
      const message = "expected a Hello, an alert of TLS came: it takes connections with TLS only";
      throw new WireError({ code: "transport.refused", message, offset: chunk.length });
    }
    const { messages, rest, error } = decoder.push(chunk);
    if (error !== null) throw error;
    const hello = messages[0];
    if (hello !== undefined) return { hello, rest, at: decoder.offset };
  }
}

/** What a listener with TLS says to bytes that are none. As the prefix of a Hello it would declare more than any may have. */
function isTlsAlert([type, major, , high, low]: Uint8Array): boolean {
  return type === 21 && major === 3 && high === 0 && low === 2;
}

async function readChunk(
  connection: Connection,
  deadline: HandshakeDeadline,
  first: boolean,
): Promise<Uint8Array | null> {
  try {
    return await connection.read(deadline.leftMs);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (first && (error.code === "transport.reset" || error.code === "transport.closed")) return null;
    if (error.code === "transport.deadline") throw deadline.passed(error);
    throw error;
  }
}

/** Drops the connection, without a byte, and gives the error as this side tells it. r[link.hello.refusal] r[link.hello.refusal.told] */
export function drop<Why>(connection: Connection, why: Why): Why | WireError {
  const error = why instanceof WireError ? withPeer(why, connection.peer) : why;
  connection.abort(messageOf(error), error);
  return error;
}

function withPeer(cause: WireError, peer: string): WireError {
  const { code, offset, fatal, fault } = cause;
  const text = cause.message.replace(`[${code}] `, "");
  return new WireError({ code, message: `handshake with ${peer}: ${text}`, offset, fatal, fault, cause });
}
