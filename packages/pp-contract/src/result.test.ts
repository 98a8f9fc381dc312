import { describe, expect, test } from "bun:test";
import { encodeMultipart, FrameEncoder } from "@tensorwire/framing";
import { concat, decodeEveryWay, decodeInChunks, hex, refusalOf } from "@tensorwire/tp-control/testing";
import { PpResultDecoder, type PpResultInit, preparePpResult } from "./result.ts";
import { hidden } from "./testing.ts";

const ids = { call_id: 2n ** 53n + 1n, chunk_index: -2n, cache_epoch: 5n };
const result = (over: Partial<PpResultInit> = {}) => preparePpResult({ ...ids, tensors: [hidden], ...over });
const failed = (error_message = "out of memory") => preparePpResult({ ...ids, ok: false, error_message });

function raw(body: string, parts: readonly Uint8Array[] = []): Uint8Array<ArrayBuffer> {
  const payload = encodeMultipart({ body: { bytes: hex(body) }, parts: parts.map((bytes) => ({ bytes })) });
  return concat(new FrameEncoder("len64").encode(payload));
}

test("golden error result: the bytes, both ways", () => {
  const golden = raw("0801 1005 3000 3a03 6f6f6d");
  const call = { call_id: 5n, chunk_index: 0n, cache_epoch: 0n };
  const made = preparePpResult({ ...call, ok: false, error_message: "oom" });
  expect(concat(made.buffers)).toEqual(golden);
  const { messages, error } = decodeInChunks(new PpResultDecoder(), golden);
  expect(error).toBeNull();
  expect(messages).toEqual([
    {
      result: {
        ...call,
        pp_result_version: 1,
        tensor_specs: [],
        ok: false,
        error_message: "oom",
        observed_generator_calls: 0,
        mesh_current_start_frame: 0n,
      },
      tensors: [],
    },
  ]);
});

test("every field survives, 64-bit ones exactly; absent ones stay absent", () => {
  const optional = { output_digest_i64: -(2n ** 63n), stage1_ms: 12.5 };
  const rest = { observed_generator_calls: 3, mesh_current_start_frame: 2n ** 60n + 1n };
  const decode = (init: Partial<PpResultInit>) =>
    decodeInChunks(new PpResultDecoder(), concat(result(init).buffers)).messages[0]?.result;
  const base = { ...ids, pp_result_version: 1 as const, ok: true, error_message: "" };
  const tensor_specs = [{ key: "hidden", dtype: "float16" as const, shape: [2, 3] }];
  expect(decode({ ...rest, ...optional })).toEqual({ ...base, ...rest, ...optional, tensor_specs });
  const none = { observed_generator_calls: 0, mesh_current_start_frame: 0n };
  expect(decode({ ok: true })).toEqual({ ...base, ...none, tensor_specs });
});

test("pp.boundary.chunking: every cut gives the same results, EOF inside one is named", () => {
  const stream = concat(result().buffers, failed().buffers, result().buffers);
  const [whole, ...others] = decodeEveryWay(() => new PpResultDecoder(), stream);
  expect(whole!.messages.map((m) => m.result.ok)).toEqual([true, false, true]);
  for (const other of others) expect(other).toEqual(whole!);
  const first = result().byteLength;
  for (const [end, code] of [
    [3, "eof.in-prefix"],
    [8, "eof.in-body"],
    [first + 1, "eof.in-prefix"],
    [first + 20, "eof.in-body"],
  ] as const) {
    expect(decodeInChunks(new PpResultDecoder(), stream.slice(0, end)).error).toEqual({ code, offset: end });
  }
});

test("pp.encode.canonical: a true ok and defaults are left out", () => {
  const call = { call_id: 5n, chunk_index: 0n, cache_epoch: 0n };
  const tensors = [{ key: "x", dtype: "float32", shape: [1], data: new Float32Array([1]) }];
  const golden = raw("0801 1005 2a0f 0a0178 1a07666c6f61743332 220101", [hex("0000803f")]);
  expect(concat(preparePpResult({ ...call, ok: true, tensors }).buffers)).toEqual(golden);
});

test("pp.result.ok-default: an absent ok and an explicit true are both true", () => {
  const spec = "2a0f 0a0178 1a07666c6f61743332 220101";
  for (const body of [`0801 ${spec}`, `0801 ${spec} 3001`]) {
    const [message] = decodeInChunks(new PpResultDecoder(), raw(body, [new Uint8Array(4)])).messages;
    expect(message?.result.ok).toBeTrue();
  }
});

describe("a bad result", () => {
  test.each<[string, string, string, Uint8Array[]]>([
    ["pp.manifest.version", "version", "0802", []],
    ["pp.manifest.message", "header.length", "0801 3a05 61", []],
    ["pp.result.error-message: ok with one", "header.field", "0801 3a0161", []],
    ["pp.result.error-message: an error without one", "header.field", "0801 3000", []],
    ["pp.result.tensors: ok without any", "spec.mismatch", "0801", []],
    [
      "pp.result.tensors: an error with one",
      "spec.mismatch",
      "0801 2a0f 0a0178 1a07666c6f61743332 220101 3000 3a0161",
      [new Uint8Array(4)],
    ],
    ["pp.spec.tensors: a part without a spec", "spec.mismatch", "0801 3000 3a0161", [new Uint8Array(4)]],
  ])("%s is %s at the end of its frame; what came before is delivered", (_, code, body, parts) => {
    const good = concat(result().buffers);
    const stream = concat(good, raw(body, parts));
    for (const { messages, error } of decodeEveryWay(() => new PpResultDecoder(), stream)) {
      expect([messages.length, error]).toEqual([1, { code, offset: stream.length }]);
    }
    const decoder = new PpResultDecoder();
    expect(decoder.error).toBeNull();
    const { error } = decoder.push(stream);
    expect(decoder.error).toBe(error);
    expect(decoder.push(good)).toEqual({ messages: [], ends: [], error });
  });
});

test("a push after end() is the caller's fault, on a stream that failed too", () => {
  for (const stream of [concat(result().buffers), raw("0802"), hex("ffffffffffffffff")]) {
    const decoder = new PpResultDecoder();
    const { error } = decoder.push(stream);
    expect(decoder.push(new Uint8Array(0)).error).toBe(error);
    expect([decoder.end(), decoder.end()]).toEqual([error, error]);
    expect(refusalOf(() => decoder.push(new Uint8Array(1)))).toContain("[state] expected no bytes after end()");
    expect(decoder.error).toBe(error);
  }
});

test("behind a result that was refused no frame is gathered", () => {
  const decoder = new PpResultDecoder();
  decoder.push(raw("0802"));
  decoder.push(concat(hex("0000000000100000"), new Uint8Array(4096)));
  expect(decoder.memory).toEqual({ held: 0, copied: 0 });
});

test("a peer's error message is escaped and cut where a message quotes it", () => {
  const message = (text: string) => {
    const field = Buffer.from(text);
    const length = `${((field.length & 0x7f) | 0x80).toString(16)}${(field.length >> 7).toString(16).padStart(2, "0")}`;
    return new PpResultDecoder().push(raw(`0801 3a ${length} ${field.toString("hex")}`)).error!.message;
  };
  expect(message("\u202e\u2028")).toContain(String.raw`"\u{202e}\u{2028}" came with ok true`);
  expect(message("x".repeat(5000))).toContain(`"${"x".repeat(200)}…" came`);
});

test("what a decoder holds is the part of a frame that came", () => {
  const decoder = new PpResultDecoder();
  expect(decoder.memory.held).toBe(0);
  decoder.push(concat(result().buffers).subarray(0, 40));
  expect(decoder.memory.held).toBeGreaterThanOrEqual(32);
});

test("a prepared result names the call that it answers", () => {
  expect(result().subject).toEqual(ids);
});

test("preparePpResult refuses what a receiver would", () => {
  expect(refusalOf(() => result({ ok: false }))).toContain("none came with ok false");
  expect(refusalOf(() => result({ error_message: "x" }))).toContain("[header.field] error_message");
  expect(refusalOf(() => result({ tensors: [] }))).toContain("[spec.mismatch] expected tensors if and only if ok");
  expect(refusalOf(() => result({ ok: false, error_message: "x" }))).toContain(
    "[spec.mismatch] expected tensors if and only if ok",
  );
  expect(refusalOf(() => result({ call_id: 2n ** 63n }))).toContain(
    "PPResultV1.call_id: expected an integer of type int64",
  );
});
