import {
  type DecoderMemory,
  decodeMultipart,
  FrameDecoder,
  type MultipartMessage,
  refusal,
  WireError,
} from "@tensorwire/framing";
import { type MessageLimits, messageLimits, peerFault } from "@tensorwire/tensor-spec";
import { decodeHeader, HEADER_SIZE, type TpHeader } from "./header.ts";

/** What one `push` made whole. `error` is fatal and stays; the messages come before it. */
export interface Decoded<Message> {
  readonly messages: readonly Message[];
  readonly error: WireError | null;
}

/** Judges the order of headers for a session. The layout alone judges none. */
export interface HeaderGate {
  /** The first byte of a header is there, at stream offset `at`. Throws to refuse it. */
  begin(at: number): void;
  /** A header is whole, `at` being its end. False drops its message: read to the end, not delivered. Throws to refuse it. */
  admit(header: TpHeader, at: number): boolean;
}

/** Makes a message of a header and, for INFER, of a multipart payload whose frame ended at `at`. Throws peer faults. */
export type ReadMessage<Message> = (header: TpHeader, payload: MultipartMessage | null, at: number) => Message;

/**
 * Cuts a stream into header-first messages: 40 bytes, and after INFER one `len64` frame that holds a multipart message.
 * TP and PP requests differ only in what `read` makes of them. All state is the object's own. r[tp.state.isolated]
 */
export class HeaderDecoder<Message> {
  readonly #read: ReadMessage<Message>;
  readonly #limits: MessageLimits;
  readonly #gate: HeaderGate | null;
  readonly #frames: FrameDecoder;
  /** A header that is not whole yet. */
  readonly #partial = new Uint8Array(HEADER_SIZE);
  #partialHave = 0;
  /** The INFER header whose frame is awaited; null where a header would begin. */
  #pending: TpHeader | null = null;
  #dropping = false;
  #error: WireError | null = null;
  #ended = false;

  constructor(read: ReadMessage<Message>, limits: Partial<MessageLimits> = {}, gate: HeaderGate | null = null) {
    this.#read = read;
    this.#limits = messageLimits(limits);
    this.#gate = gate;
    this.#frames = new FrameDecoder("len64", this.#limits);
  }

  /** The fatal error, once there is one. r[tp.error.sticky] r[pp.error.sticky] */
  get error(): WireError | null {
    return this.#error;
  }

  /** Bytes of the stream read so far. r[tp.infer.offsets]: the frame decoder counts the headers too. */
  get offset(): number {
    return this.#frames.offset + this.#partialHave;
  }

  /** True between the first byte of a message and its last: a receiver's deadline for a whole message runs then. */
  get inside(): boolean {
    return this.#partialHave > 0 || this.#pending !== null;
  }

  get memory(): DecoderMemory {
    return this.#frames.memory;
  }

  /**
   * Reads a chunk, cut wherever it may be. Messages own their bytes. Never throws for a peer's bytes.
   * r[tp.boundary.chunking] r[pp.boundary.chunking]
   *
   * @throws WireError `state` after `end()`: the caller's fault.
   */
  push(chunk: Uint8Array): Decoded<Message> {
    if (this.#ended) throw refusal("state", "expected no bytes after end(), a push came");
    const messages: Message[] = [];
    try {
      for (let i = 0; i < chunk.length && this.#error === null; ) {
        i = this.#pending === null ? this.#takeHeader(chunk, i, messages) : this.#takeFrame(chunk, i, messages);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#error = error;
    }
    return { messages, error: this.#error };
  }

  /**
   * The stream ended: null when that was where a header would begin, else the error that names the place.
   * r[tp.eof.boundary] r[pp.eof.boundary]
   */
  end(): WireError | null {
    this.#ended = true;
    const blame = peerFault(this.offset);
    // r[tp.header.cut]
    if (this.#error === null && this.#partialHave > 0) {
      const message = `expected ${HEADER_SIZE} bytes of header, the stream ended after ${this.#partialHave}`;
      this.#error = blame("eof.in-header", message);
    }
    // r[tp.infer.cut-prefix] r[tp.infer.cut-body] r[tp.infer.cut-before-prefix] r[pp.infer.cut]
    if (this.#error === null && this.#pending !== null) {
      const { call_id } = this.#pending;
      const owed = `expected a frame after the INFER header of call ${call_id}, the stream ended before its first byte`;
      this.#error = this.#frames.end() ?? blame("eof.in-prefix", owed);
    }
    return this.#error;
  }

  #takeHeader(chunk: Uint8Array, from: number, messages: Message[]): number {
    if (this.#partialHave === 0) this.#gate?.begin(this.offset + 1);
    const to = Math.min(chunk.length, from + HEADER_SIZE - this.#partialHave);
    const whole = to - from === HEADER_SIZE;
    if (!whole) this.#partial.set(chunk.subarray(from, to), this.#partialHave);
    this.#partialHave += to - from;
    if (this.#partialHave < HEADER_SIZE) return to;
    this.#partialHave = 0;
    this.#frames.skip(HEADER_SIZE);
    const at = this.#frames.offset;
    const header = whole ? decodeHeader(chunk, from, peerFault(at)) : decodeHeader(this.#partial, 0, peerFault(at));
    const admitted = this.#gate?.admit(header, at) ?? true;
    if (header.action === "INFER") {
      this.#pending = header;
      this.#dropping = !admitted;
    } else if (admitted) {
      // r[tp.action.header-only] r[pp.action.header-only]
      messages.push(this.#read(header, null, at));
    }
    return to;
  }

  #takeFrame(chunk: Uint8Array, from: number, messages: Message[]): number {
    // One frame at a time: what follows it is a header. r[tp.infer.payload] r[pp.infer.payload]
    const batch = this.#frames.push(chunk, from, 1);
    // r[tp.infer.oversize] r[pp.infer.oversize] r[tp.infer.limit-allocation]
    if (batch.error !== null) throw batch.error;
    if (batch.count === 0) return batch.consumed;
    const header = this.#pending!;
    this.#pending = null;
    if (this.#dropping) return batch.consumed;
    const at = batch.at(0);
    // r[tp.infer.multipart] r[pp.infer.multipart]
    const payload = decodeMultipart(batch.view(0), { maxParts: this.#limits.maxParts, offset: at });
    // r[tp.error.atomic] r[pp.error.atomic]: what read() refuses is not delivered.
    messages.push(this.#read(header, payload, at));
    return batch.consumed;
  }
}
