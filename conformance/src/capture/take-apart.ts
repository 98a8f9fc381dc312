import { toEventBytes } from "../corpus/bytes.ts";
import { fatalError } from "../corpus/stream.ts";
import type { Event, EventClass, Json } from "../protocol.ts";

/** A field of a message, as it stands in the bytes. */
export interface Piece {
  readonly field: string;
  readonly bytes: Uint8Array;
  readonly eof: EventClass;
}

/** One message, the last of which may be cut by the end, and what stands behind an error. */
export interface Message {
  readonly pieces: readonly Piece[];
  readonly length: number;
  /** What an end of the stream here is called, where bytes are missing. */
  readonly missing?: EventClass;
  /**
   * What it gives, and after how many of its bytes. Undefined for what is not whole, and for what only a reader of protobuf can say.
   */
  readonly gives?: { readonly at: number; readonly event: Event };
}

/** How the messages of a profile lie in the bytes: once more by hand from `spec/`, for the harness imports no codec. */
interface Reader {
  /** Takes one message, from a byte that is there. */
  message(bytes: Bytes): Omit<Message, "pieces" | "length">;
  /** The largest length that a frame declared, by which a limit is chosen. */
  largest: bigint;
  /** A frame's length; undefined where it is cut, and the refusal of one that is over the limit. */
  length: typeof lengthOf;
}

const PREFIX = "eof.in-prefix";
const HEADER = "eof.in-header";
const BODY = "eof.in-body";

/** What is left of a stream, and the fields that were taken of the message under way. */
class Bytes {
  readonly #all: Uint8Array;
  at = 0;
  pieces: Piece[] = [];
  length = 0;

  constructor(all: Uint8Array) {
    this.#all = all;
  }

  get left(): number {
    return this.#all.length - this.at;
  }

  begin(): void {
    this.pieces = [];
    this.length = 0;
  }

  /** Takes a field; undefined where the end cuts it, and then what there is of it has been taken. */
  take(field: string, size: number, eof: EventClass): Uint8Array | undefined {
    const bytes = this.#all.subarray(this.at, this.at + Math.min(size, this.left));
    if (bytes.length > 0) this.pieces.push({ field, bytes, eof });
    this.at += bytes.length;
    this.length += bytes.length;
    return bytes.length === size ? bytes : undefined;
  }

  /** The same of an unsigned integer, most significant byte first. */
  number(field: string, size: number, eof: EventClass): bigint | undefined {
    const bytes = this.take(field, size, eof);
    return bytes && big(bytes);
  }

  /** Bytes of a frame's payload, looked at before they are taken. */
  peek(count: number): Uint8Array {
    return this.#all.subarray(this.at, this.at + count);
  }
}

const big = (bytes: Uint8Array) => BigInt(`0x${bytes.toHex() || "0"}`);

/** What a stream holds, message by message. `byHand` where each of them is read here, and nobody else has to say what it gives. */
export interface Apart {
  readonly messages: readonly Message[];
  readonly byHand: boolean;
  readonly largest: bigint;
}

/** Undefined for a profile whose layout is not known here. */
export function takeApart(profile: string, stream: Uint8Array, limit: bigint): Apart | undefined {
  const make = READERS[profile];
  if (make === undefined) return undefined;
  const reader = make(limit);
  const bytes = new Bytes(stream);
  const messages: Message[] = [];
  let byHand = !profile.endsWith("-session");
  while (bytes.left > 0) {
    bytes.begin();
    const read = reader.message(bytes);
    const failed = read.gives?.event.event === "error";
    // Bytes behind an error are no message: they stay what they are, in the field that is last.
    if (failed && bytes.left > 0) rest(bytes);
    if (read.missing === undefined && read.gives === undefined) byHand = false;
    messages.push({ ...read, pieces: bytes.pieces, length: bytes.length });
  }
  return { messages, byHand, largest: reader.largest };
}

function rest(bytes: Bytes): void {
  const { field, eof } = bytes.pieces.at(-1) as Piece;
  bytes.take(field, bytes.left, eof);
}

const cut = (missing: EventClass) => ({ missing });
const message = (value: Json, at: number) => ({ gives: { at, event: { event: "message", value } } }) as const;
const refused = (eventClass: EventClass, at: number) => ({ gives: { at, event: fatalError(eventClass, at) } }) as const;
const shown = (bytes: Uint8Array) => toEventBytes(bytes) as Json;

function framed(width: number, lead?: "tag" | "flag") {
  return (limit: bigint): Reader => ({
    largest: 0n,
    message(bytes) {
      let first = 0;
      if (lead !== undefined) {
        first = Number(bytes.number(lead, 1, PREFIX));
        if (lead === "flag" && first === 1) return refused("codec.unsupported", 1);
        if (lead === "flag" && first > 1) return refused("flags.reserved", 1);
      }
      const length = this.length(bytes, width, limit);
      if (typeof length !== "bigint") return length ?? cut(PREFIX);
      const payload = bytes.take("payload", Number(length), BODY);
      if (payload === undefined) return cut(BODY);
      const value = { ...(lead === undefined ? {} : { [lead]: first }), payload: shown(payload) };
      return message(value, bytes.length);
    },
    length: lengthOf,
  });
}

function lengthOf(this: Reader, bytes: Bytes, width: number, limit: bigint) {
  const length = bytes.number("length", width, PREFIX);
  if (length === undefined) return undefined;
  if (length > this.largest) this.largest = length;
  return length > limit ? refused("oversize.declared", bytes.length) : length;
}

const TYPED = 1n << 63n;

/** A `len64` frame of records, each a length and its bytes; a set bit 63 of the length means that a type hash stands between. */
function multipart(typed: boolean) {
  return (limit: bigint): Reader => ({
    largest: 0n,
    message(bytes) {
      const length = this.length(bytes, 8, limit);
      if (typeof length !== "bigint") return length ?? cut(PREFIX);
      const size = Number(length);
      if (bytes.left < size) {
        records(bytes, bytes.left, ["body_length", "body"], ["part_length", "part"], typed);
        return cut(BODY);
      }
      const found = records(bytes, size, ["body_length", "body"], ["part_length", "part"], typed);
      // A payload is judged when its frame is whole.
      if (typeof found === "string") return refused(found, bytes.length);
      const [body, ...parts] = found.map(({ hash, bytes: part }) =>
        hash === undefined ? shown(part) : { typehash: big(hash).toString(), bytes: shown(part) },
      );
      return message({ body: body as Json, parts }, bytes.length);
    },
    length: lengthOf,
  });
}

interface Found {
  readonly hash: Uint8Array | undefined;
  readonly bytes: Uint8Array;
}

/** The records of the next `size` bytes, all of which are taken, with the class of what is wrong with them. */
function records(
  bytes: Bytes,
  size: number,
  first: readonly [string, string],
  others: readonly [string, string],
  typed: boolean,
): Found[] | EventClass {
  const end = bytes.at + size;
  const found: Found[] = [];
  let names = first;
  const left = () => end - bytes.at;
  while (left() > 0) {
    const [prefix, part] = names;
    const word = bytes.number(prefix, Math.min(8, left()), BODY) as bigint;
    if ((bytes.pieces.at(-1) as Piece).bytes.length < 8) return PREFIX;
    const marked = typed && word >= TYPED;
    const length = marked ? word - TYPED : word;
    let hash: Uint8Array | undefined;
    if (marked) {
      hash = bytes.take("typehash", Math.min(8, left()), BODY);
      if ((hash?.length ?? 0) < 8) return HEADER;
    }
    if (length > BigInt(left())) {
      bytes.take(part, left(), BODY);
      return BODY;
    }
    found.push({ hash, bytes: bytes.take(part, Number(length), BODY) ?? new Uint8Array() });
    names = others;
  }
  return found.length === 0 ? PREFIX : found;
}

const SLOTS = ["call_id", "chunk_index", "control_epoch", "cache_epoch"] as const;
const ACTIONS = ["NOOP", "INFER", "SHUTDOWN"] as const;

/** A header of 40 bytes, least significant byte first, and behind INFER a frame whose first record is protobuf. */
function headed(body: "manifest" | "envelope") {
  return (limit: bigint): Reader => ({
    largest: 0n,
    message(bytes) {
      const slots: [string, string][] = [];
      for (const slot of SLOTS) {
        const word = bytes.take(slot, 8, HEADER);
        if (word === undefined) return cut(HEADER);
        slots.push([slot, BigInt.asIntN(64, big(word.toReversed())).toString()]);
      }
      const word = bytes.take("action", 8, HEADER);
      if (word === undefined) return cut(HEADER);
      const action = ACTIONS[Number(big(word.toReversed()))];
      if (action === undefined) return refused("header.field", bytes.length);
      if (action !== "INFER") return message({ header: { ...Object.fromEntries(slots), action } }, bytes.length);
      const length = this.length(bytes, 8, limit);
      if (typeof length !== "bigint") return length ?? cut(PREFIX);
      return bodied(bytes, length, body);
    },
    length: lengthOf,
  });
}

function results(limit: bigint): Reader {
  return {
    largest: 0n,
    message(bytes) {
      const length = this.length(bytes, 8, limit);
      return typeof length === "bigint" ? bodied(bytes, length, "result") : (length ?? cut(PREFIX));
    },
    length: lengthOf,
  };
}

/** The fields of a payload that is protobuf and tensors; what it gives is not for here. */
function bodied(bytes: Bytes, length: bigint, body: string): { readonly missing?: EventClass } {
  const size = Math.min(Number(length), bytes.left);
  const missing = BigInt(size) < length ? cut(BODY) : {};
  const end = bytes.at + size;
  records(bytes, size, ["record_length", body], ["record_length", "tensor"], false);
  // Of a payload that is no records the fields end where they cannot be told any more.
  if (bytes.at < end) bytes.take("tensor", end - bytes.at, BODY);
  return missing;
}

const READERS: Readonly<Record<string, (limit: bigint) => Reader>> = {
  len32: framed(4),
  len64: framed(8),
  "len56-tagged": framed(7, "tag"),
  "grpc-lpm": framed(4, "flag"),
  multipart: multipart(false),
  "multipart-typed": multipart(true),
  tp: headed("manifest"),
  "tp-session": headed("manifest"),
  "pp-envelope": headed("envelope"),
  "pp-session": headed("envelope"),
  "pp-result": results,
};

/** The profiles of which a capture can be taken apart. */
export const IMPORT_PROFILES: readonly string[] = Object.keys(READERS);
