import { type ErrorCode, WireError } from "@tensorwire/framing";
import type { Socket } from "bun";
import type { Address } from "./address.ts";
import { systemClock } from "./clock.ts";
import { checkCounts } from "./limits.ts";
import type { ListenOptions } from "./listen.ts";
import type { SocketData } from "./socket-link.ts";
import type { StreamConnection } from "./stream-connection.ts";
import type { TlsIdentity } from "./tls-files.ts";
import { TlsSession } from "./tls-session.ts";

export const DEFAULT_MAX_HANDSHAKE_BYTES = 64 * 1024;

/** What the handshakes of one listener may take, together and each. All are whole numbers above 0. */
export interface HandshakeLimits {
  /** TLS handshakes at a time; for one more, the one that has taken longest is dropped. Default 64. */
  readonly maxHandshakes?: number;
  /** Milliseconds that a TLS handshake may take. Default 5,000. */
  readonly handshakeMs?: number;
  /** Bytes that a TLS handshake may take. Default 64 KiB. */
  readonly maxHandshakeBytes?: number;
}

/** r[link.tls.limits] The TLS handshakes of a listener that are under way, bounded in number, time and bytes. */
export class Handshakes {
  /** Those that came to nothing. */
  refused = 0;
  readonly #identity: TlsIdentity;
  readonly #address: Address;
  readonly #options: ListenOptions;
  readonly #limits: Required<HandshakeLimits>;
  /** Oldest first, each with what ends it. */
  readonly #underWay = new Map<TlsSession, (why: WireError | null) => void>();

  constructor(identity: TlsIdentity, address: Address, options: ListenOptions) {
    this.#identity = identity;
    this.#address = address;
    this.#options = options;
    const { maxHandshakes = 64, handshakeMs = 5000, maxHandshakeBytes = DEFAULT_MAX_HANDSHAKE_BYTES } = options;
    this.#limits = { maxHandshakes, handshakeMs, maxHandshakeBytes };
    checkCounts({ ...this.#limits });
  }

  /** Calls `secured` when the peer has shown a good certificate, and never otherwise. */
  begin(socket: Socket<SocketData>, secured: (connection: StreamConnection) => void): void {
    const { clock = systemClock, onRefused } = this.#options;
    const { handshakeMs, maxHandshakeBytes } = this.#limits;
    this.#makeRoom();
    const end = (why: WireError | null) => {
      clock.clearTimeout(timer);
      this.#underWay.delete(session);
      session.drop();
      if (why === null) return;
      this.refused += 1;
      onRefused?.(why);
    };
    const session = new TlsSession(socket, {
      identity: this.#identity,
      role: "server",
      address: this.#address,
      connection: this.#options,
      maxHandshakeBytes,
      secured: (connection) => {
        clock.clearTimeout(timer);
        this.#underWay.delete(session);
        secured(connection);
      },
      refused: end,
    });
    const late = () =>
      end(refusalOf(session, "transport.deadline", `its TLS handshake was not done in ${handshakeMs} ms`));
    const timer = clock.setTimeout(late, handshakeMs);
    this.#underWay.set(session, end);
  }

  /** The listener takes no more: those that are under way are dropped, which is nobody's fault. */
  stop(): void {
    for (const end of this.#underWay.values()) end(null);
  }

  /** A peer that belongs here is done at once; so it is the oldest that is least likely to be one. */
  #makeRoom(): void {
    const { maxHandshakes } = this.#limits;
    if (this.#underWay.size < maxHandshakes) return;
    const [session, end] = this.#underWay.entries().next().value!;
    end(
      refusalOf(
        session,
        "transport.full",
        `over ${maxHandshakes} TLS handshakes are under way, and its has taken longest`,
      ),
    );
  }
}

function refusalOf({ peer }: TlsSession, code: ErrorCode, why: string): WireError {
  return new WireError({ code, message: `${peer}: ${why}`, fault: "peer" });
}
