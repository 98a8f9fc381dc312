import { crc32 } from "node:zlib";
import type { Tensor, TensorSource } from "@tensorwire/tensor-spec";

/** Who made a tensor, and for which call. */
export interface Origin {
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  /** Rank that made it. */
  readonly rank: number;
}

/** int64 values before the filling: call_id, chunk_index, rank, checksum of all the others. */
export const HEAD = 4;

/** A tensor whose content says where it belongs: one that is torn, swapped or altered shows it. */
export function makeTensor(key: string, origin: Origin, length: number): TensorSource {
  const data = new BigInt64Array(length);
  data[0] = origin.call_id;
  data[1] = origin.chunk_index;
  data[2] = BigInt(origin.rank);
  const fill = new Uint32Array(data.buffer, HEAD * 8);
  const start = Number(BigInt.asUintN(32, origin.call_id * 2654435761n)) ^ origin.rank;
  for (let i = 0; i < fill.length; i++) fill[i] = Math.imul(start + i, 0x9e3779b1);
  data[3] = checksum(data);
  return { key, dtype: "int64", shape: [length], data };
}

/** True when the tensor is exactly what `origin` made. */
export function isWhole({ data }: Tensor, origin: Origin): boolean {
  const values = new BigInt64Array(data.buffer, data.byteOffset, data.byteLength / 8);
  if (values.length < HEAD) return false;
  const names = [origin.call_id, origin.chunk_index, BigInt(origin.rank)];
  return names.every((value, i) => values[i] === value) && values[3] === checksum(values);
}

function checksum(values: BigInt64Array<ArrayBuffer>): bigint {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return BigInt(crc32(bytes.subarray(HEAD * 8), crc32(bytes.subarray(0, 24))));
}
