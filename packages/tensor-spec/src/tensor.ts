import type { Part } from "@tensorwire/framing";
import { type Blame, byteLengthOf, nameOf, type TensorSpec } from "./spec.ts";

/** A tensor that arrived: its spec, and bytes that belong to whoever has it. */
export interface Tensor extends TensorSpec {
  /** Elements in C order, little-endian. Begins at a multiple of 64 bytes of its buffer, so a typed array fits on it. */
  readonly data: Uint8Array<ArrayBuffer>;
}

const ALIGNMENT = 64;

/**
 * Takes the parts of a message as tensors: one for each spec, of the spec's length. The bytes are copied, into one buffer
 * for all of them, after every length has been checked.
 *
 * @throws WireError `spec.mismatch`, made by `blame`.
 */
export function takeTensors(specs: readonly TensorSpec[], parts: readonly Part[], blame: Blame): Tensor[] {
  // r[tp.spec.parts] r[pp.spec.tensors]
  if (parts.length !== specs.length) {
    throw blame("spec.mismatch", `expected ${specs.length} parts, one for each spec, ${parts.length} came`);
  }
  let total = 0;
  const starts = specs.map((spec, i) => {
    const start = total;
    const { length } = parts[i]!.bytes;
    checkLength(spec, length, blame);
    total += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    return start;
  });
  const buffer = new ArrayBuffer(total);
  return specs.map((spec, i) => {
    const { bytes } = parts[i]!;
    const data = new Uint8Array(buffer, starts[i]!, bytes.length);
    data.set(bytes);
    return { ...spec, data };
  });
}

/** r[tp.spec.part-length] */
export function checkLength(spec: TensorSpec, length: number, blame: Blame): void {
  const expected = byteLengthOf(spec);
  if (length === expected) return;
  const what = `${spec.dtype} [${spec.shape.join(", ")}]`;
  throw blame("spec.mismatch", `tensor ${nameOf(spec)}: expected ${expected} bytes (${what}), ${length} came`);
}
