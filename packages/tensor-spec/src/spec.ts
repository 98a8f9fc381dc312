import { type ErrorCode, WireError } from "@tensorwire/framing";
import { DTYPE_SIZES, type Dtype, isDtype } from "./dtype.ts";
import type { MessageLimits } from "./limits.ts";
import { show } from "./show.ts";

/** One tensor of a message: which, of what type and shape. */
export interface TensorSpec {
  readonly key: string;
  /** Position in a list-valued argument, from 0 to 2^32 - 1. Absent for a tensor that stands alone. */
  readonly index?: number;
  readonly dtype: Dtype;
  /** Elements in each dimension, outermost first; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/** A spec as it came, from a peer's manifest or a caller: nothing of it has been judged. */
export interface RawSpec {
  readonly key: string;
  readonly index?: number | undefined;
  readonly dtype: string;
  readonly shape: readonly (number | bigint)[];
}

/** Makes the error of whoever is at fault: `refusal` for a caller, `peerFault(offset)` for a peer. */
export type Blame = (code: ErrorCode, message: string) => WireError;

/** Blames the peer, with a fatal error at `offset` bytes of its stream. */
export function peerFault(offset: number): Blame {
  return (code, message) => new WireError({ code, message: `${message}, at byte ${offset} of the stream`, offset });
}

/** A spec's name in messages: `latents` or `latents[2]`. */
export function nameOf({ key, index }: Pick<RawSpec, "key" | "index">): string {
  return index === undefined ? show(key) : `${show(key)}[${index}]`;
}

/**
 * Judges the specs of one message: known and supported dtypes, keys, order, uniqueness, rank, dimensions, sizes and count.
 * Nothing is allocated for a tensor here. r[tp.spec.before-allocation]
 *
 * @throws WireError `spec.mismatch`, made by `blame`.
 */
export function checkSpecs(raw: readonly RawSpec[], limits: MessageLimits, blame: Blame): TensorSpec[] {
  // r[tp.spec.count]
  if (raw.length > limits.maxTensors) {
    throw blame("spec.mismatch", `expected at most ${limits.maxTensors} tensor specs, ${raw.length} came`);
  }
  return raw.map((spec, i) => {
    const previous = raw[i - 1];
    if (previous !== undefined) checkOrder(previous, spec, blame);
    return checkSpec(spec, limits, blame);
  });
}

function checkOrder(previous: RawSpec, spec: RawSpec, blame: Blame): void {
  const order = compareSpecs(previous, spec);
  // r[tp.spec.unique]
  if (order === 0) throw blame("spec.mismatch", `expected one spec ${nameOf(spec)}, two came`);
  // r[tp.spec.order]
  if (order > 0) {
    throw blame(
      "spec.mismatch",
      `expected specs sorted by (key, index), ${nameOf(spec)} came after ${nameOf(previous)}`,
    );
  }
}

function checkSpec({ key, index, dtype, shape }: RawSpec, limits: MessageLimits, blame: Blame): TensorSpec {
  const fail = (expected: string, came: unknown) =>
    blame("spec.mismatch", `tensor ${nameOf({ key, index })}: expected ${expected}, ${came} came`);
  // r[tp.spec.key]
  if (key === "") throw fail("a key", "an empty one");
  if (!key.isWellFormed()) throw fail("a key of well-formed Unicode", "a lone surrogate");
  // r[tp.encode.field-range] r[pp.encode.field-range]: of a peer's spec the parser has made a uint32.
  if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index <= 0xffffffff)) {
    throw fail("an index from 0 to 2^32 - 1", index);
  }
  // r[tp.spec.dtype-known] r[tp.spec.dtype-supported]
  if (!isDtype(dtype)) throw fail("a known dtype", show(dtype));
  if (!limits.dtypes.has(dtype)) {
    throw fail(`a supported dtype (${[...limits.dtypes].join(", ")})`, `${dtype}, which is known but not supported,`);
  }
  // r[tp.spec.rank]
  if (shape.length > limits.maxRank) throw fail(`at most ${limits.maxRank} dimensions`, shape.length);
  // A copy first: map() would pass over the holes of a caller's list.
  const dimensions = [...shape].map((dimension) => {
    const value = Number(dimension);
    // r[tp.spec.dimension] r[tp.encode.field-range] r[pp.encode.field-range]: a bigint that rounds is beyond 2^53 and so not safe.
    if (!(Number.isSafeInteger(value) && value >= 0)) throw fail("dimensions from 0 to 2^53 - 1", dimension);
    return value;
  });
  // r[tp.spec.product] r[tp.spec.size]
  const size = productOf(dtype, dimensions);
  if (size > BigInt(limits.maxTensorLength)) throw fail(`at most ${limits.maxTensorLength} bytes`, size);
  return index === undefined ? { key, dtype, shape: dimensions } : { key, index, dtype, shape: dimensions };
}

/** Bytes of a tensor. Exact for every spec that `checkSpecs` has let pass. */
export function byteLengthOf({ dtype, shape }: Pick<TensorSpec, "dtype" | "shape">): number {
  return Number(productOf(dtype, shape));
}

function productOf(dtype: Dtype, shape: readonly number[]): bigint {
  return shape.reduce((product, dimension) => product * BigInt(dimension), BigInt(DTYPE_SIZES[dtype]));
}

/** The order of specs: keys by their UTF-8 bytes, then an absent index first, then by number. r[tp.spec.order] */
export function compareSpecs(a: Pick<RawSpec, "key" | "index">, b: Pick<RawSpec, "key" | "index">): number {
  return compareUtf8(a.key, b.key) || (a.index ?? -1) - (b.index ?? -1);
}

/**
 * UTF-8 order is code point order. JavaScript compares UTF-16 units, which differs where a surrogate (0xd800 to 0xdfff,
 * a code point of 0x10000 or more) meets a unit from 0xe000 up: there the surrogate has to win.
 */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
