import { compareSpecs, type TensorSource } from "@tensorwire/tensor-spec";
import type { PpResultInit } from "./result.ts";

/** SHA-256 of the parts, one behind the other: 32 bytes. This package computes none itself. */
export type Sha256 = (parts: readonly Uint8Array[]) => Uint8Array;

/**
 * What `output_digest_i64` says of a result's tensors, given in spec order: the first 8 bytes of the SHA-256 over their bytes, read as
 * a signed integer, little-endian. r[pp.acceptance.digest]
 */
export function outputDigest(tensors: readonly { readonly data: Uint8Array }[], sha256: Sha256): bigint {
  const { buffer, byteOffset, byteLength } = sha256(tensors.map(({ data }) => data));
  return new DataView(buffer, byteOffset, byteLength).getBigInt64(0, true);
}

/** The result with its digest in. Makes its tensors; an error result has none, and stays as it is. */
export function withDigest(init: PpResultInit, sha256: Sha256): PpResultInit {
  if (init.ok === false) return init;
  const tensors = (init.tensors ?? []).toSorted(compareSpecs).map(made);
  return { ...init, tensors, output_digest_i64: outputDigest(tensors, sha256) };
}

function made({ data, ...spec }: TensorSource): TensorSource & { readonly data: Uint8Array } {
  const { buffer, byteOffset, byteLength } = typeof data === "function" ? data() : data;
  return { ...spec, data: new Uint8Array(buffer, byteOffset, byteLength) };
}
