import { type Endpoint, FLAG, MOST_PAYLOAD, packetOf } from "./segment.ts";

/** Who opened the connection, and who was there. */
export type End = "dialler" | "listener";

/** Takes a packet with its comments, at this moment. */
export type PacketSink = (packet: Uint8Array, comments: readonly string[]) => void;

export interface ConversationEnds {
  readonly dialler: Endpoint;
  readonly listener: Endpoint;
}

const OTHER = { dialler: "listener", listener: "dialler" } as const;
const WINDOW = 0xffff;

interface Direction {
  /** Of the next byte, counted from the SYN; the number on the wire is this modulo 2^32. */
  next: number;
  /** How far the other end has said that it has read. */
  acknowledged: number;
  finished: boolean;
  /** Whether the window is a byte smaller now: then what acknowledges nothing new is no duplicate. */
  narrow: boolean;
}

/**
 * One connection as TCP packets: what was seen at a socket, in the segments that a card might have seen. Sequence numbers begin at 0 on both sides.
 * An end acknowledges what it is told to have read.
 */
export class Conversation {
  readonly #ends: ConversationEnds;
  readonly #write: PacketSink;
  readonly #sent: Readonly<Record<End, Direction>> = { dialler: direction(), listener: direction() };
  #over = false;

  constructor(ends: ConversationEnds, write: PacketSink, comments: readonly string[] = []) {
    this.#ends = ends;
    this.#write = write;
    this.#packet("dialler", FLAG.syn, comments);
    this.#sent.dialler.next = 1;
    this.#sent.dialler.acknowledged = 1;
    this.#packet("listener", FLAG.syn | FLAG.ack);
    this.#sent.listener.next = 1;
    this.#sent.listener.acknowledged = 1;
    this.#packet("dialler", FLAG.ack);
  }

  /** Bytes that went from this end, at one moment: one segment, or as many as they need. */
  bytes(from: End, bytes: Uint8Array, comments: readonly string[] = []): void {
    for (let at = 0; at < bytes.length; at += MOST_PAYLOAD) {
      const payload = bytes.subarray(at, at + MOST_PAYLOAD);
      this.#packet(from, FLAG.push | FLAG.ack, at === 0 ? comments : [], payload);
      this.#sent[from].next += payload.length;
    }
  }

  /** This end has read up to byte `count` of the other's stream: what it sends from here on says so. */
  read(by: End, count: number): void {
    const { [OTHER[by]]: other } = this.#sent;
    // Behind the last byte stands the FIN.
    const upTo = Math.min(1 + count, other.next);
    other.acknowledged = Math.max(other.acknowledged, upTo);
  }

  /** This end has read all that there is, the end too. */
  readAll(by: End): void {
    const { [OTHER[by]]: other } = this.#sent;
    other.acknowledged = other.next;
  }

  /** A packet without bytes, for its comments. */
  say(from: End, comments: readonly string[]): void {
    this.#sent[from].narrow = !this.#sent[from].narrow;
    this.#packet(from, FLAG.ack, comments);
  }

  end(from: End, comments: readonly string[] = []): void {
    if (this.#over || this.#sent[from].finished) return;
    this.#packet(from, FLAG.fin | FLAG.ack, comments);
    this.#sent[from].finished = true;
    this.#sent[from].next++;
  }

  /** The first of the two that resets: what the other sees of it is no second one. */
  reset(from: End, comments: readonly string[] = []): void {
    if (this.over) return;
    this.#over = true;
    this.#packet(from, FLAG.rst | FLAG.ack, comments);
  }

  /** Both directions have ended, or one end has reset it. */
  get over(): boolean {
    return this.#over || (this.#sent.dialler.finished && this.#sent.listener.finished);
  }

  #packet(from: End, flags: number, comments: readonly string[] = [], payload?: Uint8Array): void {
    const to = OTHER[from];
    const acknowledged = (flags & FLAG.ack) === 0 ? 0 : this.#sent[to].acknowledged;
    const segment = {
      from: this.#ends[from],
      to: this.#ends[to],
      sequence: this.#sent[from].next % 2 ** 32,
      acknowledged: acknowledged % 2 ** 32,
      flags,
      window: this.#sent[from].narrow ? WINDOW - 1 : WINDOW,
    };
    this.#write(packetOf(payload === undefined ? segment : { ...segment, payload }), comments);
  }
}

const direction = (): Direction => ({ next: 0, acknowledged: 0, finished: false, narrow: false });
