import type { Socket, SocketHandler } from "bun";
import { type Address, formatAddress } from "./address.ts";
import type { Link, LinkEvents } from "./link.ts";
import { type ConnectionOptions, StreamConnection } from "./stream-connection.ts";

/** Who gets what a socket of Bun reports. */
export interface SocketSink extends LinkEvents {
  abort(why: string, cause: unknown): void;
}

/** What hangs on each socket of Bun: nothing before it is open, and nothing ever for one that was turned away. */
export type SocketData = SocketSink | undefined;

/** Bun reads at most this much from a socket at a time. */
const LARGEST_CHUNK = 512 * 1024;

export class SocketLink implements Link {
  readonly local: string;
  readonly peer: string;
  readonly maxChunk = LARGEST_CHUNK;
  readonly #socket: Socket<SocketData>;

  constructor(socket: Socket<SocketData>, address: Address) {
    this.#socket = socket;
    this.local = describe(address, socket.localAddress, socket.localPort);
    this.peer = describe(address, socket.remoteAddress, socket.remotePort);
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    // Always with the length: left out, Bun takes the whole buffer's and refuses any offset.
    return this.#socket.write(bytes, offset, length);
  }

  shutdown(): void {
    // Not `end()` and not `close()`, which close both directions.
    this.#socket.shutdown();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

/** Makes a connection of a socket that has just opened. */
export function adopt(socket: Socket<SocketData>, address: Address, options: ConnectionOptions): StreamConnection {
  const connection = new StreamConnection(new SocketLink(socket, address), options);
  socket.data = connection;
  // Small writes are gathered here already; the kernel must not wait for more.
  if (address.kind === "tcp") socket.setNoDelay(true);
  return connection;
}

/** The handlers of every socket; `open` is the caller's. `error` must be there: without it a throw in a handler ends the process. */
export function socketHandlers(open: (socket: Socket<SocketData>) => void): SocketHandler<SocketData> {
  return {
    binaryType: "uint8array",
    open,
    data: (socket, chunk) => socket.data?.onData(chunk),
    drain: (socket) => socket.data?.onDrain(),
    end: (socket) => socket.data?.onEnd(),
    close: (socket, error) => socket.data?.onClose(error),
    error: (socket, error) => {
      if (socket.data === undefined) socket.terminate();
      else socket.data.abort(`a handler of the socket failed: ${error.message}`, error);
    },
    // The rejected promise of `Bun.connect` says the same; with a handler it is not reported a second time.
    connectError: () => {},
  };
}

/** A Unix socket has no address of its own on either end, and a socket that was reset before it opened has lost its. */
function describe(address: Address, host: string | undefined, port: number | undefined): string {
  if (address.kind === "unix" || host === undefined || port === undefined) return formatAddress(address);
  return formatAddress({ kind: "tcp", host, port });
}
