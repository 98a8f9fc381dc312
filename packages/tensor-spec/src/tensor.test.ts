import { expect, test } from "bun:test";
import { refusal } from "@tensorwire/framing";
import { byteLengthOf, type TensorSpec } from "./spec.ts";
import { takeTensors } from "./tensor.ts";

const a: TensorSpec = { key: "a", dtype: "float32", shape: [2] };
const b: TensorSpec = { key: "b", index: 1, dtype: "int64", shape: [1, 1] };
const part = (length: number, byte = 1) => ({ bytes: new Uint8Array(length).fill(byte) });

test("tensors own their bytes, aligned so that typed arrays fit", () => {
  const parts = [part(8, 1), part(8, 2)];
  const [first, second] = takeTensors([a, b], parts, refusal);
  parts[0]!.bytes.fill(9);
  expect(first).toEqual({ ...a, data: new Uint8Array(8).fill(1) });
  expect(second).toEqual({ ...b, data: new Uint8Array(8).fill(2) });
  expect(second!.data.byteOffset % 64).toBe(0);
  expect(new BigInt64Array(second!.data.buffer, second!.data.byteOffset, 1)).toHaveLength(1);
});

test("tp.spec.parts: a missing and a surplus part are refused", () => {
  expect(() => takeTensors([a, b], [part(8)], refusal)).toThrow("expected 2 parts, one for each spec, 1 came");
  expect(() => takeTensors([a], [part(8), part(0)], refusal)).toThrow("expected 1 parts, one for each spec, 2 came");
});

test("tp.spec.part-length: one byte less or more is refused by name", () => {
  for (const length of [0, 7, 9]) {
    expect(() => takeTensors([b], [part(length)], refusal)).toThrow(
      `[spec.mismatch] tensor "b"[1]: expected 8 bytes (int64 [1, 1]), ${length} came`,
    );
  }
});

test("tp.spec.before-allocation: a spec that promises a terabyte without the bytes takes no memory", () => {
  const huge: TensorSpec = { key: "huge", dtype: "bfloat16", shape: [2 ** 39] };
  expect(byteLengthOf(huge)).toBe(2 ** 40);
  expect(() => takeTensors([huge], [part(4)], refusal)).toThrow("expected 1099511627776 bytes");
});

test("a zero dimension makes a tensor of no bytes", () => {
  const [empty] = takeTensors([{ key: "e", dtype: "float32", shape: [0, 5] }], [part(0)], refusal);
  expect(empty!.data).toHaveLength(0);
});

test("tensors lie one behind the other, with at most 63 bytes between them", () => {
  const [first, second] = takeTensors([a, b], [part(8), part(8)], refusal);
  expect(second!.data.buffer).toBe(first!.data.buffer);
  expect([second!.data.byteOffset, second!.data.buffer.byteLength]).toEqual([64, 128]);
});
