import { parseAddress } from "../link/address.ts";
import { Overdue, Peer, type PeerSocket, peerHandlers, WireFailure } from "./peer.ts";
import type { Timeline } from "./timeline.ts";

/** Dials an address of the implementation: it may be any string, and whatever becomes of it is a failure of the implementation. */
export async function dialPeer(name: string, address: string, timeline: Timeline, deadline: number): Promise<Peer> {
  const opened = Promise.withResolvers<Peer>();
  let late = false;
  const open = (socket: PeerSocket) => {
    if (late) return void socket.terminate();
    timeline.add(name, `harness dials ${address}`);
    opened.resolve(new Peer(name, socket, timeline));
  };
  // Async, so that what Bun says by throwing at once is a rejection too.
  const dial = async () => {
    const place = parseAddress(address) as { hostname: string; port: number };
    await Bun.connect({ ...place, allowHalfOpen: true, data: undefined, socket: peerHandlers(open) });
  };
  const timer = setTimeout(() => {
    late = true;
    opened.reject(new Overdue(`${name}: ${address} did not take the connection within ${deadline / 1000} s`));
  }, deadline);
  dial().catch((error: unknown) =>
    opened.reject(new WireFailure(`${name}: cannot connect to ${address}: ${(error as Error).message}`)),
  );
  try {
    return await opened.promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Where the harness waits for connections of the implementation: one after the other, in the order in which they come. */
export class PeerListener {
  readonly address: string;
  readonly #server: { readonly port?: number; stop(closeActive?: boolean): void };
  readonly #timeline: Timeline;
  readonly #sockets: PeerSocket[] = [];

  /** `allowHalfOpen` is false in the test of the runtime's test alone. */
  constructor(at: "127.0.0.1:0" | `/${string}`, timeline: Timeline, allowHalfOpen = true) {
    this.#timeline = timeline;
    const place = parseAddress(at) as { hostname: string; port: number };
    const server = Bun.listen<Peer | undefined>({
      ...place,
      allowHalfOpen,
      data: undefined,
      socket: peerHandlers((socket) => {
        // Until a scenario asks for it, nothing of it is read.
        socket.pause();
        this.#sockets.push(socket);
      }),
    });
    this.#server = server;
    this.address = at.startsWith("/") ? at : `127.0.0.1:${server.port}`;
  }

  /** The connection that the implementation says it has opened: it is there, or will be when the event loop has turned. */
  async accept(name: string): Promise<Peer> {
    for (let turns = 0; this.#sockets.length === 0 && turns < 1000; turns++) {
      await new Promise((turn) => setImmediate(turn));
    }
    const socket = this.#sockets.shift();
    if (socket === undefined) throw new WireFailure(`${name}: no connection has come to ${this.address}`);
    this.#timeline.add(name, `iut dials ${this.address}`);
    const peer = new Peer(name, socket, this.#timeline);
    socket.resume();
    return peer;
  }

  stop(): void {
    this.#server.stop(true);
  }
}
