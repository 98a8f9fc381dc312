/** The edge between a stage's arrays and the tensors of the PP contract: `input_ids`, `hidden` and `logits`. */
import { refusal } from "@tensorwire/framing";
import type { Tensor, TensorSource } from "@tensorwire/tensor-spec";
import {
  fromWire,
  type StageInput,
  type StageOutput,
  toWire,
  WIRE_DTYPES,
  type WireDtype,
} from "@tensorwire/tensor-stage";

export function idsTensor(ids: Int32Array): TensorSource {
  return { key: "input_ids", dtype: "int64", shape: [ids.length], data: BigInt64Array.from(ids, BigInt) };
}

/**
 * Reads what a call brings to a stage whose hidden states are `width` wide. Whether it takes ids or hidden states is for
 * the stage to judge.
 */
export function stageInput(tensors: readonly Tensor[], width: number): StageInput {
  const ids = tensors.find(({ key, index }) => key === "input_ids" && index === undefined);
  if (ids !== undefined) return { ids: tokenIds(ids) };
  const { values, shape } = activation(tensors, "hidden");
  if (shape.at(-1) === width) return { hidden: values };
  throw refusal("spec.mismatch", `tensor "hidden": expected rows of ${width} values, [${shape.join(", ")}] came`);
}

/** Hidden states go in the wire dtype, logits always in float32: a sampler is the one place that would see the rounding. */
export function outputTensor({ kind, shape, data }: StageOutput, wireDtype: WireDtype): TensorSource {
  const dtype = kind === "logits" ? "float32" : wireDtype;
  return { key: kind, dtype, shape, data: () => toWire(data, dtype) };
}

/** Logits of the last position, one for each token of the vocabulary. */
export function logitsOf(tensors: readonly Tensor[]): Float32Array {
  return activation(tensors, "logits").values;
}

function activation(
  tensors: readonly Tensor[],
  name: string,
): { readonly values: Float32Array; readonly shape: readonly number[] } {
  const tensor = tensors.find(({ key, index }) => key === name && index === undefined);
  const dtype = WIRE_DTYPES.find((each) => each === tensor?.dtype);
  if (tensor === undefined || dtype === undefined) {
    const came = tensors.map(({ key, dtype }) => `${JSON.stringify(key)} ${dtype}`).join(", ") || "none";
    throw refusal(
      "spec.mismatch",
      `expected a tensor ${JSON.stringify(name)} of ${WIRE_DTYPES.join(", ")}, ${came} came`,
    );
  }
  return { values: fromWire(tensor.data, dtype), shape: tensor.shape };
}

function tokenIds({ data }: Tensor): Int32Array {
  const wide = new BigInt64Array(data.buffer, data.byteOffset, data.length / 8);
  return Int32Array.from(wide, (id, i) => {
    // Checked as 64 bits: what wraps to 32 could be a sound id.
    if (id >= 0n && id <= 0x7fffffffn) return Number(id);
    throw refusal("spec.mismatch", `token ${i}: expected an id from 0 to 2^31 - 1, ${id} came`);
  });
}
