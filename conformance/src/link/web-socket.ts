import { LINE_LIMIT } from "../protocol.ts";
import type { Channel, ChannelEvents } from "./channel.ts";

/** True for what is reached by WebSocket. */
export const isWebSocket = (address: string) => /^wss?:\/\//i.test(address);

/** What this needs of Bun's WebSockets, those of a server and those that dial. */
interface Frames {
  send(text: string): unknown;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** How long a peer may take to answer a close frame. */
const CLOSE_MS = 2000;
/** Close codes (RFC 6455, 7.4.1): 1000 in order, 1003 for a frame of a kind that nobody takes. */
const NORMAL = 1000;
const UNSUPPORTED = 1003;
/** The harness's own bound is a line with its LF, which no frame has. r[iut.link.line-limit] */
const FRAME_LIMIT = LINE_LIMIT - 1;

/** A channel on a WebSocket: a text frame is a line, without its LF. r[iut.ways.web-socket] */
export class FrameChannel implements Channel {
  readonly #socket: Frames;
  readonly #encoder = new TextEncoder();
  #parts: Uint8Array[] = [];
  #events: ChannelEvents | undefined;
  #ending: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: Frames, events: (channel: FrameChannel) => ChannelEvents) {
    this.#socket = socket;
    this.#events = events(this);
  }

  /** A line that is handed over in pieces goes out as one frame: a WebSocket cuts it by itself, or not at all. */
  write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    if (bytes.at(-1) !== LF) return;
    const line = Buffer.concat(this.#parts);
    this.#parts = [];
    if (this.#events !== undefined) this.#socket.send(line.toString("utf8", 0, line.length - 1));
  }

  /** What was sent goes out before the close frame does. */
  async flushed(): Promise<void> {}

  close(): void {
    this.#close(NORMAL, "");
    this.#end("closed by the harness");
  }

  received(frame: string | Uint8Array | ArrayBuffer): void {
    if (this.#events === undefined) return;
    if (typeof frame !== "string") {
      this.#broken(`a binary frame of ${frame.byteLength} bytes came; a message is a text frame`, UNSUPPORTED);
    } else if (frame.includes("\n")) {
      this.#broken("a text frame has a line feed in it; a frame is one line, without its LF", UNSUPPORTED);
    } else {
      // Hears of a frame that is too long as of a line that is: one of 8 MiB is at its limit either way.
      this.#events.data(this.#encoder.encode(`${frame}\n`));
    }
  }

  /** The close frame that came, or 1006 where the connection ended without one; then `reason` is what Bun refused, if it did. */
  closed(code: number, reason: string): void {
    clearTimeout(this.#ending);
    if (code === LOST && reason === TOO_BIG) this.#fail(`a text frame is longer than ${FRAME_LIMIT} bytes`);
    else if (code === LOST && reason !== "") this.#fail(`a frame is none of a WebSocket's: ${reason}`);
    else this.#end(`the IUT closed the WebSocket, ${describeClose(code, reason)}`);
  }

  #broken(text: string, code: number): void {
    // Before the close, which may be told at once.
    this.#fail(text);
    this.#close(code, text);
  }

  #close(code: number, reason: string): void {
    if (this.#ending !== undefined) return;
    this.#socket.close(code, reason);
    this.#ending = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
  }

  #fail(text: string): void {
    const events = this.#events;
    this.#events = undefined;
    events?.broken(text);
  }

  #end(reason: string): void {
    const events = this.#events;
    this.#events = undefined;
    events?.end(reason);
  }
}

const LF = 0x0a;
const LOST = 1006;
const TOO_BIG = "Received too big message";

function describeClose(code: number, reason: string): string {
  const said = reason === "" ? "" : `: ${JSON.stringify(reason)}`;
  if (code === 1005) return "without a code";
  return code === LOST ? `without a close frame (${LOST})${said}` : `with code ${code}${said}`;
}

/** Dials, and resolves when the channel stands. Rejects with what was wrong, in words. */
export async function dialWebSocket(
  url: string,
  events: (channel: FrameChannel) => ChannelEvents,
  late: Promise<never>,
): Promise<void> {
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  let channel: FrameChannel | undefined;
  let wrong = "the connection was closed";
  socket.onopen = () => {
    channel = new FrameChannel(socket, events);
    resolve();
  };
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => channel?.received(data);
  socket.onerror = (event) => {
    wrong = (event as ErrorEvent).message || wrong;
  };
  socket.onclose = ({ code, reason }) => {
    channel?.closed(code, reason);
    reject(new Error(wrong));
  };
  try {
    await Promise.race([opened, late]);
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

/** What a WebSocket that came by a listener is told with. */
interface Arrived {
  channel: FrameChannel | undefined;
  readonly known: boolean;
}

export interface WebSocketListener {
  readonly port: number;
  stop(): void;
}

/**
 * Listens for WebSockets. `known`: the token stood in the query of the URL, where one that is wrong is refused at once. r[iut.launch.token]
 */
export function listenForWebSockets(
  { hostname, port, token }: { hostname: string; port: number; token: string },
  arrive: (channel: FrameChannel, known: boolean) => ChannelEvents,
  refused: (why: string) => void,
): WebSocketListener {
  const server = Bun.serve<Arrived>({
    hostname,
    port,
    fetch(request, server) {
      const given = new URL(request.url).searchParams.get("token");
      if (given !== null && given !== token) {
        refused(`the token of the URL is ${JSON.stringify(given)}`);
        return new Response("the token of the URL is not that of this run\n", { status: 403 });
      }
      const data: Arrived = { channel: undefined, known: given !== null };
      if (server.upgrade(request, { data })) return undefined;
      refused("it asked for a page");
      return new Response("this is the control link of a run: a WebSocket, and no page\n", { status: 426 });
    },
    websocket: {
      maxPayloadLength: FRAME_LIMIT,
      // The deadlines are the link's.
      idleTimeout: 0,
      open: (socket) => {
        socket.data.channel = new FrameChannel(socket, (channel) => arrive(channel, socket.data.known));
      },
      message: ({ data }, frame) => data.channel?.received(frame),
      close: ({ data }, code, reason) => data.channel?.closed(code, reason),
    },
  });
  return { port: server.port ?? port, stop: () => void server.stop(false) };
}
