import { type ErrorCode, refusal, WireError } from "@tensorwire/framing";
import type { Socket } from "bun";
import { type Address, formatAddress, toAddress } from "./address.ts";
import { systemClock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { DEFAULT_MAX_HANDSHAKE_BYTES } from "./handshakes.ts";
import { resolveLimits } from "./limits.ts";
import { checkDial } from "./protected.ts";
import { adopt, type SocketData, socketHandlers } from "./socket-link.ts";
import type { ConnectionOptions } from "./stream-connection.ts";
import { readTlsFiles, type TlsOptions } from "./tls-files.ts";
import { TlsSession } from "./tls-session.ts";
import { badDeadline, isDeadline, Waiter } from "./waiter.ts";

export interface ConnectOptions extends ConnectionOptions {
  /** Milliseconds, name look-up included; `limits.deadlineMs` when it is left out. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Mutual TLS, for TCP only. The connection stands when the handshake is done on this side; a server of TLS 1.3 judges this side's
   * certificate after that, and one that does not accept it resets the connection before its first byte.
   */
  readonly tls?: TlsOptions;
  /** The name or IP that the server's certificate has to carry, where it is not the address's host. */
  readonly serverName?: string;
  /** Allows an address on another machine with nothing to protect what travels. */
  readonly insecure?: boolean;
}

/**
 * Opens a connection. Rejects with `transport.refused` (nobody listens, no such name or path; with fault `peer` when its certificate is not
 * good, with fault `caller` when TLS files cannot be used, or an address on another machine has neither `tls` nor `insecure`),
 * `transport.reset` when the TLS handshake broke off, `transport.deadline`, or `transport.closed` when the signal fires first; a socket
 * that opens after that is dropped at once.
 */
export async function connect(target: Address | string, options: ConnectOptions = {}): Promise<Connection> {
  const address = toAddress(target);
  const text = formatAddress(address);
  if (address.kind === "tcp" && address.port === 0)
    throw refusal("transport.refused", `${text}: port 0 is for a listener`);
  checkDial(address, options);
  const limits = resolveLimits(options.limits);
  const { deadlineMs = limits.deadlineMs, signal } = options;
  if (!isDeadline(deadlineMs)) throw badDeadline(deadlineMs);
  const identity = options.tls && (await readTlsFiles(options.tls));
  if (signal?.aborted) throw failure("transport.closed", `connect to ${text} was cancelled`, signal.reason);

  const waiter = new Waiter<Connection>(options.clock ?? systemClock, deadlineMs, (waitedMs) =>
    waiter.reject(failure("transport.deadline", `${text} did not answer in ${waitedMs} ms`)),
  );
  const cancel = () => waiter.reject(failure("transport.closed", `connect to ${text} was cancelled`, signal?.reason));
  signal?.addEventListener("abort", cancel, { once: true });

  let session: TlsSession | undefined;
  const open = (socket: Socket<SocketData>) => {
    if (waiter.settled) return socket.terminate();
    try {
      if (identity === undefined) return waiter.resolve(adopt(socket, address, options));
      session = new TlsSession(socket, {
        identity,
        role: "client",
        serverName: options.serverName ?? hostOf(address),
        address,
        connection: options,
        maxHandshakeBytes: DEFAULT_MAX_HANDSHAKE_BYTES,
        secured: (connection) => waiter.resolve(connection),
        refused: (error) => waiter.reject(error),
      });
    } catch (error) {
      // What is thrown in a handler of Bun's is told to nobody: a name that TLS cannot carry, a socket that is gone already.
      socket.terminate();
      const why = error instanceof Error ? error.message : String(error);
      waiter.reject(failure("transport.refused", `${text} cannot be dialled: ${why}`, error));
    }
  };
  dial(address, open).catch((error: unknown) =>
    waiter.reject(failure("transport.refused", `${text} cannot be reached: ${explain(error)}`, error)),
  );
  try {
    return await waiter.promise;
  } catch (error) {
    session?.drop();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

function hostOf(address: Address): string {
  return address.kind === "tcp" ? address.host : "";
}

async function dial(address: Address, open: (socket: Socket<SocketData>) => void): Promise<unknown> {
  const socket = socketHandlers(open);
  const shared = { socket, allowHalfOpen: true, data: undefined };
  if (address.kind === "unix") return Bun.connect<SocketData>({ ...shared, unix: address.path });
  return Bun.connect<SocketData>({ ...shared, hostname: address.host, port: address.port });
}

const EXPLANATIONS: Record<string, string> = {
  ECONNREFUSED: "nobody listens there",
  ENOENT: "there is no such socket file",
  ENOTFOUND: "there is no such host",
};

/** Why a connect failed: plain words for the usual causes, then the system's code. */
function explain(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  const plain = code === undefined ? String(error) : EXPLANATIONS[code];
  return plain === undefined ? String(code) : code === undefined ? plain : `${plain} (${code})`;
}

function failure(code: ErrorCode, message: string, cause?: unknown): WireError {
  return new WireError({ code, message, fault: "transport", cause });
}
