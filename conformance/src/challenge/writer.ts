import { fatalError, type PlacedEvent, type Segment, Stream } from "../corpus/stream.ts";
import type { EventClass, Json } from "../protocol.ts";

export const PREFIX = "eof.in-prefix";
export const BODY = "eof.in-body";

/** Writes the bytes of one connection, and beside them what they give: whoever writes a length knows where it ends. */
export class Writer {
  readonly #parts: Uint8Array[] = [];
  readonly #segments: Segment[] = [];
  readonly #events: PlacedEvent[] = [];
  readonly #borders: number[] = [];
  size = 0;

  /** `eof`: what an end of the stream inside this field is called. */
  put(field: string, bytes: Uint8Array, eof: EventClass): this {
    if (bytes.length > 0) this.#segments.push({ field, start: this.size, end: this.size + bytes.length, eof });
    this.#parts.push(bytes);
    this.size += bytes.length;
    return this;
  }

  message(value: Json): this {
    this.#events.push({ at: this.size, event: { event: "message", value } });
    this.#borders.push(this.size);
    return this;
  }

  /** A message ends here of which nothing is told. */
  dropped(): this {
    this.#borders.push(this.size);
    return this;
  }

  /** The bytes up to here, and no later one, decide this error. */
  error(eventClass: EventClass): this {
    this.#events.push({ at: this.size, event: fatalError(eventClass, this.size) });
    return this;
  }

  /** The stream up to `end`; bytes behind an error stay silent. */
  stream(end = this.size): Stream {
    const bytes = new Uint8Array(Buffer.concat(this.#parts)).subarray(0, end);
    const events = this.#events.filter(({ at }) => at <= end);
    const failed = events.some(({ event }) => event.event === "error");
    const clean = end === 0 || this.#borders.includes(end);
    const cut = this.#segments.find((segment) => segment.start <= end && end < segment.end)?.eof;
    const segments = this.#segments
      .filter(({ start }) => start < end)
      .map((segment) => ({ ...segment, end: Math.min(segment.end, end) }));
    // Where a frame promises what was never written, the last field put says what is missing.
    const eof = cut ?? this.#segments.at(-1)?.eof ?? PREFIX;
    return new Stream(bytes, segments, events, failed ? null : clean ? "end" : eof, this.#borders);
  }
}

export function bigEndian(value: number | bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width);
  let rest = BigInt(value);
  for (let at = width - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}
