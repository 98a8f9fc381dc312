import { refusal } from "@tensorwire/framing";
import { type Blame, compareSpecs, printable } from "@tensorwire/tensor-spec";

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
 * kwargs as a Struct of at most `most` values: entries of objects and elements of lists. Errors name a value by its path,
 * `kwargs.a.b`.
 *
 * @throws WireError refusal `spec.mismatch` for a tensor or bytes, `header.field` for what a Struct would change,
 *   `oversize.declared` for too many values.
 */
export function toStruct(kwargs: StructObject, most: number): Required<WireStruct> {
  refuseTensor(kwargs, "kwargs");
  if (!isPlainObject(kwargs)) throw refusal("header.field", "kwargs: expected a plain object, another value came");
  return toFields(kwargs, "kwargs", 0, tallyOf(most, refusal));
}

/** Counts the values of one message's kwargs, and throws what `blame` makes of one too many. */
export function tallyOf(most: number, blame: Blame): () => void {
  let values = 0;
  return () => {
    if (++values <= most) return;
    throw blame("oversize.declared", `kwargs: expected at most ${most} values, ${values} or more came`);
  };
}

function toFields(value: object, path: string, depth: number, tally: () => void): Required<WireStruct> {
  if (depth > MAX_DEPTH) {
    throw refusal("header.field", `${printable(path)}: expected at most ${MAX_DEPTH} levels, more came`);
  }
  const fields = Object.entries(value).map(([key, item]) => {
    tally();
    const at = `${path}.${key}`;
    if (!key.isWellFormed()) {
      throw refusal("header.field", `${printable(at)}: expected a name of well-formed Unicode`);
    }
    return { key, value: toValue(item, at, depth, tally) };
  });
  // r[tp.encode.canonical]
  return { fields: fields.sort(compareSpecs) };
}

function toValue(value: unknown, path: string, depth: number, tally: () => void): WireValue {
  const fail = (expected: string, came: string) => {
    const why = `expected ${expected}, ${came} came; a typed field carries what a Struct cannot`;
    return refusal("header.field", `${printable(path)}: ${why}`);
  };
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
  refuseTensor(value, path);
  if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) throw fail(`at most ${MAX_DEPTH} levels`, "more");
    // Array.from, since map() passes over holes.
    const values = Array.from(value, (item: unknown, i) => {
      tally();
      return toValue(item, `${path}[${i}]`, depth + 1, tally);
    });
    return { list_value: { values } };
  }
  if (isPlainObject(value)) return { struct_value: toFields(value, path, depth + 1, tally) };
  throw fail("null, a boolean, number, string, list or object", typeof value);
}

/** r[tp.kwargs.no-tensors] */
function refuseTensor(value: unknown, path: string): void {
  if (!isTensorLike(value)) return;
  throw refusal("spec.mismatch", `${printable(path)}: nested tensors are not allowed, tensors are parts`);
}

/** What tells a tensor from the description of one: TensorSource has `data`, and TensorFlow.js the others. */
const ELEMENTS = ["data", "dataId", "values", "buffer"];

/**
 * Bytes, typed arrays, buffers, and the tensor objects of this project and of TensorFlow.js. A shape and a dtype without
 * elements are configuration.
 */
function isTensorLike(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return true;
  return "shape" in value && "dtype" in value && ELEMENTS.some((name) => name in value);
}

function isPlainObject(value: unknown): value is object {
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
  if (kinds > 1) {
    throw blame("header.length", `${printable(path)}: expected a value of one kind, one of ${kinds} came`);
  }
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
    throw blame("header.length", `${printable(path)}: expected a google.protobuf.Value, ${came} came`);
  }
  return number_value;
}
