import { WireError } from "@tensorwire/framing";
import type { Socket, SocketListener } from "bun";
import { type Address, formatAddress, toAddress } from "./address.ts";
import type { CloseReason, Connection } from "./connection.ts";
import { type HandshakeLimits, Handshakes } from "./handshakes.ts";
import { checkCounts, resolveLimits } from "./limits.ts";
import { checkProtected } from "./protected.ts";
import { adopt, type SocketData, socketHandlers } from "./socket-link.ts";
import type { ConnectionOptions, StreamConnection } from "./stream-connection.ts";
import { readTlsFiles, type TlsOptions } from "./tls-files.ts";
import { bindUnix } from "./unix-path.ts";
import { badDeadline, isDeadline } from "./waiter.ts";

export interface ListenOptions extends ConnectionOptions, HandshakeLimits {
  /** Gets each connection once. A throw or a rejection aborts that connection, and shows as the `cause` in its `closed`. */
  readonly onConnection: (connection: Connection) => void | Promise<void>;
  /** Connections at a time, TLS handshakes not among them; one more is reset before it costs anything. Default 1024. */
  readonly maxConnections?: number;
  /** Allows an address that other machines can reach, with nothing to protect what travels. */
  readonly insecure?: boolean;
  /**
   * Mutual TLS, for TCP only: `onConnection` gets a connection once its handshake is done and its certificate is good. Whoever has none is
   * dropped without a byte above TLS.
   */
  readonly tls?: TlsOptions;
  /** For a log: why a handshake came to nothing. What it quotes of a certificate is the stranger's own text. */
  readonly onRefused?: (error: WireError) => void;
}

export interface Listener {
  /** Where it really listens: port 0 has become the port that the system chose. */
  readonly address: Address;
  readonly connections: ReadonlySet<Connection>;
  /** Connections that came when `maxConnections` were open. */
  readonly turnedAway: number;
  /** TLS handshakes that came to nothing. */
  readonly refused: number;
  /** Takes no more connections, and removes the file of a Unix socket; those that stand live on. */
  stop(): void;
  /**
   * `stop()`, then a graceful close of every connection; those that are not done by the deadline are aborted. Rejects for a deadline
   * that is none, and does nothing then.
   */
  close(deadlineMs?: number): Promise<CloseReason[]>;
}

/** Where a listener binds that is told nothing: this machine only, at a free port. */
export const DEFAULT_BIND = "tcp://127.0.0.1:0";

/**
 * Takes connections until `stop()` or `close()`. Rejects with `transport.refused`: an address that other machines can reach
 * without `tls` or `insecure`, a port or path that is in use, a path that holds something other than a socket, TLS files that cannot be used. A
 * socket file that nobody listens on any more is replaced.
 */
export async function listen(target: Address | string | undefined, options: ListenOptions): Promise<Listener> {
  const address = toAddress(target ?? DEFAULT_BIND);
  resolveLimits(options.limits);
  checkProtected(address, options, "can be reached from other machines", "bind a loopback address");
  const { maxConnections = 1024, tls } = options;
  checkCounts({ maxConnections });
  const handshakes = tls && new Handshakes(await readTlsFiles(tls), address, options);
  const connections = new Set<StreamConnection>();
  let turnedAway = 0;

  const full = () => connections.size >= maxConnections;
  const take = (connection: StreamConnection) => {
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
    void hand(connection, options.onConnection);
  };
  const open = (socket: Socket<SocketData>) => {
    if (full()) {
      turnedAway += 1;
      return socket.terminate();
    }
    if (handshakes === undefined) return take(adopt(socket, address, options));
    handshakes.begin(socket, (connection) => {
      if (!full()) return take(connection);
      turnedAway += 1;
      connection.abort("too many have come before it");
    });
  };
  const { server, bound } = await bind(address, open);
  const stop = () => {
    server.stop();
    handshakes?.stop();
  };

  return {
    address: bound,
    connections,
    get turnedAway() {
      return turnedAway;
    },
    get refused() {
      return handshakes?.refused ?? 0;
    },
    stop,
    close: async (deadlineMs) => {
      if (deadlineMs !== undefined && !isDeadline(deadlineMs)) throw badDeadline(deadlineMs);
      stop();
      const close = (connection: StreamConnection) => connection.close(deadlineMs).catch(() => connection.closed);
      return Promise.all([...connections].map(close));
    },
  };
}

async function hand(connection: StreamConnection, onConnection: ListenOptions["onConnection"]): Promise<void> {
  try {
    await onConnection(connection);
  } catch (error) {
    connection.abort(`the handler of the connection from ${connection.peer} failed: ${String(error)}`, error);
  }
}

interface Bound {
  readonly server: SocketListener<SocketData>;
  readonly bound: Address;
}

async function bind(address: Address, open: (socket: Socket<SocketData>) => void): Promise<Bound> {
  const shared = { socket: socketHandlers(open), allowHalfOpen: true, data: undefined };
  try {
    if (address.kind === "unix") {
      const { path } = address;
      const server = await bindUnix(path, () => Bun.listen<SocketData>({ ...shared, unix: path }));
      return { server, bound: address };
    }
    const { host, port } = address;
    // Exclusive: a second listener on the port is an error, not a lottery for who gets the connection.
    const server = Bun.listen<SocketData>({ ...shared, hostname: host, port, exclusive: true });
    return { server, bound: { kind: "tcp", host, port: server.port } };
  } catch (error) {
    if (error instanceof WireError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new WireError({
      code: "transport.refused",
      message: `cannot listen on ${formatAddress(address)}: ${code === "EADDRINUSE" ? "it is in use" : code}`,
      fault: "transport",
      cause: error,
    });
  }
}
