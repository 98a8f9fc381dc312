import type { Event, Events, Json } from "../protocol.ts";
import { toEventBytes } from "./bytes.ts";
import type { Case } from "./types.ts";

/** Bugs that real len32 decoders have had. The tests of the sweeps show that the corpus catches each. */
export const BUGS = {
  "partial-prefix-dropped": "a prefix that is cut by a read is thrown away",
  "prefix-consumed-early": "the length is forgotten when its body is not in the same read",
  "three-pieces": "a body that spans more than two reads loses its middle",
  "one-frame-per-read": "a second frame in one read waits for the next read",
  "frame-per-read": "a read is taken for a message",
  "eof-in-body-clean": "an end inside a body is called clean",
  "eof-in-prefix-clean": "an end inside a prefix is called clean",
  "eof-kept-as-body": "an end inside a prefix is called an end inside a body",
  "zero-length-waits": "an empty frame is delivered with the next byte",
  "zero-length-dropped": "an empty frame is no message",
  "signed-length": "a length with its high bit set is below every limit",
  "length-16-bit": "a length is cut to 16 bits",
  "little-endian": "the length is read in the wrong byte order",
  "limit-off-by-one-low": "a length equal to the limit is refused",
  "limit-off-by-one-high": "a length one above the limit is accepted",
  "limit-after-body": "the limit is checked when the body is there",
  "not-sticky": "decoding goes on behind a refused length",
  "error-twice": "each read after an error reports it again",
  "drops-before-error": "messages of the read that carries the error are lost",
  "empty-read-is-eof": "an empty read is taken for the end",
  "state-survives-reset": "a new connection goes on with the bytes of the old one",
  "offset-survives-reset": "offsets of a new connection go on where the old one stopped",
} as const;

export type Bug = keyof typeof BUGS;

const PREFIX = 4;

/** A len32 decoder of the simplest kind, right without `bug`: it keeps all bytes that it has not used. */
class NaiveDecoder {
  private buffer: Uint8Array<ArrayBufferLike> = new Uint8Array();
  private offset = 0;
  private error: Event | undefined;
  private readsOfBody = 0;
  private ended = false;

  constructor(
    private readonly limit: number,
    private readonly bug: Bug | undefined,
  ) {}

  push(chunk: Uint8Array): Event[] {
    if (this.ended) return [];
    if (this.error) return this.bug === "error-twice" ? [this.error] : [];
    if (chunk.length === 0) return this.bug === "empty-read-is-eof" ? this.end() : [];
    if (this.bug === "frame-per-read") return [this.message(chunk.subarray(PREFIX))];
    this.readsOfBody = this.buffer.length > PREFIX ? this.readsOfBody + 1 : 0;
    if (this.bug === "three-pieces" && this.readsOfBody > 1) this.buffer = this.buffer.subarray(0, PREFIX + 1);
    this.buffer = Uint8Array.from([...this.buffer, ...chunk]);
    const events: Event[] = [];
    while (this.buffer.length >= PREFIX) {
      const length = this.length();
      const refused = this.refuses(length);
      if (refused && !(this.bug === "limit-after-body" && this.buffer.length < PREFIX + length)) {
        const error = this.fail("oversize.declared", this.offset + PREFIX);
        return this.bug === "drops-before-error" ? [error] : [...events, error];
      }
      const needed = PREFIX + (length === 0 && this.bug === "zero-length-waits" ? 1 : Math.max(0, length));
      if (this.buffer.length < needed) {
        if (this.bug === "prefix-consumed-early") this.take(PREFIX);
        break;
      }
      const payload = this.buffer.slice(PREFIX, PREFIX + length);
      this.take(PREFIX + Math.max(0, length));
      if (length !== 0 || this.bug !== "zero-length-dropped") events.push(this.message(payload));
      if (this.bug === "one-frame-per-read") break;
    }
    if (this.bug === "partial-prefix-dropped" && this.buffer.length < PREFIX) this.take(this.buffer.length);
    return events;
  }

  end(): Event[] {
    if (this.error || this.ended) return [];
    this.ended = true;
    const left = this.buffer.length;
    const clean =
      left === 0 ||
      (left < PREFIX && this.bug === "eof-in-prefix-clean") ||
      (left >= PREFIX && this.bug === "eof-in-body-clean");
    if (clean) return [{ event: "end" }];
    const inBody = left >= PREFIX || this.bug === "eof-kept-as-body";
    return [this.fail(inBody ? "eof.in-body" : "eof.in-prefix", this.offset + left)];
  }

  reset(): NaiveDecoder {
    const next = new NaiveDecoder(this.limit, this.bug);
    if (this.bug === "state-survives-reset") next.buffer = this.buffer;
    if (this.bug === "offset-survives-reset") next.offset = this.offset;
    return next;
  }

  private length(): number {
    const view = new DataView(this.buffer.buffer, this.buffer.byteOffset, PREFIX);
    if (this.bug === "signed-length") return view.getInt32(0);
    if (this.bug === "length-16-bit") return view.getUint16(2);
    return view.getUint32(0, this.bug === "little-endian");
  }

  private refuses(length: number): boolean {
    if (this.bug === "limit-off-by-one-low") return length >= this.limit;
    return length > this.limit + (this.bug === "limit-off-by-one-high" ? 1 : 0);
  }

  private message(payload: Uint8Array): Event {
    return { event: "message", value: { payload: toEventBytes(payload) as Json } };
  }

  private fail(eventClass: string, at: number): Event {
    const event: Event = { event: "error", class: eventClass, at: String(at), fatal: true };
    if (this.bug === "not-sticky" && eventClass === "oversize.declared") this.take(PREFIX);
    else this.error = event;
    return event;
  }

  private take(count: number): void {
    this.buffer = this.buffer.subarray(count);
    this.offset += count;
  }
}

/** What the decoder answers to a case of the profile len32, role decode. */
export function answer({ steps, limits }: Case, bug?: Bug): Events {
  let decoder = new NaiveDecoder(Number(limits.max_frame_length ?? 1 << 24), bug);
  return steps.map((step) => {
    if ("feed" in step) return decoder.push(Uint8Array.fromHex(step.feed));
    if ("eof" in step) return decoder.end();
    if (!("reset" in step)) throw new Error(`no such step for a small stream: ${Object.keys(step)}`);
    decoder = decoder.reset();
    return [];
  });
}
