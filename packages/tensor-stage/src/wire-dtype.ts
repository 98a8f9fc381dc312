/**
 * The dtype edge between stage and wire. A stage computes in float32; the wire may carry float32, float16 or bfloat16.
 * Narrowing rounds to nearest, ties to even; what is too large becomes infinity; NaN stays NaN. Bytes are little-endian,
 * as every host is that Bun runs on.
 */

import { DTYPE_SIZES } from "@tensorwire/tensor-spec";

export const WIRE_DTYPES = ["float32", "float16", "bfloat16"] as const;
export type WireDtype = (typeof WIRE_DTYPES)[number];

/** Bytes of `values` in `dtype`. For float32 they are a view of `values`, else memory of their own. */
export function toWire(values: Float32Array, dtype: WireDtype): Uint8Array {
  if (dtype === "float32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === "float16") return new Uint8Array(Float16Array.from(values).buffer);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const narrow = new Uint16Array(values.length);
  for (let i = 0; i < narrow.length; i++) {
    const word = bits[i]!;
    // A NaN keeps its sign and high bits and gets the quiet bit: rounding it could carry into the sign or end at infinity.
    if ((word & 0x7fffffff) > 0x7f800000) narrow[i] = (word >>> 16) | 0x40;
    else narrow[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(narrow.buffer);
}

/**
 * Values of `bytes` in `dtype`, exactly, in fresh memory: the tensor made of them may outlive a borrowed wire buffer.
 * Throws RangeError when the length is no multiple of the element size.
 */
export function fromWire(bytes: Uint8Array, dtype: WireDtype): Float32Array {
  const size = DTYPE_SIZES[dtype];
  if (bytes.length % size !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of ${dtype} values`);
  const values = new Float32Array(bytes.length / size);
  if (dtype === "float32") {
    new Uint8Array(values.buffer).set(bytes);
  } else if (dtype === "float16") {
    values.set(new Float16Array(aligned(bytes).buffer));
  } else {
    const narrow = new Uint16Array(aligned(bytes).buffer);
    const bits = new Uint32Array(values.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] = narrow[i]! << 16;
  }
  return values;
}

/** A copy at offset 0 of a buffer of its own, since a wire view may start at an odd byte. */
function aligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
