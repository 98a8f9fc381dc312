import type { Socket, SocketHandler } from "bun";
import type { Timeline } from "./timeline.ts";

/** How the other side ended its direction: in order, or by a reset. Both are a close; which it was is told. */
export type Ending = "end" | "reset";

/** A connection did not do what a scenario waits for: a failure of the implementation, with its reason. */
export class WireFailure extends Error {
  override readonly name = "WireFailure";
}

/** What was waited for did not come in time. */
export class Overdue extends WireFailure {}

export type PeerSocket = Socket<Peer | undefined>;

/**
 * The harness's end of a connection under test: raw bytes, written and read when a scenario says so. Nothing is sent on its own,
 * and nothing is thrown away.
 */
export class Peer {
  readonly name: string;
  /** Bytes that the operating system took, and that came and were taken or wait to be. */
  written = 0;
  received = 0;
  ending: Ending | undefined;
  readonly #socket: PeerSocket;
  readonly #timeline: Timeline;
  #chunks: Uint8Array[] = [];
  #changed = Promise.withResolvers<void>();
  #finished = false;
  #dead = false;

  constructor(name: string, socket: PeerSocket, timeline: Timeline) {
    this.name = name;
    this.#socket = socket;
    this.#timeline = timeline;
    socket.data = this;
    socket.setNoDelay?.(true);
  }

  /** Bytes that came and that nobody has taken. */
  get waiting(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  /** True when the connection takes no more bytes: the other side is gone. */
  get gone(): boolean {
    return this.#dead;
  }

  /** True when this side has ended its own direction, or has let go of the connection. */
  get finished(): boolean {
    return this.#finished || this.#dead;
  }

  /** As many bytes as the operating system takes now; what it does not take is the caller's to try again. */
  offer(bytes: Uint8Array): number {
    if (this.#dead || bytes.length === 0) return 0;
    const taken = this.#socket.write(bytes);
    if (taken < 0) {
      this.#dead = true;
      return 0;
    }
    this.written += taken;
    if (taken > 0) this.#timeline.moved(this.name, "harness wrote", taken, this.written);
    return taken;
  }

  /** Writes all bytes. A peer that has gone takes none, and that is no failure of the write: what follows shows it. */
  async write(bytes: Uint8Array, deadline: number): Promise<void> {
    let rest = bytes.subarray(this.offer(bytes));
    while (rest.length > 0 && !this.#dead) {
      await this.#change(deadline, () => `the implementation took no more bytes behind byte ${this.written}`);
      rest = rest.subarray(this.offer(rest));
    }
  }

  /** Ends the harness's direction; reading goes on. */
  end(): void {
    this.#finished = true;
    this.#timeline.add(this.name, `harness ends its direction at byte ${this.written}`);
    this.#socket.shutdown();
  }

  reset(): void {
    this.#timeline.add(this.name, `harness resets the connection at byte ${this.written}`);
    this.#dead = true;
    this.#socket.terminate();
  }

  /** From here on the harness takes nothing from the operating system; one chunk may still be under way. */
  stall(): void {
    this.#timeline.add(this.name, "harness stops reading");
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Takes what came, at least one byte. Empty when the other side has ended its direction. */
  async take(deadline: number): Promise<Uint8Array> {
    while (this.#chunks.length === 0 && this.ending === undefined) {
      await this.#change(deadline, () => `nothing came behind byte ${this.received}`);
    }
    return this.#chunks.shift() ?? new Uint8Array();
  }

  /** Takes exactly so many bytes and leaves the rest; fewer when the other side ends before. */
  async takeExactly(count: number, deadline: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      const chunk = await this.take(deadline);
      if (chunk.length === 0) break;
      parts.push(chunk.subarray(0, missing));
      if (chunk.length > missing) this.#chunks.unshift(chunk.subarray(missing));
      missing -= Math.min(missing, chunk.length);
    }
    return Buffer.concat(parts);
  }

  /** Everything that came until the other side ended its direction. */
  async takeAll(deadline: number): Promise<Uint8Array> {
    await this.ended(deadline);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return all;
  }

  /** Waits until the other side has ended its direction, one way or the other. */
  async ended(deadline: number): Promise<Ending> {
    while (this.ending === undefined) {
      await this.#change(deadline, () => `the implementation left its direction open behind byte ${this.received}`);
    }
    return this.ending;
  }

  close(): void {
    this.#dead = true;
    this.#socket.terminate();
  }

  onData(chunk: Uint8Array): void {
    this.received += chunk.length;
    this.#chunks.push(chunk);
    this.#timeline.moved(this.name, "iut wrote", chunk.length, this.received);
    this.#turn();
  }

  onDrain(): void {
    this.#turn();
  }

  onEnd(): void {
    this.#ends("end");
  }

  /** Bun reports the end of a socket that has ended its own direction as its close. */
  onClose(error: Error | undefined): void {
    const orderly = error === undefined && (this.#finished || this.ending === "end");
    this.#dead = true;
    this.#ends(orderly || this.ending !== undefined ? (this.ending ?? "end") : "reset");
  }

  #ends(how: Ending): void {
    if (this.ending === undefined) {
      this.ending = how;
      const what = how === "end" ? "iut ended its direction" : "iut reset the connection";
      this.#timeline.add(this.name, `${what} at byte ${this.received}`);
    }
    this.#turn();
  }

  #turn(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #change(deadline: number, problem: () => string): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Overdue(`${this.name}: ${problem()} within ${(deadline / 1000).toFixed(1)} s`)),
      deadline,
    );
    try {
      await Promise.race([this.#changed.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The handlers that every data socket of the harness has; `open` makes its peer. */
export function peerHandlers(open: (socket: PeerSocket) => void): SocketHandler<Peer | undefined> {
  return {
    binaryType: "uint8array",
    open,
    data: (socket, chunk) => socket.data?.onData(chunk),
    drain: (socket) => socket.data?.onDrain(),
    end: (socket) => socket.data?.onEnd(),
    close: (socket, error) => socket.data?.onClose(error),
    error: (socket) => socket.terminate(),
    connectError: () => {},
  };
}
