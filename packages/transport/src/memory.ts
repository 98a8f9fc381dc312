import type { Connection } from "./connection.ts";
import type { Link, LinkEvents } from "./link.ts";
import { ByteRing } from "./ring.ts";
import { type ConnectionOptions, StreamConnection } from "./stream-connection.ts";

/**
 * How much of what is under way the next read gets: asked with the bytes under way (at least 1) and whether no more will
 * come, answered with 1 to `available`. 0 waits for more bytes, and is asked again when some came; at the end it is not obeyed.
 */
export type Chunking = (available: number, ended: boolean) => number;

export interface MemoryPairOptions extends ConnectionOptions {
  /** Splits and glues what is read. Without it a read gets all that is under way. */
  readonly chunking?: Chunking;
  /** Bytes under way in each direction, as a kernel's socket buffer holds them. Default 256 KiB. */
  readonly capacity?: number;
}

const everything: Chunking = (available) => available;

/** Two connected connections in this process: what one writes the other reads, with the manners of a socket. */
export function memoryPair(options: MemoryPairOptions = {}): [Connection, Connection] {
  const { capacity = 256 * 1024, chunking = everything } = options;
  const a = new MemoryLink("memory:a", "memory:b", capacity, chunking);
  const b = new MemoryLink("memory:b", "memory:a", capacity, chunking);
  const pair: [StreamConnection, StreamConnection] = [
    new StreamConnection(a, options),
    new StreamConnection(b, options),
  ];
  a.join(b, pair[0]);
  b.join(a, pair[1]);
  return pair;
}

/** One end: holds the bytes that are under way to it. All reports come from the event loop, never from inside a call. */
class MemoryLink implements Link {
  readonly local: string;
  readonly peer: string;
  readonly maxChunk: number;
  readonly #inbound: ByteRing;
  readonly #chunking: Chunking;
  #other!: MemoryLink;
  #events!: LinkEvents;
  #paused = false;
  #planned = false;
  #closed = false;
  /** The peer ended its direction: after the bytes under way, and reported. */
  #finished = false;
  #reported = false;
  /** The peer found no room and waits to hear of some. */
  #starved = false;

  constructor(local: string, peer: string, capacity: number, chunking: Chunking) {
    this.local = local;
    this.peer = peer;
    this.maxChunk = capacity;
    this.#inbound = new ByteRing(capacity);
    this.#chunking = chunking;
  }

  join(other: MemoryLink, events: LinkEvents): void {
    this.#other = other;
    this.#events = events;
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    const to = this.#other;
    if (this.#closed || to.#finished) return -1;
    const taken = to.#inbound.push(bytes, offset, offset + length);
    if (taken < length) to.#starved = true;
    to.#plan();
    return taken;
  }

  shutdown(): void {
    this.#other.#finished = true;
    this.#other.#plan();
  }

  terminate(): void {
    if (this.#closed) return;
    this.#closed = true;
    const other = this.#other;
    setImmediate(() => other.#close(Object.assign(new Error("connection reset by peer"), { code: "ECONNRESET" })));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#plan();
  }

  #plan(): void {
    if (this.#planned || this.#closed) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (!this.#closed && !this.#paused && this.#inbound.size > 0) {
      const available = this.#inbound.size;
      const wanted = this.#chunking(available, this.#finished);
      // A full pipe moves on, like the end: held back for good, it would block the peer for ever.
      const held = this.#finished || this.#inbound.free === 0 ? available : 0;
      const count = Math.min(wanted > 0 ? wanted : held, available);
      if (count === 0) break;
      this.#events.onData(this.#inbound.shift(count));
    }
    this.#relieve();
    if (!this.#finished || this.#reported || this.#closed || this.#paused || this.#inbound.size > 0) return;
    this.#reported = true;
    this.#events.onEnd();
    if (this.#other.#reported) {
      this.#close();
      this.#other.#close();
    }
  }

  #relieve(): void {
    if (!this.#starved || this.#inbound.free === 0) return;
    this.#starved = false;
    const other = this.#other;
    setImmediate(() => {
      if (!other.#closed) other.#events.onDrain();
    });
  }

  #close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbound.clear();
    this.#events.onClose(error);
  }
}
