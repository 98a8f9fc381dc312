import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Answer, CaseRequest, Event, Hello } from "../src/protocol.ts";
import type { State, WireAnswer, WireEvent, WireRequest } from "../src/wire/protocol.ts";
import { honest, honestHello, shown } from "./honest.ts";

/** An IUT of `len32` at level 2 that is right, on plain sockets of Node's: what the liars of level 2 differ from in one point. */
export const wireHello: Hello = {
  ...honestHello,
  profiles: { len32: { roles: ["decode", "encode"], max_frame_length: "65536" } },
  capabilities: ["wire"],
};

type Numbered = WireRequest & { readonly seq: number };
type Reply = WireAnswer | Answer;

/** Above so many waiting bytes an honest sender stops. */
const HIGH_WATER = 1 << 18;

export class HonestConnection {
  readonly socket: Socket;
  readonly limit: number;
  events: WireEvent[] = [];
  read = 0;
  accepted = 0;
  reading = true;
  /** What has come of the message that is not whole; and where it began. */
  rest = Buffer.alloc(0);
  #turned = Promise.withResolvers<void>();

  constructor(socket: Socket, limit: number) {
    this.socket = socket;
    this.limit = limit;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.onData(chunk));
    socket.on("end", () => this.onEnd());
    socket.on("error", () => this.onReset());
    socket.resume();
  }

  onData(chunk: Buffer): void {
    if (!this.reading) return;
    const before = this.read - this.rest.length;
    this.rest = Buffer.concat([this.rest, chunk]);
    this.read += chunk.length;
    let at = 0;
    while (this.rest.length - at >= 4) {
      const length = this.rest.readUInt32BE(at);
      if (length > this.limit) {
        this.refuse({ event: "error", class: "oversize.declared", at: String(before + at + 4), fatal: true });
        return;
      }
      if (this.rest.length - at < 4 + length) break;
      this.events.push({ event: "message", value: { payload: shown(this.rest.subarray(at + 4, at + 4 + length)) } });
      at += 4 + length;
    }
    this.rest = this.rest.subarray(at);
    this.turn();
  }

  onEnd(): void {
    if (!this.reading) return;
    const word = this.rest.length < 4 ? "eof.in-prefix" : "eof.in-body";
    if (this.rest.length === 0) this.stop({ event: "end" });
    else this.stop({ event: "error", class: word, at: String(this.read), fatal: true });
  }

  onReset(): void {
    if (this.reading) this.stop({ event: "reset", at: String(this.read) });
  }

  refuse(event: Event): void {
    this.socket.end();
    this.stop(event);
  }

  stop(event: WireEvent): void {
    this.events.push(event);
    this.reading = false;
    this.turn();
  }

  turn(): void {
    this.#turned.resolve();
    this.#turned = Promise.withResolvers();
  }

  async sync(n: number, end: boolean): Promise<void> {
    while (this.reading && (this.read < n || end)) await this.#turned.promise;
  }

  send(payload: Buffer, count: number): void {
    if (payload.length > this.limit) {
      this.events.push({ event: "error", class: "oversize.declared", at: "0", fatal: false });
      return;
    }
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 0]), payload]);
    frame.writeUInt32BE(payload.length, 0);
    const more = (left: number): void => {
      if (left === 0) return;
      this.accepted += frame.length;
      this.socket.write(frame);
      if (this.full) this.socket.once("drain", () => more(left - 1));
      else more(left - 1);
    };
    more(count);
  }

  get full(): boolean {
    return this.socket.writableLength > HIGH_WATER;
  }

  state(seq: number, conn: string): State {
    const { events, read, reading } = this;
    this.events = [];
    const buffered = this.socket.writableLength;
    return { op: "state", seq, conn, read, written: this.accepted - buffered, buffered, reading, events };
  }
}

export class HonestWire {
  readonly connections = new Map<string, HonestConnection>();
  readonly #sockets: Socket[] = [];
  #server: Server | undefined;
  #limit = 0;
  #arrived = Promise.withResolvers<void>();

  /** Level 1 by the function beside this, level 2 here. */
  async handle(request: CaseRequest | Numbered): Promise<Reply> {
    const { seq } = request;
    if (request.op === "case") return honest(request);
    if (request.op === "clear") {
      this.clear();
      return { op: "cleared", seq };
    }
    if (request.op === "listen") return this.listen(request);
    if (!("conn" in request)) return { op: "declined", seq, reason: "operation" };
    if (request.op === "accept") {
      this.connections.set(request.conn, this.connection(await this.next(), this.#limit));
    } else if (request.op === "dial") {
      const [host = "", port = ""] = request.address.split(":");
      const place = request.address.startsWith("/") ? { path: request.address } : { host, port: Number(port) };
      const socket = connect({ ...place, allowHalfOpen: true });
      await once(socket, "connect");
      this.connections.set(request.conn, this.connection(socket, Number(request.limits.max_frame_length)));
    } else {
      await this.act(this.connections.get(request.conn) as HonestConnection, request);
    }
    return (this.connections.get(request.conn) as HonestConnection).state(seq, request.conn);
  }

  connection(socket: Socket, limit: number): HonestConnection {
    return new HonestConnection(socket, limit);
  }

  /** Those that have come and have no name, when there are so many. */
  async waiting(count: number): Promise<Socket[]> {
    while (this.#sockets.length < count) await this.#arrived.promise;
    return this.#sockets;
  }

  /** r[iut.wire.accept] */
  async next(): Promise<Socket> {
    const sockets = await this.waiting(1);
    return sockets.shift() as Socket;
  }

  async act(connection: HonestConnection, request: Numbered): Promise<void> {
    const { socket } = connection;
    if (request.op === "sync") await connection.sync(request.n, request.end === true);
    if (request.op === "send" && "conn" in request) connection.send(bytesOf(request.value), request.count ?? 1);
    if (request.op === "pause") socket.pause();
    if (request.op === "resume") socket.resume();
    if (request.op === "close" && request.how === "end") socket.end();
    if (request.op === "close" && request.how === "reset") socket.resetAndDestroy();
    await new Promise((resolve) => setImmediate(resolve));
  }

  clear(): void {
    this.#server?.close();
    for (const { socket } of this.connections.values()) socket.destroy();
    this.connections.clear();
    this.#sockets.length = 0;
  }

  async listen({ seq, address, limits }: Numbered & { op: "listen" }): Promise<Reply> {
    this.#limit = Number(limits.max_frame_length);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.#sockets.push(socket);
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    });
    const unix = address.startsWith("/");
    if (unix) this.#server.listen(address);
    else this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    if (unix) return { op: "listening", seq, address };
    const { port } = this.#server.address() as { port: number };
    return { op: "listening", seq, address: `127.0.0.1:${port}` };
  }
}

function bytesOf(value: unknown): Buffer {
  const { payload } = value as { payload: string | { fill: { byte: number; count: number } } };
  if (typeof payload === "string") return Buffer.from(payload, "hex");
  return Buffer.alloc(payload.fill.count, payload.fill.byte);
}
