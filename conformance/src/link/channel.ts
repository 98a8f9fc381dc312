import type { Socket } from "bun";

/** Where the bytes of a link go. One of `end` and `broken` is called, once, and nothing comes after it. */
export interface ChannelEvents {
  data(chunk: Uint8Array): void;
  end(reason: string): void;
  /** What came is nothing that this channel carries: the adapter's error. */
  broken(reason: string): void;
}

/** A pair of byte streams: a socket, or the pipes of a child. */
export interface Channel {
  /** Sends in order; keeps what the operating system does not take yet. */
  write(bytes: Uint8Array): void;
  /** Resolves when everything written has been taken, or the channel has ended. */
  flushed(): Promise<void>;
  close(): void;
}

/** A channel on one of Bun's sockets. Those buffer nothing: the rest of a write waits here for `drain`. */
export class SocketChannel implements Channel {
  readonly #socket: Socket<SocketChannel | undefined>;
  readonly #waiting: Uint8Array[] = [];
  #events: ChannelEvents | undefined;
  #flushed = Promise.withResolvers<void>();
  #ended = false;

  constructor(socket: Socket<SocketChannel | undefined>, events: (channel: SocketChannel) => ChannelEvents) {
    this.#socket = socket;
    socket.data = this;
    socket.setNoDelay?.(true);
    this.#flushed.resolve();
    this.#events = events(this);
  }

  write(bytes: Uint8Array): void {
    if (this.#ended) return;
    if (this.#waiting.length === 0) this.#flushed = Promise.withResolvers();
    this.#waiting.push(bytes);
    if (this.#waiting.length === 1) this.drain();
  }

  flushed(): Promise<void> {
    return this.#flushed.promise;
  }

  close(): void {
    this.#socket.end();
    this.ended("closed by the harness");
  }

  drain(): void {
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      const taken = this.#socket.write(head);
      if (taken < 0) {
        this.ended("the peer does not read any more");
        return;
      }
      if (taken < head.length) {
        this.#waiting[0] = head.subarray(taken);
        return;
      }
      this.#waiting.shift();
    }
    this.#flushed.resolve();
  }

  received(chunk: Uint8Array): void {
    this.#events?.data(chunk);
  }

  ended(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting.length = 0;
    this.#flushed.resolve();
    this.#events?.end(reason);
    this.#events = undefined;
  }
}

/** The handlers that Bun.listen and Bun.connect share. */
export function socketHandlers(events: (channel: SocketChannel) => ChannelEvents) {
  return {
    open: (socket: Socket<SocketChannel | undefined>) => {
      new SocketChannel(socket, events);
    },
    data: (socket: Socket<SocketChannel | undefined>, chunk: Uint8Array) => socket.data?.received(chunk),
    drain: (socket: Socket<SocketChannel | undefined>) => socket.data?.drain(),
    end: (socket: Socket<SocketChannel | undefined>) => socket.data?.ended("the IUT closed the connection"),
    close: (socket: Socket<SocketChannel | undefined>) => socket.data?.ended("the IUT closed the connection"),
    error: (socket: Socket<SocketChannel | undefined>, error: Error) =>
      socket.data?.ended(`the connection failed: ${error.message}`),
  };
}
