import { type Blame, show } from "@tensorwire/tensor-spec";
import protobuf from "protobufjs";

/**
 * The object that protobufjs is to serialise. protobufjs converts what does not fit (2^64 becomes 0, "x" becomes NaN), so
 * every field is judged here first; and it writes defaults that are set, so they are left out. r[tp.encode.canonical]
 *
 * @throws WireError `header.field` with the field's path, made by `blame`. r[tp.encode.field-range] r[pp.encode.field-range]
 */
export function toWireObject(type: protobuf.Type, message: object, blame: Blame, path = type.name): object {
  const result: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const value: unknown = (message as Record<string, unknown>)[field.name];
    if (value === undefined || value === null) continue;
    const at = `${path}.${field.name}`;
    if (field.repeated) {
      if (!Array.isArray(value)) throw blame("header.field", `${at}: expected a list, ${describe(value)} came`);
      // Array.from, since map() passes over holes.
      result[field.name] = Array.from(value, (item, i) => toWireValue(field, item, blame, `${at}[${i}]`));
    } else {
      // partOf: a oneof member, or an `optional` field, which is present even at its default.
      const wire = toWireValue(field, value, blame, at);
      if (field.partOf !== null || !isDefault(field.type, value)) result[field.name] = wire;
    }
  }
  return result;
}

function isDefault(type: string, value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  // -0 is another double than 0, and protobuf writes it.
  if (type === "double") return Object.is(value, 0);
  return value === 0 || value === 0n || value === "" || value === false;
}

const INTEGERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

function toWireValue(field: protobuf.Field, value: unknown, blame: Blame, path: string): unknown {
  const fail = (expected: string) => blame("header.field", `${path}: expected ${expected}, ${describe(value)} came`);
  const { resolvedType, type } = field.resolve();
  if (resolvedType instanceof protobuf.Enum) {
    if (typeof value === "string" && Object.hasOwn(resolvedType.values, value)) return value;
    throw fail(Object.keys(resolvedType.values).join(" or "));
  }
  if (resolvedType instanceof protobuf.Type) {
    // The objects of a Struct are made, and so judged, by toStruct.
    if (typeof value !== "object") throw fail("an object");
    return type === "google.protobuf.Struct" ? value : toWireObject(resolvedType, value as object, blame, path);
  }
  const range = INTEGERS[type];
  if (range !== undefined) {
    const exact = typeof value === "bigint" || Number.isSafeInteger(value) ? BigInt(value as bigint | number) : null;
    if (exact === null || exact < range[0] || exact > range[1]) throw fail(`an integer of type ${type}`);
    return type === "uint32" ? Number(exact) : String(exact);
  }
  if (type === "bool" && typeof value !== "boolean") throw fail("true or false");
  if (type === "bytes" && !(value instanceof Uint8Array)) throw fail("bytes");
  if (type === "double" && !Number.isFinite(value)) throw fail("a finite number");
  if (type === "string" && !(typeof value === "string" && value.isWellFormed())) {
    throw fail("a string of well-formed Unicode");
  }
  return value;
}

function describe(value: unknown): string {
  if (typeof value === "string") return show(value);
  return typeof value === "object" || typeof value === "function" ? `a value of type ${typeof value}` : String(value);
}
