import type { Json } from "../protocol.ts";
import type { Draw } from "./draw.ts";

/** Protobuf by hand, from the wire format's own text: what a parser of the repository reads, none of its writers has written. */

const utf8 = (text: string) => new TextEncoder().encode(text);
const join = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

export function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from([...bytes, Number(rest)]);
}

const VARINT = 0n;
const FIXED64 = 1n;
const BYTES = 2n;
const FIXED32 = 5n;
const tag = (number: number, type: bigint) => varint((BigInt(number) << 3n) | type);

/** A message under construction; fields stand in the order in which they are added. */
export class Proto {
  readonly #parts: Uint8Array[] = [];

  integer(number: number, value: bigint): this {
    this.#parts.push(tag(number, VARINT), varint(value));
    return this;
  }

  double(number: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.#parts.push(tag(number, FIXED64), bytes);
    return this;
  }

  bytes(number: number, value: Uint8Array): this {
    this.#parts.push(tag(number, BYTES), varint(BigInt(value.length)), value);
    return this;
  }

  text(number: number, value: string): this {
    return this.bytes(number, utf8(value));
  }

  message(number: number, value: Proto): this {
    return this.bytes(number, value.encode());
  }

  /** As they are: what no message has. */
  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  encode(): Uint8Array {
    return join(this.#parts);
  }
}

/** A field that no version knows, of any wire type that stands alone. */
export function unknownField(draw: Draw): Uint8Array {
  const short = draw.bytes(draw.integer(0, 9));
  const [type, value] = draw.pick([
    [VARINT, varint(draw.word(8))],
    [FIXED64, draw.bytes(8)],
    [BYTES, join([varint(BigInt(short.length)), short])],
    [FIXED32, draw.bytes(4)],
  ] as const);
  return join([tag(draw.integer(100, 2000), type), value]);
}

/** A field that promises more bytes than there are: no protobuf message ends so. */
export const cutField = (draw: Draw) =>
  join([tag(draw.integer(100, 2000), BYTES), varint(BigInt(draw.integer(3, 90))), draw.bytes(draw.integer(0, 2))]);

type Kind = "uint32" | "int64" | "bool" | "double" | "text";
/** Number, name and kind of each field of a message, from `spec/proto`; `present`: optional there, and written with its default too. */
export type Schema = readonly (readonly [number: number, name: string, kind: Kind, present?: "present"])[];
/** A field that is not named is absent. */
export type Fields = Readonly<Record<string, bigint | number | boolean | string | undefined>>;

/** Fields that have their default are left out. */
export function write(schema: Schema, fields: Fields, into = new Proto()): Proto {
  for (const [number, name, kind, present] of schema) {
    const value = fields[name];
    if (value === undefined) continue;
    const unset = value === false || value === "" || value === 0 || value === 0n;
    if (unset && present === undefined) continue;
    if (kind === "double") into.double(number, value as number);
    else if (kind === "text") into.text(number, value as string);
    else into.integer(number, BigInt(value));
  }
  return into;
}

/** The same as a value: every field by its name, integers of 64 bits as text, what is optional only where it is present. */
export function shown(schema: Schema, fields: Fields): { readonly [name: string]: Json } {
  const zero = { uint32: 0, int64: 0n, bool: false, double: 0, text: "" };
  return Object.fromEntries(
    schema.flatMap(([, name, kind, present]): [string, Json][] => {
      const value = fields[name] ?? (present === undefined ? zero[kind] : undefined);
      return value === undefined ? [] : [[name, typeof value === "bigint" ? value.toString() : value]];
    }),
  );
}

/** A finite number that every language writes and reads alike. */
export const drawDouble = (draw: Draw) => (draw.integer(0, 2 ** 32 - 1) - 2 ** 31) / 2 ** draw.integer(0, 20);
/** Any int64, as often near 0 as far away. */
export const drawInt64 = (draw: Draw) => BigInt.asIntN(64, draw.word(8)) >> BigInt(draw.integer(0, 62));
