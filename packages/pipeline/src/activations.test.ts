import { describe, expect, test } from "bun:test";
import { byteLengthOf, type Dtype, type Tensor } from "@tensorwire/tensor-spec";
import { idsTensor, logitsOf, outputTensor, stageInput } from "./activations.ts";

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer.slice(view.byteOffset)).slice(0, view.byteLength);

function tensor(key: string, dtype: Dtype, shape: number[], data: ArrayBufferView): Tensor {
  expect(data.byteLength).toBe(byteLengthOf({ dtype, shape }));
  return { key, dtype, shape, data: bytesOf(data) as Uint8Array<ArrayBuffer> };
}

test("token ids cross as int64 [T]", () => {
  const source = idsTensor(Int32Array.of(0, 7, 2 ** 31 - 1));
  expect(source).toMatchObject({ key: "input_ids", dtype: "int64", shape: [3] });
  const arrived = tensor("input_ids", "int64", [3], source.data as BigInt64Array);
  expect(stageInput([arrived], 4)).toEqual({ ids: Int32Array.of(0, 7, 2 ** 31 - 1) });
});

test.each([-1n, 2n ** 31n, 2n ** 32n + 5n, -(2n ** 63n)])("the id %p is refused, not wrapped", (id) => {
  const ids = tensor("input_ids", "int64", [2], BigInt64Array.of(1n, id));
  expect(() => stageInput([ids], 4)).toThrow(`token 1: expected an id from 0 to 2^31 - 1, ${id} came`);
});

describe("hidden", () => {
  const data = Float32Array.of(1, -0.5, 1.0009765625, 3);

  test.each(["float32", "float16", "bfloat16"] as const)("crosses as %s, whatever a stage sends itself", (dtype) => {
    const { data: make, ...spec } = outputTensor({ kind: "hidden", shape: [2, 2], data }, dtype);
    expect(spec).toEqual({ key: "hidden", dtype, shape: [2, 2] });
    const arrived = tensor("hidden", dtype, [2, 2], (make as () => Uint8Array)());
    const rounded = dtype === "bfloat16" ? Float32Array.of(1, -0.5, 1, 3) : data;
    expect(stageInput([arrived], 2)).toEqual({ hidden: rounded });
  });

  test("of another width is refused: four values are no two tokens of two when the model has one row of four", () => {
    const hidden = tensor("hidden", "float32", [2, 2], data);
    expect(() => stageInput([hidden], 4)).toThrow('tensor "hidden": expected rows of 4 values, [2, 2] came');
  });
});

test("logits are float32 on every wire", () => {
  const data = Float32Array.of(0.1, 0.2);
  const { dtype, data: make } = outputTensor({ kind: "logits", shape: [2], data }, "bfloat16");
  expect(dtype).toBe("float32");
  expect(logitsOf([tensor("logits", "float32", [2], (make as () => Uint8Array)())])).toEqual(data);
});

test("a missing or unfit tensor is named", () => {
  expect(() => logitsOf([])).toThrow('expected a tensor "logits" of float32, float16, bfloat16, none came');
  const ids = tensor("logits", "int64", [1], BigInt64Array.of(1n));
  expect(() => logitsOf([ids])).toThrow('"logits" int64 came');
});
