import { constants } from "node:crypto";
import { WireError } from "@tensorwire/framing";
import type { Socket, SocketHandler, TLSOptions } from "bun";
import { type Address, formatAddress } from "./address.ts";
import { type SocketData, SocketLink, type SocketSink, socketHandlers } from "./socket-link.ts";
import { type ConnectionOptions, StreamConnection } from "./stream-connection.ts";
import type { TlsIdentity } from "./tls-files.ts";
import { TlsRecords } from "./tls-records.ts";
import { explainTls } from "./tls-words.ts";

export interface TlsSide {
  readonly identity: TlsIdentity;
  readonly role: "client" | "server";
  /** Name or IP that the server's certificate has to carry. */
  readonly serverName?: string;
  /** What this side listens on, or has dialled. */
  readonly address: Address;
  readonly connection: ConnectionOptions;
  /** Bytes that are taken before the handshake is done, and one chunk. */
  readonly maxHandshakeBytes: number;
  /** The handshake is done, and the peer's certificate is good. Nothing has been read or written yet. */
  secured(connection: StreamConnection): void;
  /** It is over before that. The socket is dropped. */
  refused(error: WireError): void;
}

/**
 * TLS on a TCP socket that has just opened, by Bun's `upgradeTLS`. `tls` of `Bun.listen` and `Bun.connect` would do for all but
 * two things, and both need the ciphertext, which the handlers of the socket underneath go on to get, each chunk before it is decrypted: to
 * count what a stranger sends before the handshake is done, and to see whether the peer ended its stream or somebody cut it (see
 * `TlsRecords`). `node:tls` does not tell the latter either, and over a stream of our own it has half the throughput.
 */
export class TlsSession {
  /** For messages: what was dialled, or where the stranger comes from. */
  readonly peer: string;
  readonly #side: TlsSide;
  readonly #socket: Socket<SocketData>;
  readonly #records = new TlsRecords();
  #taken = 0;
  #connection: StreamConnection | null = null;
  #over = false;

  constructor(raw: Socket<SocketData>, side: TlsSide) {
    this.#side = side;
    this.peer = side.role === "client" ? formatAddress(side.address) : new SocketLink(raw, side.address).peer;
    const options = {
      tls: tlsOptions(side),
      data: this.#plaintext(),
      socket: this.#handlers(),
      // Missing in Bun's types; `node:tls` upgrades its server sockets with it.
      isServer: side.role === "server",
    };
    // Throws for a socket that is gone already, which then has nobody to report to.
    const [below, secure] = raw.upgradeTLS<SocketData>(options);
    below.data = this.#ciphertext();
    this.#socket = secure;
  }

  /** Ends a handshake that takes too long, or that nobody waits for any more. Without a report. */
  drop(): void {
    this.#over = true;
    this.#socket.terminate();
  }

  /** What the socket underneath gets; how it ends is reported above it. */
  #ciphertext(): SocketSink {
    const ignore = () => {};
    return {
      onData: (chunk) => this.#take(chunk),
      onDrain: ignore,
      onEnd: ignore,
      onClose: ignore,
      abort: (_, cause) => this.#cut(cause),
    };
  }

  #plaintext(): SocketSink {
    return {
      onData: (chunk) => {
        this.#records.gave(chunk.length);
        this.#connection?.onData(chunk);
      },
      onDrain: () => this.#connection?.onDrain(),
      onEnd: () => (this.#records.closed ? this.#connection?.onEnd() : this.#cut(null)),
      onClose: (error) => {
        if (error === undefined && this.#records.closed) this.#connection?.onClose();
        else this.#cut(error);
      },
      abort: (_, cause) => this.#cut(cause),
    };
  }

  #handlers(): SocketHandler<SocketData> {
    return {
      ...socketHandlers(() => {}),
      handshake: (socket, ok, error) => {
        if (this.#over) return;
        const cause = error ?? socket.getAuthorizationError();
        // r[link.tls.mutual] r[link.tls.before-any-byte] A client believes in TLS 1.3 that it is done before the server has judged it.
        if (ok && cause === null && socket.authorized && socket.getPeerX509Certificate() !== undefined) {
          this.#connection = new StreamConnection(new SocketLink(socket, this.#side.address), this.#side.connection);
          socket.setNoDelay(true);
          this.#side.secured(this.#connection);
        } else {
          this.#refuse(cause, socket);
        }
      },
    };
  }

  #take(chunk: Uint8Array): void {
    this.#records.take(chunk);
    if (this.#connection !== null || this.#over) return;
    // r[link.tls.limits] What a good peer sends right behind its handshake may come in the same chunk, so that one is not judged.
    const { maxHandshakeBytes } = this.#side;
    if (this.#taken > maxHandshakeBytes) {
      this.#fail("transport.reset", `it sent over ${maxHandshakeBytes} bytes before its handshake was done`);
    }
    this.#taken += chunk.length;
  }

  #refuse(cause: Error | null, socket: Socket<SocketData>): void {
    const { identity, role, serverName } = this.#side;
    const purpose = role === "client" ? "server" : "client";
    const certificate = socket.getPeerX509Certificate();
    const why = explainTls({ cause, certificate, ca: identity.files.ca, purpose, name: serverName });
    this.#fail(certificate === undefined ? "transport.reset" : "transport.refused", why, cause);
  }

  /** r[link.tls.end] The stream did not end, it broke off. */
  #cut(cause: unknown): void {
    if (this.#over) return;
    const error = cause instanceof Error ? cause : null;
    const connection = this.#connection;
    if (connection === null) {
      this.#fail("transport.reset", explainCut(error, "it went away in the TLS handshake"), error);
    } else {
      this.#over = true;
      const why = explainCut(error, "the TLS stream broke off without close_notify");
      connection.onClose(new Error(`${why}${this.#hint(connection)}`, { cause }));
      this.#socket.terminate();
    }
  }

  /** The server judges the client after the client believes itself connected, and may say nothing then. */
  #hint({ counters }: StreamConnection): string {
    if (this.#side.role === "server" || counters.bytesIn > 0) return "";
    return `; it sent nothing, so that it may not have accepted the certificate in ${this.#side.identity.files.cert}`;
  }

  #fail(code: "transport.reset" | "transport.refused", why: string, cause?: unknown): void {
    this.#over = true;
    this.#socket.terminate();
    this.#side.refused(new WireError({ code, message: `${this.peer}: ${why}`, fault: "peer", cause }));
  }
}

function explainCut(error: Error | null, otherwise: string): string {
  if (error === null) return otherwise;
  const code = "code" in error ? String(error.code) : error.message;
  return code === "EPROTO" ? explainTls({ cause: error, certificate: undefined, ca: "", purpose: "client" }) : code;
}

/** r[link.tls.version] r[link.tls.mutual] r[link.tls.name] */
function tlsOptions({ identity, serverName }: TlsSide): TLSOptions {
  const { ca, cert, key } = identity;
  return {
    ca,
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: true,
    secureOptions: constants.SSL_OP_NO_TLSv1 | constants.SSL_OP_NO_TLSv1_1 | constants.SSL_OP_NO_TLSv1_2,
    ...(serverName !== undefined && { serverName }),
  };
}
