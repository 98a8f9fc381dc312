/**
 * The element types that a spec can name, with their size in bytes (`spec/tp-control.md`, "Tensor specs"). Elements are
 * little-endian; a `bool` is one byte.
 */
export const DTYPE_SIZES = {
  bool: 1,
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
} as const;

export type Dtype = keyof typeof DTYPE_SIZES;

/** The supported set unless `dtypes` says otherwise. */
export const DEFAULT_DTYPES: ReadonlySet<Dtype> = new Set(["bfloat16", "float16", "float32", "int64"]);

/** True for a name of the table. `Object.hasOwn`: a peer may well say "constructor". */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(DTYPE_SIZES, name);
}
