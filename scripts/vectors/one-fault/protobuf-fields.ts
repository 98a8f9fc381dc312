import { Reader } from "protobufjs/minimal.js";
import type { Node } from "./tree.ts";

const BYTES = 2;
/** Varint, 64 bits, bytes and 32 bits; groups are not among them. */
const TYPES: ReadonlySet<number> = new Set([0, 1, BYTES, 5]);
/** A body nested deeper is one place from there on. */
const DEEPEST = 40;
const isText = (bytes: Uint8Array): boolean => bytes.every((byte) => byte >= 0x20 && byte < 0x7f);

/**
 * The fields of a protobuf body, each named by its numbers from the body on (`manifest.2.4`), without a schema: bytes that read as a
 * message are one, but for text, since "uint8" reads as one too. What does not read as a field, and all behind it, is the last item.
 */
export function bodyFields(bytes: Uint8Array, name: string): Node[] {
  const { fields, read } = fieldsOf(bytes, name);
  if (read === bytes.length) return fields;
  return [...fields, { kind: "leaf", name: `${name} rest`, bytes: bytes.subarray(read) }];
}

/** The fields that `bytes` begins with, and how many bytes they are. */
function fieldsOf(bytes: Uint8Array, path: string): { readonly fields: Node[]; readonly read: number } {
  const reader = Reader.create(bytes);
  const fields: Node[] = [];
  let start = 0;
  try {
    for (; start < bytes.length; start = reader.pos) {
      const key = reader.uint32();
      const type = key & 7;
      const value = reader.pos;
      if (key >>> 3 === 0 || !TYPES.has(type)) break;
      reader.skipType(type);
      if (reader.pos > bytes.length) break;
      const name = `${path}.${key >>> 3}`;
      const items: Node[] = [
        { kind: "leaf", name: `${name} key`, bytes: bytes.subarray(start, value) },
        contentOf(bytes.subarray(value, reader.pos), type, name),
      ];
      fields.push({ kind: "group", name, items, raw: bytes.subarray(start, reader.pos) });
    }
  } catch {
    // The bytes end inside a field, or a varint does not end.
  }
  return { fields, read: start };
}

function contentOf(bytes: Uint8Array, type: number, name: string): Node {
  if (type !== BYTES) return { kind: "leaf", name: `${name} value`, bytes };
  const reader = Reader.create(bytes);
  const length = reader.uint32();
  const content = bytes.subarray(reader.pos);
  const whole = isText(content) || name.split(".").length > DEEPEST;
  const { fields, read } = whole ? { fields: [], read: -1 } : fieldsOf(content, name);
  return {
    kind: "sized",
    name: `${name} length`,
    type: "varint",
    uncounted: 0,
    items: read === length ? fields : [{ kind: "leaf", name: `${name} value`, bytes: content }],
    surplus: 0n,
    raw: bytes,
  };
}
