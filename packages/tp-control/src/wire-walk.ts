import protobuf from "protobufjs";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;
/** Wire types of the scalar types that the `.proto` files use; enums are varints too. */
const WIRE_TYPES: Readonly<Record<string, number>> = {
  double: FIXED64,
  string: LENGTH_DELIMITED,
  bytes: LENGTH_DELIMITED,
};
const MAX_VARINT = 10;

interface WireField {
  readonly name: string;
  readonly wireType: number;
  readonly repeated: boolean;
  readonly message: WireTable | null;
}

/** The fields of a message by number. */
export type WireTable = Map<number, WireField>;

/** The table of `type` and, through it, of every message that it holds. */
export function wireTableOf(type: protobuf.Type, known = new Map<protobuf.Type, WireTable>()): WireTable {
  const standing = known.get(type);
  if (standing !== undefined) return standing;
  const table: WireTable = new Map();
  known.set(type, table);
  for (const field of type.fieldsArray) {
    const { name, repeated, resolvedType } = field.resolve();
    const message = resolvedType instanceof protobuf.Type ? wireTableOf(resolvedType, known) : null;
    const wireType = message === null ? (WIRE_TYPES[field.type] ?? VARINT) : LENGTH_DELIMITED;
    table.set(field.id, { name, wireType, repeated, message });
  }
  return table;
}

/** Is told, as a walk goes on, that `field` has so many elements in one message. It may throw to end the walk. */
export type Tally = (field: string, elements: number) => void;

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/**
 * Walks a message before it is parsed, and makes nothing of what it finds. protobufjs is lenient where a peer's bytes should not
 * get by: it reads a known field number whatever its wire type, so that the length of a string becomes an integer
 * (r[tp.manifest.wire-type] r[pp.manifest.wire-type]), takes varints that never end and groups that another field's tag closes, and
 * lets a sub-message that stands twice replace the first (r[tp.manifest.twice]). Unknown fields are stepped over.
 * r[tp.manifest.unknown-fields] r[pp.manifest.unknown-fields]
 *
 * @param tally Hears of repeated fields.
 * @throws Error that says which field, or where the bytes end too early.
 */
export function walkWire(table: WireTable, bytes: Uint8Array, tally: Tally = () => {}): void {
  walk(table, { bytes, at: 0 }, bytes.length, tally, 0);
}

function walk(table: WireTable, cursor: Cursor, end: number, tally: Tally, depth: number): void {
  checkDepth(depth);
  const counts = new Map<string, number>();
  while (cursor.at < end) {
    const { number, wireType } = readTag(cursor, end);
    const field = table.get(number);
    if (field === undefined) {
      skip(cursor, number, wireType, end, depth);
      continue;
    }
    let elements = 1;
    if (field.repeated && field.wireType === VARINT && wireType === LENGTH_DELIMITED) {
      elements = countPacked(cursor, lengthEnd(cursor, end));
    } else if (wireType !== field.wireType) {
      throw new Error(`field ${field.name}: expected wire type ${field.wireType}, ${wireType} came`);
    } else if (field.message === null) {
      skip(cursor, number, wireType, end, depth);
    } else {
      walk(field.message, cursor, lengthEnd(cursor, end), tally, depth + 1);
    }
    elements += counts.get(field.name) ?? 0;
    counts.set(field.name, elements);
    if (field.repeated) tally(field.name, elements);
    else if (field.message !== null && elements > 1) throw new Error(`field ${field.name}: it stands twice`);
  }
}

function checkDepth(depth: number): void {
  if (depth > protobuf.util.recursionLimit) throw new Error("nested too deeply");
}

function countPacked(cursor: Cursor, end: number): number {
  let elements = 0;
  for (; cursor.at < end; elements++) readVarint(cursor, end);
  return elements;
}

function readTag(cursor: Cursor, end: number): { number: number; wireType: number } {
  const tag = readVarint(cursor, end);
  const number = Math.floor(tag / 8);
  if (number === 0 || tag > 0xffffffff) throw new Error(`field number ${number}`);
  return { number, wireType: tag % 8 };
}

/** Reads a length and returns where what it counts ends. */
function lengthEnd(cursor: Cursor, end: number): number {
  return endOf(cursor, readVarint(cursor, end), end);
}

function endOf(cursor: Cursor, length: number, end: number): number {
  if (length > end - cursor.at) throw new Error(`${length} bytes declared at ${cursor.at}, ${end - cursor.at} left`);
  return cursor.at + length;
}

function skip(cursor: Cursor, number: number, wireType: number, end: number, depth: number): void {
  checkDepth(depth);
  if (wireType === VARINT) readVarint(cursor, end);
  else if (wireType === FIXED64) cursor.at = endOf(cursor, 8, end);
  else if (wireType === LENGTH_DELIMITED) cursor.at = lengthEnd(cursor, end);
  else if (wireType === FIXED32) cursor.at = endOf(cursor, 4, end);
  else if (wireType === GROUP) {
    let tag = readTag(cursor, end);
    for (; tag.wireType !== GROUP_END; tag = readTag(cursor, end)) {
      skip(cursor, tag.number, tag.wireType, end, depth + 1);
    }
    if (tag.number !== number) throw new Error(`group ${number}: expected its own end, that of ${tag.number} came`);
  } else throw new Error(`wire type ${wireType} at ${cursor.at}`);
}

/** Exact below 2^53; above that only known to be too large for any use that the walk has for it. */
function readVarint(cursor: Cursor, end: number): number {
  let value = 0;
  for (let i = 0; i < MAX_VARINT; i++) {
    if (cursor.at >= end) throw new Error(`a varint is cut at ${cursor.at}`);
    const byte = cursor.bytes[cursor.at++]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  throw new Error(`a varint of more than ${MAX_VARINT} bytes at ${cursor.at}`);
}
