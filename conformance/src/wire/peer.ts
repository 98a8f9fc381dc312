import type { Socket, SocketHandler } from "bun";
import type { Told, Track } from "../capture/tape.ts";
import type { Timeline } from "./timeline.ts";

/** How the other side ended its direction: in order, or by a reset. Both are a close; which it was is told. */
export type Ending = "end" | "reset";

/** A connection did not do what a scenario waits for: a failure of the implementation, with its reason. */
export class WireFailure extends Error {
  override readonly name = "WireFailure";
}

/** What was waited for did not come in time. */
export class Overdue extends WireFailure {}

/** Bytes of one connection that may wait to be taken: several times what any scenario has to wait for. */
const MOST_WAITING = 128 << 20;

export type PeerSocket = Socket<Peer | undefined>;

/**
 * The harness's end of a connection under test: raw bytes, written and read when a scenario says so. Nothing is sent on its own,
 * and nothing is thrown away; an implementation that floods the connection is let go, and whoever waits for it fails.
 */
export class Peer {
  readonly name: string;
  /** Bytes that the operating system took, and that came and were taken or wait to be. */
  written = 0;
  received = 0;
  ending: Ending | undefined;
  /** How many bytes may wait here. */
  most = MOST_WAITING;
  readonly #socket: PeerSocket;
  readonly #timeline: Timeline;
  readonly #track: Track | undefined;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #flooded: WireFailure | undefined;
  #changed = Promise.withResolvers<void>();
  #finished = false;
  #dead = false;
  #refused = false;

  constructor(name: string, socket: PeerSocket, timeline: Timeline) {
    this.name = name;
    this.#socket = socket;
    this.#timeline = timeline;
    this.#track = timeline.tape?.open(name);
    socket.data = this;
    socket.setNoDelay?.(true);
  }

  /** Bytes that came and that nobody has taken. */
  get waiting(): number {
    return this.#waiting;
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
      this.#refused = true;
      return 0;
    }
    this.written += taken;
    if (taken > 0) {
      this.#timeline.moved(this.name, "harness wrote", taken, this.written);
      this.#track?.wrote(bytes.subarray(0, taken));
    }
    return taken;
  }

  /** Writes all bytes. A peer that has gone takes none, and that is no failure of the write: what follows shows it. */
  async write(bytes: Uint8Array, deadline: number): Promise<void> {
    let rest = bytes.subarray(this.offer(bytes));
    while (rest.length > 0 && !this.#dead) {
      let taken = 0;
      const moved = () => {
        taken = this.offer(rest);
        return taken > 0 || this.#dead;
      };
      await this.#until(moved, deadline, () => `the implementation took no more bytes behind byte ${this.written}`);
      rest = rest.subarray(taken);
    }
  }

  /** Ends the harness's direction; reading goes on. */
  end(): void {
    this.#finished = true;
    this.#timeline.add(this.name, `harness ends its direction at byte ${this.written}`);
    this.#track?.ends("harness");
    this.#socket.shutdown();
  }

  reset(): void {
    this.#timeline.add(this.name, `harness resets the connection at byte ${this.written}`);
    this.close();
  }

  /** What the implementation has said of its end. */
  told(what: Told): void {
    this.#track?.told(what);
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
    const come = () => this.#chunks.length > 0 || this.ending !== undefined;
    await this.#until(come, deadline, () => `nothing came behind byte ${this.received}`);
    const chunk = this.#chunks.shift() ?? new Uint8Array();
    this.#waiting -= chunk.length;
    return chunk;
  }

  /** Takes exactly so many bytes and leaves the rest; fewer when the other side ends before. */
  async takeExactly(count: number, deadline: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      const chunk = await this.take(deadline);
      if (chunk.length === 0) break;
      parts.push(chunk.subarray(0, missing));
      if (chunk.length > missing) {
        this.#chunks.unshift(chunk.subarray(missing));
        this.#waiting += chunk.length - missing;
      }
      missing -= Math.min(missing, chunk.length);
    }
    return Buffer.concat(parts);
  }

  /** Everything that came until the other side ended its direction. */
  async takeAll(deadline: number): Promise<Uint8Array> {
    await this.ended(deadline);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#waiting = 0;
    return all;
  }

  /** Waits until the other side has ended its direction, one way or the other. Bytes that come meanwhile give it no more time. */
  async ended(deadline: number): Promise<Ending> {
    const over = () => this.ending !== undefined;
    await this.#until(over, deadline, () => `the implementation left its direction open behind byte ${this.received}`);
    return this.ending as Ending;
  }

  close(): void {
    this.#track?.resets("harness");
    this.#dead = true;
    this.#socket.terminate();
  }

  onData(chunk: Uint8Array): void {
    if (this.#flooded !== undefined) return;
    this.received += chunk.length;
    this.#waiting += chunk.length;
    this.#chunks.push(chunk);
    this.#timeline.moved(this.name, "iut wrote", chunk.length, this.received);
    this.#track?.received(chunk);
    if (this.#waiting > this.most) this.#letGo();
    this.#turn();
  }

  onDrain(): void {
    this.#turn();
  }

  onEnd(): void {
    this.#ends("end");
  }

  /**
   * Bun reports the end of a socket that has ended its own direction as its close; of one that was reset before a write, it says so to
   * the write alone.
   */
  onClose(error: Error | undefined): void {
    const orderly = error === undefined && !this.#refused && this.#finished;
    this.#dead = true;
    this.#ends(orderly ? "end" : "reset");
  }

  #letGo(): void {
    const problem = `${this.#waiting} bytes came that nobody waits for, and at most ${this.most} are kept`;
    this.#flooded = new WireFailure(`${this.name}: ${problem}`);
    this.#timeline.add(this.name, `harness lets go of the connection at byte ${this.received}`);
    this.close();
  }

  #ends(how: Ending): void {
    if (this.ending === undefined && this.#flooded === undefined) {
      this.ending = how;
      const what = how === "end" ? "iut ended its direction" : "iut reset the connection";
      this.#timeline.add(this.name, `${what} at byte ${this.received}`);
      if (how === "end") this.#track?.ends("iut");
      else this.#track?.resets("iut");
    }
    this.#turn();
  }

  #turn(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits for `done`, which is asked whenever something has happened on the connection. */
  async #until(done: () => boolean, deadline: number, problem: () => string): Promise<void> {
    const overdue = () => new Overdue(`${this.name}: ${problem()} within ${(deadline / 1000).toFixed(1)} s`);
    const end = performance.now() + deadline;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(overdue()), deadline);
    try {
      for (let woken = false; ; woken = true) {
        if (this.#flooded !== undefined) throw this.#flooded;
        if (done()) return;
        // As long as bytes come the runtime turns to no timer.
        if (woken && performance.now() > end) throw overdue();
        await Promise.race([this.#changed.promise, late.promise]);
      }
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
