import type { Socket } from "node:net";
import { CODECS, type Codec, readLimits } from "../ports/ts/src/codec.ts";
import type { Event, Json } from "../src/protocol.ts";
import type { Spoken, State, WireEvent } from "../src/wire/protocol.ts";

/** A message as bytes, or why it cannot be sent. The codec is no part of what the liars of ranks lie about: it is the reference's. */
export function encoded(profile: string, value: Json): Buffer | Event {
  const codec = CODECS.get(profile) as Codec;
  try {
    return Buffer.concat((codec.encoder as NonNullable<Codec["encoder"]>)(readLimits(codec, {}))(value as never));
  } catch (error) {
    return { event: "error", class: (error as { code: string }).code, at: "0", fatal: false };
  }
}

function decoded({ profile, limits }: Spoken, bytes: Buffer, end: boolean): readonly Event[] {
  const codec = CODECS.get(profile) as Codec;
  const { max_frame_length = "65536" } = limits;
  const decoder = codec.decoder(readLimits(codec, { max_frame_length }));
  const { events, error } = decoder.push(bytes);
  const fault = error ?? (end ? decoder.end() : null);
  if (fault === null) return events;
  return [...events, { event: "error", class: fault.code, at: String(fault.offset), fatal: true }];
}

export interface Header {
  readonly call_id: string;
  readonly chunk_index: string;
  readonly control_epoch: string;
  readonly cache_epoch: string;
  readonly action: "NOOP" | "INFER" | "SHUTDOWN";
}

export type Request = { readonly header: Header; readonly tensor_specs?: Json; readonly tensors?: Json };

/** What a rank tells whoever owns it. */
export interface Owner {
  taken(rank: HonestRank, request: Request): void;
  lost(rank: HonestRank): void;
}

/** One connection on which the IUT is a rank: what comes is decoded from the start each time, since it is little. */
export class HonestRank {
  readonly socket: Socket;
  readonly spoken: Spoken;
  readonly owner: Owner;
  events: WireEvent[] = [];
  read = Buffer.alloc(0);
  written = 0;
  /** Nothing more is read or written: the end of both directions, or of the rank. */
  over = false;
  /** SHUTDOWN has passed, one way or the other: what ends now ends in order. */
  closed = false;
  /** The last message that was sent or taken. */
  last: Header | undefined;
  #told = 0;
  #turned = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: Socket, spoken: Spoken, owner: Owner) {
    this.socket = socket;
    this.spoken = spoken;
    this.owner = owner;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.onData(chunk));
    socket.on("end", () => this.onEnd());
    socket.on("error", () => this.onReset());
    socket.on("close", () => this.finish());
    socket.resume();
    if (!this.leads) this.wait();
  }

  /** A leader reads nothing but the end of its workers. */
  get leads(): boolean {
    return this.spoken.role === "tp-leader";
  }

  onData(chunk: Buffer): void {
    if (this.over || this.closed) return;
    this.read = Buffer.concat([this.read, chunk]);
    if (this.leads) {
      // A worker sends nothing.
      this.lose({ event: "error", class: "state", at: "1", fatal: true });
      return;
    }
    this.judge(false);
    this.wait();
    this.turn();
  }

  onEnd(): void {
    if (this.over || this.closed) return;
    if (!this.leads) this.judge(true);
    this.lose();
  }

  onReset(): void {
    if (!this.over) this.lose();
  }

  judge(end: boolean): void {
    for (const event of decoded(this.spoken, this.read, end).slice(this.#told)) {
      this.#told++;
      if (event.event === "error") this.lose(event);
      if (event.event !== "message") continue;
      this.events.push(event);
      const request = event.value as unknown as Request;
      this.last = request.header;
      this.owner.taken(this, request);
    }
  }

  send(bytes: Buffer): void {
    this.written += bytes.length;
    if (this.socket.write(bytes)) return;
    // What the peer does not take in time is the peer's loss.
    this.wait();
    this.socket.once("drain", () => (this.leads ? clearTimeout(this.#timer) : this.wait()));
  }

  /** In order: behind what was sent, this direction ends. */
  end(): void {
    this.closed = true;
    clearTimeout(this.#timer);
    this.socket.end();
  }

  lose(...events: readonly Event[]): void {
    if (this.over) return;
    const calls = this.spoken.role === "pp-stage" || this.last === undefined ? [] : [this.last.call_id];
    this.events.push(...events, { event: "lost", calls });
    this.drop();
    this.owner.lost(this);
  }

  /** Because of another rank: SHUTDOWN behind what was sent, or a reset where something still waits. */
  release(): void {
    if (this.over || this.closed) return;
    const { call_id = "0", control_epoch = "0", cache_epoch = "0", chunk_index = "0" } = this.last ?? {};
    const after = { call_id: String(BigInt(call_id) + 1n), control_epoch: String(BigInt(control_epoch) + 1n) };
    const bytes = encoded("tp", { header: { chunk_index, cache_epoch, ...after, action: "SHUTDOWN" } });
    if (this.socket.writableLength > 0) this.drop();
    else {
      this.send(bytes as Buffer);
      this.end();
    }
  }

  drop(): void {
    this.socket.resetAndDestroy();
    this.finish();
  }

  finish(): void {
    this.over = true;
    clearTimeout(this.#timer);
    this.turn();
  }

  /** For the next message, or the rest of this one. */
  wait(): void {
    const { deadline_ms = "30000" } = this.spoken.limits;
    clearTimeout(this.#timer);
    if (!this.over && !this.closed) this.#timer = setTimeout(() => this.lose(), Number(deadline_ms));
  }

  turn(): void {
    this.#turned.resolve();
    this.#turned = Promise.withResolvers();
  }

  async sync(n: number, end: boolean): Promise<void> {
    while (!this.over && (this.read.length < n || end)) await this.#turned.promise;
  }

  state(seq: number, conn: string): State {
    const { events, read, written, over } = this;
    this.events = [];
    return { op: "state", seq, conn, read: read.length, written, buffered: 0, reading: !over, events };
  }
}
