import { describe, expect, test } from "bun:test";
import { decodeMultipart } from "@tensorwire/framing";
import { messageLimits } from "./limits.ts";
import { PreparedMessage, prepareMessage, type TensorSource } from "./prepared-message.ts";

const limits = messageLimits();
const body = Uint8Array.of(0xb0, 0xd1);
const source = (over: Partial<TensorSource> = {}): TensorSource => ({
  key: "x",
  dtype: "float32",
  shape: [1],
  data: new Uint8Array(4),
  ...over,
});

describe("tp.send.order, pp.send.order", () => {
  test("specs are judged before the body is serialised, the body before any tensor is made", () => {
    const steps: string[] = [];
    const tensors = ["b", "a"].map((key) =>
      source({
        key,
        data: () => {
          steps.push(`materialise ${key}`);
          return new Uint8Array(4);
        },
      }),
    );
    const serialise = (specs: readonly { key: string }[]) => {
      steps.push(`serialise ${specs.map(({ key }) => key)}`);
      return body;
    };
    prepareMessage({ subject: {}, serialise, tensors }, limits);
    expect(steps).toEqual(["serialise a,b", "materialise a", "materialise b"]);
    expect(() =>
      prepareMessage({ subject: {}, serialise, tensors: [...tensors, source({ dtype: "fp8" })] }, limits),
    ).toThrow("expected a known dtype");
    expect(steps).toHaveLength(3);
  });

  test("a failure while a tensor is made leaves no message", () => {
    const broken = source({
      data: () => {
        throw new Error("device lost");
      },
    });
    expect(() =>
      prepareMessage({ subject: {}, serialise: () => body, tensors: [source({ key: "a" }), broken] }, limits),
    ).toThrow("device lost");
    expect(() =>
      prepareMessage(
        { subject: {}, serialise: () => body, tensors: [source({ data: () => new Uint8Array(5) })] },
        limits,
      ),
    ).toThrow(`[spec.mismatch] tensor "x": expected 4 bytes (float32 [1]), 5 came`);
  });

  test("tp.encode.oversize, pp.encode.oversize: the frame and the manifest are judged before any tensor is made", () => {
    let made = 0;
    const data = () => {
      made++;
      return new Uint8Array(4);
    };
    const prepare = (over: Parameters<typeof messageLimits>[0]) =>
      prepareMessage({ subject: {}, serialise: () => body, tensors: [source({ data })] }, messageLimits(over));
    // 8 + 2 of body, 8 + 4 of tensor.
    expect(prepare({ maxFrameLength: 22 }).byteLength).toBe(8 + 22);
    expect(made).toBe(1);
    expect(() => prepare({ maxFrameLength: 21, maxTensorLength: 4 })).toThrow("[oversize.declared]");
    expect(prepare({ maxManifestLength: 2 }).byteLength).toBe(8 + 22);
    expect(made).toBe(2);
    expect(() => prepare({ maxManifestLength: 1 })).toThrow(
      "[oversize.declared] expected a manifest of at most 1 bytes",
    );
    expect(made).toBe(2);
  });
});

test("tp.encode.layout, pp.encode.layout: the buffers are header, frame and tensors in spec order, tensors by reference", () => {
  const first = new Float32Array([1]);
  const second = new DataView(new ArrayBuffer(12), 4, 4);
  const { buffers, byteLength } = prepareMessage(
    {
      subject: {},
      header: Uint8Array.of(7),
      serialise: () => body,
      tensors: [source({ key: "b", data: second }), source({ key: "a", data: first })],
    },
    limits,
  );
  expect(buffers[0]).toEqual(Uint8Array.of(7));
  expect(buffers.some((buffer) => buffer.buffer === first.buffer)).toBeTrue();
  const wire = Buffer.concat(buffers);
  expect(wire).toHaveLength(byteLength);
  const { body: read, parts } = decodeMultipart(wire.subarray(9));
  expect([read.bytes, ...parts.map(({ bytes }) => bytes)].map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual([
    "b0d1",
    "0000803f",
    "00000000",
  ]);
});

test("only prepareMessage makes a PreparedMessage: nothing of the same shape passes for one", () => {
  const made = prepareMessage({ subject: {}, header: Uint8Array.of(7) }, limits);
  expect(PreparedMessage.is(made)).toBeTrue();
  expect(PreparedMessage.is({ ...made })).toBeFalse();
  // @ts-expect-error a plain object is not one for the compiler either
  const forged: PreparedMessage = { subject: {}, buffers: [], byteLength: 0 };
  expect(PreparedMessage.is(forged)).toBeFalse();
  expect(() => Object.assign(made, { buffers: [] })).toThrow(TypeError);
});

test("what is no object is no prepared message, and neither is one of the same shape", () => {
  for (const value of [null, undefined, 5, "x", {}, { subject: 1, buffers: [], byteLength: 0 }]) {
    expect(PreparedMessage.is(value)).toBe(false);
  }
});

test("a body may come without tensors", () => {
  const { buffers } = prepareMessage({ subject: {}, serialise: () => body }, limits);
  const { parts } = decodeMultipart(new Uint8Array(Buffer.concat(buffers).subarray(8)));
  expect(parts).toEqual([]);
});

test("tp.send.order, pp.send.order: nothing of a prepared message can be changed behind its checks", () => {
  const subject = { call_id: 1n };
  const made = prepareMessage({ subject, header: Uint8Array.of(7) }, limits);
  subject.call_id = 2n;
  expect(made.subject).toEqual({ call_id: 1n });
  expect(() => Object.assign(made.subject, { call_id: 3n })).toThrow(TypeError);
  expect(() => (made.buffers as Uint8Array[]).pop()).toThrow(TypeError);
  expect([made.subject, made.buffers]).toEqual([{ call_id: 1n }, [Uint8Array.of(7)]]);
});
