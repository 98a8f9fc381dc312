import { type Bins, type FileSegment, type ProfileFile, segmentBytes } from "@tensorwire/conformance/corpus";
import { bodyFields } from "./protobuf-fields.ts";

/**
 * The bytes of a vector as a tree of which one place can be changed while the lengths around it follow. It is read off the vector's
 * segments, not decoded: a length that lies goes on lying, by as much.
 */
export type Node = Leaf | Group | Sized;

export interface Leaf {
  readonly kind: "leaf";
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Group {
  readonly kind: "group";
  readonly name: string;
  readonly items: readonly Node[];
  /** The bytes as they came: protobuf allows others for the same. An edited group has none. */
  readonly raw?: Uint8Array;
}

/** A length, and what it counts. */
export interface Sized {
  readonly kind: "sized";
  /** That of the length. */
  readonly name: string;
  readonly type: LengthType;
  /** The first of `items` that the length does not count: a typehash. */
  readonly uncounted: number;
  readonly items: readonly Node[];
  /** The length less the bytes that it counts: 0, or what a flag in it or a lie adds. */
  readonly surplus: bigint;
  readonly raw?: Uint8Array;
}

export type LengthType = "u32be" | "u56be" | "u64be" | "varint";

const WIDTHS: Readonly<Record<string, number>> = { u32be: 4, u56be: 7, u64be: 8 };
/** What is protobuf. */
export const BODIES: ReadonlySet<string> = new Set(["manifest", "envelope", "result"]);

export function bytesOf(node: Node): Uint8Array {
  if (node.kind === "leaf") return node.bytes;
  if (node.raw !== undefined) return node.raw;
  const parts = node.items.map(bytesOf);
  if (node.kind === "group") return Buffer.concat(parts);
  const counted = parts.slice(node.uncounted).reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([lengthBytes(node.type, BigInt(counted) + node.surplus), ...parts]);
}

function lengthBytes(type: LengthType, length: bigint): Uint8Array {
  if (type === "varint") return varint(BigInt.asUintN(64, length));
  const width = WIDTHS[type]!;
  const digits = BigInt.asUintN(width * 8, length).toString(16);
  return Uint8Array.fromHex(digits.padStart(width * 2, "0"));
}

export function varint(value: bigint): Uint8Array {
  const groups: number[] = [];
  for (let rest = value; groups.length === 0 || rest > 0n; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
  groups[groups.length - 1]! &= 0x7f;
  return Uint8Array.from(groups);
}

export const group = (name: string, items: readonly Node[]): Group => ({ kind: "group", name, items });

/** The stream of a vector: a group of messages. */
export function streamOf(segments: readonly FileSegment[], { fields }: ProfileFile, bins: Bins): Group {
  const first = Object.keys(fields)[0]!;
  const messages: Node[] = [];
  const fed = segments.map((segment) => ({ name: segment.field, bytes: segmentBytes(segment, bins) }));
  for (let at = 0; at < fed.length; ) {
    let end = at + 1;
    // The field that opens a message ends the one before it.
    while (end < fed.length && fed[end]!.name !== first) end++;
    messages.push(group("message", framed(fed.slice(at, end))));
    at = end;
  }
  return group("stream", messages);

  /** Everything from the frame's length on is in the frame. */
  function framed(parts: readonly Part[]): Node[] {
    const at = parts.findIndex(({ name }) => name === "length");
    const length = parts[at];
    if (length === undefined || !whole(length)) return parts.map(leaf);
    return [...parts.slice(0, at).map(leaf), sized(length, 0, records(parts.slice(at + 1)))];
  }

  function records(parts: readonly Part[]): Node[] {
    const nodes: Node[] = [];
    for (let at = 0; at < parts.length; ) {
      const part = parts[at]!;
      if (!part.name.endsWith("_length") || !whole(part)) {
        nodes.push(leaf(part));
        at++;
        continue;
      }
      let end = at + 1;
      while (end < parts.length && !parts[end]!.name.endsWith("_length")) end++;
      const inner = parts.slice(at + 1, end);
      nodes.push(sized(part, inner[0]?.name === "typehash" ? 1 : 0, inner.map(leaf)));
      at = end;
    }
    return nodes;
  }

  function whole({ name, bytes }: Part): boolean {
    return bytes.length === WIDTHS[fields[name]!.type];
  }

  function sized({ name, bytes }: Part, uncounted: number, items: Node[]): Sized {
    const counted = items.slice(uncounted).reduce((sum, item) => sum + bytesOf(item).length, 0);
    const surplus = BigInt(`0x${bytes.toHex()}`) - BigInt(counted);
    return { kind: "sized", name, type: fields[name]!.type as LengthType, uncounted, items, surplus };
  }
}

interface Part {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function leaf({ name, bytes }: Part): Node {
  return BODIES.has(name) ? { ...group(name, bodyFields(bytes, name)), raw: bytes } : { kind: "leaf", name, bytes };
}
