import { refusal } from "@tensorwire/framing";
import { type Blame, compareSpecs } from "@tensorwire/tensor-spec";

/** What a `google.protobuf.Struct` carries without changing it: data, and nothing else. r[tp.manifest.nothing-executable] */
export type StructValue = null | boolean | number | string | readonly StructValue[] | StructObject;
export interface StructObject {
  readonly [name: string]: StructValue;
}

/** google.protobuf.Value as the codec gives and takes it: exactly one kind is set. */
interface WireValue {
  readonly nullValue?: unknown;
  readonly boolValue?: boolean;
  readonly numberValue?: number;
  readonly stringValue?: string;
  readonly listValue?: { readonly values?: readonly WireValue[] };
  readonly structValue?: WireStruct;
}
export interface WireStruct {
  readonly fields?: Readonly<Record<string, WireValue>>;
}

/** protobuf parsers stop at 100 nested messages, and a level of a Struct is up to three. */
const MAX_DEPTH = 32;

/**
 * kwargs as a Struct. `path` names the value in errors: `kwargs.a.b`.
 *
 * @throws WireError refusal `spec.mismatch` for a tensor or bytes, `header.field` for what a Struct would change.
 */
export function toStruct(value: StructObject, path: string, depth = 0): WireStruct {
  if (depth > MAX_DEPTH) throw refusal("header.field", `${path}: expected at most ${MAX_DEPTH} levels, more came`);
  return {
    // fromEntries, since it defines "__proto__" as a key like any other.
    fields: Object.fromEntries(
      Object.entries(value)
        // r[tp.encode.canonical]: names in the order that keys of specs have.
        .sort(([a], [b]) => compareSpecs({ key: a }, { key: b }))
        .map(([name, item]) => {
          const at = `${path}.${name}`;
          if (!name.isWellFormed()) throw refusal("header.field", `${at}: expected a name of well-formed Unicode`);
          return [name, toValue(item, at, depth)];
        }),
    ),
  };
}

function toValue(value: unknown, path: string, depth: number): WireValue {
  const fail = (expected: string, came: string) =>
    refusal("header.field", `${path}: expected ${expected}, ${came} came; a typed field carries what a Struct cannot`);
  if (value === null) return { nullValue: "NULL_VALUE" };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    // r[tp.kwargs.exact]: an integer beyond 2^53 - 1 may already be a rounded one.
    if (!Number.isFinite(value)) throw fail("a finite number", String(value));
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw fail("an integer up to 2^53 - 1", String(value));
    return { numberValue: value };
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw fail("a string of well-formed Unicode", "a lone surrogate");
    return { stringValue: value };
  }
  // r[tp.kwargs.no-tensors]
  if (isTensorLike(value)) throw refusal("spec.mismatch", `${path}: nested tensors are not allowed, tensors are parts`);
  if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) throw fail(`at most ${MAX_DEPTH} levels`, "more");
    return { listValue: { values: value.map((item, i) => toValue(item, `${path}[${i}]`, depth + 1)) } };
  }
  if (isPlainObject(value)) return { structValue: toStruct(value as StructObject, path, depth + 1) };
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
export function fromStruct({ fields = {} }: WireStruct, path: string, blame: Blame): StructObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, fromValue(value, `${path}.${name}`, blame)]),
  );
}

function fromValue(value: WireValue, path: string, blame: Blame): StructValue {
  const { boolValue, numberValue, stringValue, listValue, structValue } = value;
  if (boolValue !== undefined) return boolValue;
  if (stringValue !== undefined) return stringValue;
  if (listValue !== undefined) {
    return (listValue.values ?? []).map((item, i) => fromValue(item, `${path}[${i}]`, blame));
  }
  if (structValue !== undefined) return fromStruct(structValue, path, blame);
  if (value.nullValue !== undefined) return null;
  // r[tp.kwargs.value]
  if (numberValue === undefined || !Number.isFinite(numberValue)) {
    throw blame(
      "header.length",
      `${path}: expected a google.protobuf.Value, ${numberValue ?? "one without a kind"} came`,
    );
  }
  return numberValue;
}
