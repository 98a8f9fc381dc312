import { refusal } from "@tensorwire/framing";
import { type Blame, compareSpecs } from "@tensorwire/tensor-spec";

/** What a `google.protobuf.Struct` carries without changing it: data, and nothing else. r[tp.manifest.nothing-executable] */
export type StructValue = null | boolean | number | string | readonly StructValue[] | StructObject;
export interface StructObject {
  readonly [name: string]: StructValue;
}

/** google.protobuf.Value as the codec gives and takes it: exactly one kind is set. */
interface WireValue {
  readonly null_value?: unknown;
  readonly bool_value?: boolean;
  readonly number_value?: number;
  readonly string_value?: string;
  readonly list_value?: { readonly values: readonly WireValue[] };
  readonly struct_value?: WireStruct;
}
/** google.protobuf.Struct, its map as entries (`struct-proto.ts`). */
export interface WireStruct {
  readonly fields?: readonly { readonly key: string; readonly value: WireValue | null }[];
}

/** r[tp.kwargs.depth]: protobuf parsers stop at 100 nested messages, and an object in an object is three more. */
const MAX_DEPTH = 30;

/**
 * kwargs as a Struct. `path` names the value in errors: `kwargs.a.b`.
 *
 * @throws WireError refusal `spec.mismatch` for a tensor or bytes, `header.field` for what a Struct would change.
 */
export function toStruct(value: StructObject, path: string, depth = 0): WireStruct {
  if (depth > MAX_DEPTH) throw refusal("header.field", `${path}: expected at most ${MAX_DEPTH} levels, more came`);
  const fields = Object.entries(value).map(([key, item]) => {
    const at = `${path}.${key}`;
    if (!key.isWellFormed()) throw refusal("header.field", `${at}: expected a name of well-formed Unicode`);
    return { key, value: toValue(item, at, depth) };
  });
  // r[tp.encode.canonical]
  return { fields: fields.sort(compareSpecs) };
}

function toValue(value: unknown, path: string, depth: number): WireValue {
  const fail = (expected: string, came: string) =>
    refusal("header.field", `${path}: expected ${expected}, ${came} came; a typed field carries what a Struct cannot`);
  if (value === null) return { null_value: "NULL_VALUE" };
  if (typeof value === "boolean") return { bool_value: value };
  if (typeof value === "number") {
    // r[tp.kwargs.exact]: an integer beyond 2^53 - 1 may already be a rounded one.
    if (!Number.isFinite(value)) throw fail("a finite number", String(value));
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw fail("an integer up to 2^53 - 1", String(value));
    return { number_value: value };
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw fail("a string of well-formed Unicode", "a lone surrogate");
    return { string_value: value };
  }
  // r[tp.kwargs.no-tensors]
  if (isTensorLike(value)) throw refusal("spec.mismatch", `${path}: nested tensors are not allowed, tensors are parts`);
  if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) throw fail(`at most ${MAX_DEPTH} levels`, "more");
    return { list_value: { values: value.map((item, i) => toValue(item, `${path}[${i}]`, depth + 1)) } };
  }
  if (isPlainObject(value)) return { struct_value: toStruct(value as StructObject, path, depth + 1) };
  throw fail("null, a boolean, number, string, list or object", typeof value);
}

/** Bytes, typed arrays, buffers, and the tensor objects of this project and of TensorFlow.js. */
function isTensorLike(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return true;
  return "shape" in value && "dtype" in value;
}

function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The kwargs of a Struct that arrived.
 *
 * @throws WireError `header.length`, made by `blame`, for a value that google.protobuf.Value does not allow.
 */
export function fromStruct({ fields = [] }: WireStruct, path: string, blame: Blame): StructObject {
  // fromEntries, since it defines "__proto__" as a key like any other.
  return Object.fromEntries(fields.map(({ key, value }) => [key, fromValue(value ?? {}, `${path}.${key}`, blame)]));
}

function fromValue(value: WireValue, path: string, blame: Blame): StructValue {
  // r[tp.kwargs.value]: the object has a kind for each that stands on the wire.
  const kinds = Object.keys(value).length;
  if (kinds > 1) throw blame("header.length", `${path}: expected a value of one kind, one of ${kinds} came`);
  const { bool_value, number_value, string_value, list_value, struct_value } = value;
  if (bool_value !== undefined) return bool_value;
  if (string_value !== undefined) return string_value;
  if (list_value !== undefined) {
    return list_value.values.map((item, i) => fromValue(item, `${path}[${i}]`, blame));
  }
  if (struct_value !== undefined) return fromStruct(struct_value, path, blame);
  if (value.null_value !== undefined) return null;
  // r[tp.kwargs.value]
  if (number_value === undefined || !Number.isFinite(number_value)) {
    const came = number_value ?? "one without a kind";
    throw blame("header.length", `${path}: expected a google.protobuf.Value, ${came} came`);
  }
  return number_value;
}
