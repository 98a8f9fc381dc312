import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Bytes, BytesIn, CaseRequest, DeclineReason, Event, Hello, Step } from "../../src/protocol.ts";

/** A longer run is not built to have a library refuse it: the case is declined. */
const MAX_BUILT = 64 * 1024 * 1024;

/** What a library handed out: a message, or its own error in the word of the closed list that it comes to. */
export type Found = { readonly payload: Uint8Array; readonly flag?: number } | Refusal;
export type Refusal = { readonly word: string; readonly text: string };

export interface Decoder {
  /** One read. */
  feed(chunk: Buffer): readonly Found[] | Promise<readonly Found[]>;
  /** The stream ends. What the library says of it; nothing is a clean end. */
  end(): readonly Found[] | Promise<readonly Found[]>;
}

/** A library, as the shim asks it. */
export interface Peer {
  readonly iut: Hello["iut"];
  readonly granularity: Hello["error_granularity"];
  readonly profile: "len32" | "grpc-lpm";
  /** The largest limit that the library takes. */
  readonly maxFrameLength: number;
  open(limit: number): Decoder;
  encode(payload: Buffer, limit: number): Buffer | Refusal | Promise<Buffer | Refusal>;
}

/** What the library cannot be asked. */
export class Declined extends Error {
  readonly reason: DeclineReason;

  constructor(reason: DeclineReason, text: string) {
    super(text);
    this.reason = reason;
  }
}

const PREFIX = { len32: 4, "grpc-lpm": 5 } as const;

function show(bytes: Uint8Array): Bytes {
  if (bytes.length <= 4096) return Buffer.from(bytes).toString("hex");
  return { length: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function build(value: BytesIn): Buffer {
  if (typeof value === "string") return Buffer.from(value, "hex");
  const { byte, count } = value.fill;
  if (count > MAX_BUILT) throw new Declined("limit", `${count} bytes are not built here for a library to refuse`);
  return Buffer.alloc(count, byte);
}

/** One connection: it counts bytes, since the libraries name no offsets. */
class Stream {
  readonly #peer: Peer;
  readonly #decoder: Decoder;
  #fed = 0;
  /** Where the frame begins that comes next: behind what was handed out. */
  #start = 0;
  #refused = false;

  constructor(peer: Peer, limit: number) {
    this.#peer = peer;
    this.#decoder = peer.open(limit);
  }

  async feed(chunk: Buffer): Promise<Event[]> {
    this.#fed += chunk.length;
    return this.#events(await this.#decoder.feed(chunk));
  }

  async end(): Promise<Event[]> {
    const events = this.#events(await this.#decoder.end());
    return this.#refused ? events : [...events, { event: "end" }];
  }

  /** An error is told once: to repeat it is to be sticky. A message after it is told, and is wrong. */
  #events(found: readonly Found[]): Event[] {
    return found.flatMap((item): Event[] => {
      if ("word" in item) {
        if (this.#refused) return [];
        this.#refused = true;
        return [refusal(item, this.#at(item.word), true, this.#peer)];
      }
      this.#start += PREFIX[this.#peer.profile] + item.payload.length;
      const payload = show(item.payload);
      return [{ event: "message", value: item.flag === undefined ? { payload } : { flag: item.flag, payload } }];
    });
  }

  /** The offset that an error of this kind has. */
  #at(word: string): number {
    if (word.startsWith("eof")) return this.#fed;
    return this.#start + (word.startsWith("codec") || word.startsWith("flags") ? 1 : PREFIX[this.#peer.profile]);
  }
}

function refusal({ word, text }: Refusal, at: number, fatal: boolean, { granularity }: Peer): Event {
  const said = granularity === "none" ? {} : { class: word };
  return { event: "error", ...said, at: String(at), fatal, text };
}

async function encode(peer: Peer, step: Step, limit: number): Promise<Event[]> {
  if (!("encode" in step)) throw new Declined("step", "");
  const value = step.encode as { readonly payload: BytesIn; readonly flag?: number };
  if (value.flag !== undefined && value.flag !== 0) throw new Declined("step", "the library sets the flag itself");
  const answer = await peer.encode(build(value.payload), limit);
  if (!Buffer.isBuffer(answer)) return [refusal(answer, 0, false, peer)];
  const bytes = show(answer);
  return [{ event: "bytes", ...(typeof bytes === "string" ? { hex: bytes } : bytes) }];
}

async function runCase(peer: Peer, { profile, role, limits, steps }: CaseRequest): Promise<Event[][]> {
  if (profile !== peer.profile) throw new Declined("profile", `only ${peer.profile}`);
  const limit = Number(limits.max_frame_length ?? peer.maxFrameLength);
  if (limit > peer.maxFrameLength) throw new Declined("limit", `above ${peer.maxFrameLength}`);
  let stream = new Stream(peer, limit);
  const lists: Event[][] = [];
  for (const step of steps) {
    if ("reset" in step) {
      stream = new Stream(peer, limit);
      lists.push([]);
    } else if (role === "encode") lists.push(await encode(peer, step, limit));
    else if ("feed" in step) lists.push(await stream.feed(Buffer.from(step.feed, "hex")));
    else if ("feed_fill" in step) lists.push(await stream.feed(build({ fill: step.feed_fill })));
    else if ("eof" in step) lists.push(await stream.end());
    else throw new Declined("step", "");
  }
  return lists;
}

async function answer(peer: Peer, request: CaseRequest): Promise<object> {
  const { seq } = request;
  try {
    if (request.op !== "case") throw new Declined("operation", "only case");
    return { op: "result", seq, steps: await runCase(peer, request) };
  } catch (error) {
    if (error instanceof Declined) return { op: "declined", seq, reason: error.reason, text: error.message };
    return { op: "errored", seq, text: String(error) };
  }
}

/** Speaks level 1 of the IUT protocol for a library, until the harness says bye. */
export async function serve(peer: Peer): Promise<void> {
  const [host, port] = (process.env.TENSORWIRE_ADDR ?? "").split(":");
  const socket = connect(Number(port), host);
  await once(socket, "connect");
  socket.setNoDelay(true);
  const send = (message: object) => void socket.write(`${JSON.stringify(message)}\n`);
  const declared = { roles: ["decode", "encode"], max_frame_length: String(peer.maxFrameLength) } as const;
  send({
    op: "hello",
    protocol: 1,
    token: process.env.TENSORWIRE_TOKEN ?? "",
    iut: peer.iut,
    profiles: { [peer.profile]: declared },
    capabilities: [],
    error_granularity: peer.granularity,
  } satisfies Hello);
  for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })) {
    const message = JSON.parse(line) as { readonly op: string };
    if (message.op === "bye") break;
    if (message.op !== "welcome") send(await answer(peer, message as CaseRequest));
  }
  socket.end();
}
