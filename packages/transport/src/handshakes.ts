import { WireError } from "@tensorwire/framing";
import type { Socket } from "bun";
import type { Address } from "./address.ts";
import { systemClock } from "./clock.ts";
import type { ListenOptions } from "./listen.ts";
import type { SocketData } from "./socket-link.ts";
import type { StreamConnection } from "./stream-connection.ts";
import type { TlsIdentity } from "./tls-files.ts";
import { TlsSession } from "./tls-session.ts";

const DEFAULT_MAX_HANDSHAKES = 64;
const DEFAULT_HANDSHAKE_MS = 5000;
export const DEFAULT_MAX_HANDSHAKE_BYTES = 64 * 1024;

/** r[link.tls.limits] The TLS handshakes of a listener that are under way. One that comes to nothing has cost no more than its place here. */
export class Handshakes {
  refused = 0;
  readonly #identity: TlsIdentity;
  readonly #address: Address;
  readonly #options: ListenOptions;
  /** What each leaves behind when it is over: its timer, and its place here. */
  readonly #underWay = new Map<TlsSession, () => void>();

  constructor(identity: TlsIdentity, address: Address, options: ListenOptions) {
    this.#identity = identity;
    this.#address = address;
    this.#options = options;
  }

  get size(): number {
    return this.#underWay.size;
  }

  get full(): boolean {
    return this.size >= (this.#options.maxHandshakes ?? DEFAULT_MAX_HANDSHAKES);
  }

  /** Calls `secured` when the peer has shown a good certificate, and never otherwise. */
  begin(socket: Socket<SocketData>, secured: (connection: StreamConnection) => void): void {
    const { clock = systemClock, handshakeMs = DEFAULT_HANDSHAKE_MS, onRefused } = this.#options;
    const { maxHandshakeBytes = DEFAULT_MAX_HANDSHAKE_BYTES } = this.#options;
    const end = () => {
      clock.clearTimeout(timer);
      this.#underWay.delete(session);
    };
    const refused = (error: WireError) => {
      end();
      this.refused += 1;
      onRefused?.(error);
    };
    const late = () => {
      session.drop();
      const message = `${session.peer}: its TLS handshake was not done in ${handshakeMs} ms`;
      refused(new WireError({ code: "transport.deadline", message, fault: "peer" }));
    };
    const timer = clock.setTimeout(late, handshakeMs);
    const session = new TlsSession(socket, {
      identity: this.#identity,
      role: "server",
      address: this.#address,
      connection: this.#options,
      maxHandshakeBytes,
      secured: (connection) => {
        end();
        secured(connection);
      },
      refused,
    });
    this.#underWay.set(session, end);
  }

  stop(): void {
    for (const [session, end] of this.#underWay) {
      end();
      session.drop();
    }
  }
}
