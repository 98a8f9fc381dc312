import protobuf from "protobufjs";

const LENGTH_DELIMITED = 2;
/** Wire types of the scalar types that the `.proto` files use. */
const WIRE_TYPES: Readonly<Record<string, number>> = {
  bool: 0,
  uint32: 0,
  uint64: 0,
  int64: 0,
  double: 1,
  string: LENGTH_DELIMITED,
};

interface WireField {
  readonly name: string;
  readonly wireType: number;
  readonly repeated: boolean;
  /** A repeated number may also come packed. */
  readonly packable: boolean;
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
    const { name, repeated, map, resolvedType } = field.resolve();
    const inner = resolvedType instanceof protobuf.Type ? wireTableOf(resolvedType, known) : null;
    // Every map here has strings for keys and messages for values.
    const message = map && inner !== null ? entryTable(inner) : inner;
    const wireType = message === null ? (WIRE_TYPES[field.type] ?? 0) : LENGTH_DELIMITED;
    table.set(field.id, { name, wireType, repeated, packable: repeated && wireType !== LENGTH_DELIMITED, message });
  }
  return table;
}

function entryTable(value: WireTable): WireTable {
  const field = { wireType: LENGTH_DELIMITED, repeated: false, packable: false };
  return new Map([
    [1, { ...field, name: "key", message: null }],
    [2, { ...field, name: "value", message: value }],
  ]);
}

/** Is told, as a walk goes on, that `field` has so many elements in one message. It may throw to end the walk. */
export type Tally = (field: string, elements: number) => void;

/**
 * Walks a message and judges the wire type of each field that the table knows. protobufjs reads a known field number without
 * a look at its wire type, and so would take the length of a string for an integer. r[tp.manifest.wire-type]
 * r[pp.manifest.wire-type] Unknown fields are stepped over. r[tp.manifest.unknown-fields] r[pp.manifest.unknown-fields]
 * Nothing is made of what is found, and lengths are judged by the parse that follows.
 *
 * @param tally Hears of repeated fields.
 * @throws Error that says which field, or where the bytes end too early.
 */
export function walkWire(table: WireTable, bytes: Uint8Array, tally: Tally = () => {}): void {
  walk(table, new protobuf.Reader(bytes), bytes.length, tally, 0);
}

function walk(table: WireTable, reader: protobuf.Reader, end: number, tally: Tally, depth: number): void {
  if (depth > protobuf.util.recursionLimit) throw new Error("nested too deeply");
  const counts = new Map<string, number>();
  while (reader.pos < end) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    if (tag >>> 3 === 0) throw new Error("field number 0");
    const field = table.get(tag >>> 3);
    const packed = field?.packable === true && wireType === LENGTH_DELIMITED;
    if (field !== undefined && wireType !== field.wireType && !packed) {
      throw new Error(`field ${field.name}: expected wire type ${field.wireType}, ${wireType} came`);
    }
    const start = reader.pos;
    if (field === undefined || field.message === null) {
      reader.skipType(wireType);
    } else {
      const length = reader.uint32();
      walk(field.message, reader, reader.pos + length, tally, depth + 1);
    }
    if (field?.repeated === true) {
      const elements = (counts.get(field.name) ?? 0) + (packed ? varintsIn(reader.buf, start, reader.pos) - 1 : 1);
      counts.set(field.name, elements);
      tally(field.name, elements);
    }
  }
}

/** Each varint has one byte without the high bit; the length before packed ones is a varint itself. */
function varintsIn(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i++) if (bytes[i]! < 0x80) count++;
  return count;
}
