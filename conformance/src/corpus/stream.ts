import type { Event, EventClass, Step } from "../protocol.ts";
import type { Mark } from "./types.ts";

/** A fill this long or longer is sent as `feed_fill` when one read holds nothing else. */
const MIN_FILL = 64;
/** Streams up to this size keep their hex, since sweeps slice it thousands of times. */
const MAX_CACHED_HEX = 1 << 17;

export interface Segment {
  readonly field: string;
  readonly start: number;
  readonly end: number;
  /** What an end of stream is called when the next byte of this segment is missing. */
  readonly eof: EventClass;
  /** The byte that the whole segment repeats, where it is a fill. */
  readonly fill?: number;
}

export interface PlacedEvent {
  /** Bytes of the stream that must have been read to decide. */
  readonly at: number;
  readonly event: Event;
}

/** An error of a level 1 decoder: always fatal. */
export function fatalError(eventClass: EventClass, at: number): Event {
  return { event: "error", class: eventClass, at: String(at), fatal: true };
}

/** All bytes of one connection and what they give, however they are cut into reads. */
export class Stream {
  /** Where the first fatal error is decided; nothing is expected after it. */
  readonly failedAt: number;
  private hexCache: string | undefined;

  private readonly edges: ReadonlySet<number>;

  /**
   * `atEof`: what the end of the stream gives after the last byte; null after an error. `borders`: where messages end, delivered
   * or dropped.
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly segments: readonly Segment[],
    readonly events: readonly PlacedEvent[],
    readonly atEof: "end" | EventClass | null,
    readonly borders: readonly number[] = [],
  ) {
    this.failedAt = events.find(({ event }) => event.event === "error")?.at ?? Number.POSITIVE_INFINITY;
    this.edges = new Set([0, ...borders]);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** The step that is one read of bytes `start` to `end` (exclusive). */
  read(start: number, end: number): Step {
    const segment = end - start < MIN_FILL ? undefined : this.segments.find((s) => s.start <= start && end <= s.end);
    if (segment?.fill !== undefined) return { feed_fill: { byte: segment.fill, count: end - start } };
    return { feed: this.hex(start, end) };
  }

  hex(start: number, end: number): string {
    if (this.length > MAX_CACHED_HEX) return this.bytes.subarray(start, end).toHex();
    this.hexCache ??= this.bytes.toHex();
    return this.hexCache.slice(2 * start, 2 * end);
  }

  /** Where the reads of the plain case are cut: around fills, so that they travel as `feed_fill`. */
  seams(): number[] {
    const fills = this.segments.filter((s) => s.fill !== undefined && s.end - s.start >= MIN_FILL);
    const edges = new Set(fills.flatMap((s) => [s.start, s.end]));
    return [...edges].filter((at) => at > 0 && at < this.length).sort((a, b) => a - b);
  }

  /** What the end of the stream gives after `count` bytes; null if an error came before. */
  endAt(count: number): Event | null {
    if (this.failedAt <= count) return null;
    const outcome = count === this.length ? this.atEof : this.cutAt(count);
    if (outcome === null) return null;
    return outcome === "end" ? { event: "end" } : fatalError(outcome, count);
  }

  private cutAt(count: number): "end" | EventClass {
    if (this.edges.has(count)) return "end";
    return this.segments.find((s) => s.start <= count && count < s.end)!.eof;
  }

  marks(end: number, shift: number): Mark[] {
    return this.segments
      .filter((s) => s.start < end)
      .map((s) => ({ field: s.field, start: s.start + shift, end: Math.min(s.end, end) + shift }));
  }

  /** The streams one after the other on one connection. All but the last must end cleanly or have failed. */
  static join(streams: readonly Stream[]): Stream {
    const bytes = new Uint8Array(streams.reduce((sum, stream) => sum + stream.length, 0));
    const segments: Segment[] = [];
    const events: PlacedEvent[] = [];
    const borders: number[] = [];
    let shift = 0;
    let failed = false;
    for (const stream of streams) {
      bytes.set(stream.bytes, shift);
      for (const s of stream.segments) segments.push({ ...s, start: s.start + shift, end: s.end + shift });
      if (!failed) {
        for (const placed of stream.events) events.push(moved(placed, shift));
        for (const at of stream.borders) borders.push(at + shift);
      }
      failed ||= Number.isFinite(stream.failedAt);
      shift += stream.length;
    }
    return new Stream(bytes, segments, events, failed ? null : (streams.at(-1)?.atEof ?? "end"), borders);
  }
}

function moved({ at, event }: PlacedEvent, shift: number): PlacedEvent {
  return { at: at + shift, event: event.event === "error" ? { ...event, at: String(at + shift) } : event };
}
