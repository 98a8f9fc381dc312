import { describe, expect, test } from "bun:test";
import { encodeMultipart, FrameEncoder } from "@tensorwire/framing";
import type { TensorSource } from "@tensorwire/tensor-spec";
import { encodeHeader } from "@tensorwire/tp-control";
import { concat, decodeEveryWay, decodeInChunks, hex, refusalOf } from "@tensorwire/tp-control/testing";
import fc from "fast-check";
import { PpRequestDecoder, type PpRequestInit, preparePpRequest } from "./request.ts";
import type { PpStep } from "./step.ts";
import { half, header, hidden, inputIds, lm, video, videoTensors } from "./testing.ts";

const request = (over: Partial<PpRequestInit> = {}) =>
  preparePpRequest({ header: header(), step: { lm: lm() }, tensors: [inputIds], ...over });
const noop = preparePpRequest({ header: header({ action: "NOOP" }) });

// Version 1, INFER, call 7, chunk 3, cache epoch 1.
const IDS = "0801 1001 1807 2003 2801";
const SPEC_IDS = "3215 0a09696e7075745f696473 1a05696e743634 220102";
const LM = "4204 1002 1801";

function raw(envelope: Uint8Array, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const payload = encodeMultipart({ body: { bytes: envelope }, parts: parts.map((bytes) => ({ bytes })) });
  return concat(encodeHeader(header()), new FrameEncoder("len64").encode(payload));
}

describe("layout", () => {
  test("golden request: the bytes, both ways", () => {
    const ids = hex("0500000000000000 faffffffffffffff");
    const golden = raw(hex(`${IDS} ${SPEC_IDS} ${LM}`), [ids]);
    expect(concat(request().buffers)).toEqual(golden);
    const { messages, error } = decodeInChunks(new PpRequestDecoder(), golden);
    expect(error).toBeNull();
    const spec = { key: "input_ids", dtype: "int64" as const, shape: [2] };
    const { call_id, chunk_index, cache_epoch } = header();
    expect(messages).toEqual([
      {
        header: { ...header(), action: "INFER" },
        envelope: {
          pp_envelope_version: 1,
          action: "INFER",
          call_id,
          chunk_index,
          cache_epoch,
          tensor_specs: [spec],
          lm: lm(),
        },
        tensors: [{ ...spec, data: ids }],
      },
    ]);
  });

  test("every field of a video step survives, 64-bit ones exactly", () => {
    const ids = header({ call_id: 2n ** 53n + 1n, chunk_index: -2n, cache_epoch: 2n ** 62n });
    const stream = concat(request({ header: ids, step: { video: video() }, tensors: videoTensors }).buffers);
    const { messages, error } = decodeInChunks(new PpRequestDecoder(), stream);
    expect(error).toBeNull();
    const { call_id, chunk_index, cache_epoch } = ids;
    expect(messages[0]).toMatchObject({ header: ids, envelope: { call_id, chunk_index, cache_epoch, video: video() } });
  });

  test("a noise scale of -0 is no default: it is written, and arrives", () => {
    const made = (noise_scale: number) =>
      request({ step: { video: video({ noise_scale }) }, tensors: videoTensors }).buffers;
    expect(concat(made(-0)).length).toBe(concat(made(0)).length + 9);
    const [message] = decodeInChunks(new PpRequestDecoder(), concat(made(-0))).messages;
    expect(message).toMatchObject({ envelope: { video: { noise_scale: -0 } } });
  });

  test("pp.boundary.chunking, pp.action.header-only: every cut gives the same requests", () => {
    const next = request({ step: { lm: lm({ position: 2, init_cache: false }) }, tensors: [hidden] });
    const stream = concat(request().buffers, noop.buffers, next.buffers);
    const [whole, ...others] = decodeEveryWay(() => new PpRequestDecoder(), stream);
    expect([whole!.messages.length, whole!.error]).toEqual([3, null]);
    for (const other of others) expect(other).toEqual(whole!);
  });

  test("pp.infer.cut: EOF at every byte names its place", () => {
    const stream = concat(noop.buffers, request().buffers);
    for (let end = 1; end < stream.length; end++) {
      const { error } = decodeInChunks(new PpRequestDecoder(), stream.slice(0, end));
      const code = end < 40 || (end > 40 && end < 80) ? "eof.in-header" : end < 88 ? "eof.in-prefix" : "eof.in-body";
      expect(error).toEqual(end === 40 ? null : { code, offset: end });
    }
  });

  test("pp.infer.oversize: at the prefix, in offsets of the stream", () => {
    const { error } = new PpRequestDecoder().push(
      concat(noop.buffers, encodeHeader(header()), hex("0000010000000000")),
    );
    expect([error?.code, error?.offset]).toEqual(["oversize.declared", 88]);
  });
});

describe("a bad envelope", () => {
  const part = new Uint8Array(16);
  test.each<[string, string, string]>([
    ["pp.manifest.version", "version", `0802 1001 1807 2003 2801 ${SPEC_IDS} ${LM}`],
    ["pp.manifest.version: absent", "version", ""],
    ["pp.manifest.version-first", "version", "0803 3201 ff"],
    ["pp.manifest.message", "header.length", "0801 32ff"],
    ["pp.envelope.ids: call_id", "header.field", `0801 1001 1808 2003 2801 ${SPEC_IDS} ${LM}`],
    ["pp.envelope.ids: chunk_index", "header.field", `0801 1001 1807 2801 ${SPEC_IDS} ${LM}`],
    ["pp.envelope.ids: cache_epoch", "header.field", `0801 1001 1807 2003 2802 ${SPEC_IDS} ${LM}`],
    ["pp.envelope.ids: action", "header.field", `0801 1002 1807 2003 2801 ${SPEC_IDS} ${LM}`],
    ["pp.envelope.ids: an action without a name", "header.field", `0801 1009 1807 2003 2801 ${SPEC_IDS} ${LM}`],
    ["pp.step.one", "header.field", `${IDS} ${SPEC_IDS}`],
    ["pp.lm.position", "header.field", `${IDS} ${SPEC_IDS} 4202 1002`],
    ["pp.lm.tensors", "spec.mismatch", `${IDS} ${SPEC_IDS} 4204 1003 1801`],
    ["pp.spec.tensors: a part too many", "spec.mismatch", `${IDS} ${LM}`],
  ])("%s is %s at the end of the frame, and nothing is delivered", (_, code, envelope) => {
    const stream = raw(hex(envelope), [part]);
    const { messages, error } = decodeInChunks(new PpRequestDecoder(), concat(stream, noop.buffers));
    expect([messages.length, error]).toEqual([0, { code, offset: stream.length }]);
  });

  test("random bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const outcome = decodeInChunks(new PpRequestDecoder(), raw(concat(hex(IDS), bytes), []));
        expect(outcome.messages).toEqual([]);
        expect(outcome.error).not.toBeNull();
      }),
    );
  });

  test("pp.manifest.unknown-fields: fields of tomorrow pass", () => {
    const { messages } = decodeInChunks(new PpRequestDecoder(), raw(hex(`${IDS} ${SPEC_IDS} ${LM} a00605`), [part]));
    expect(messages).toHaveLength(1);
  });
});

describe("pp.send.order: preflight refuses", () => {
  const lmCase = (over: Parameters<typeof lm>[0], tensors: readonly TensorSource[] = [inputIds]) =>
    [{ lm: lm(over) }, tensors] as const;
  const videoCase = (over: Parameters<typeof video>[0], tensors = videoTensors) =>
    [{ video: video(over) }, tensors] as const;
  test.each<[string, string, readonly [PpStep, readonly TensorSource[]]]>([
    ["pp.lm.num-tokens", "lm.num_tokens: expected at least 1, 0 came", lmCase({ num_tokens: 0 })],
    [
      "pp.lm.position: a cache made anew in the middle",
      "expected 0 if and only if init_cache, 5 came",
      lmCase({ position: 5 }),
    ],
    [
      "pp.lm.position: no cache to go on with",
      "expected 0 if and only if init_cache, 0 came",
      lmCase({ init_cache: false }),
    ],
    ["pp.lm.tensors: none", `expected a tensor "hidden", none came`, lmCase({}, [])],
    ["pp.lm.tensors: both", `"hidden" only without input_ids`, lmCase({}, [inputIds, hidden])],
    ["pp.lm.tensors: tokens", `"input_ids": expected int64 [3], int64 [2] came`, lmCase({ num_tokens: 3 })],
    [
      "pp.lm.tensors: hidden's tokens",
      `"hidden": expected [3, width], [2, 3] came`,
      lmCase({ num_tokens: 3 }, [hidden]),
    ],
    [
      "pp.lm.tensors: hidden of one dimension",
      `"hidden": expected [2, width], [2] came`,
      lmCase({}, [{ ...hidden, shape: [2], data: new Uint8Array(4) }]),
    ],
    [
      "pp.lm.tensors: hidden's dtype",
      `"hidden": expected float32 or`,
      lmCase({}, [{ ...hidden, dtype: "int64", shape: [2, 1], data: new Uint8Array(16) }]),
    ],
    [
      "pp.encode.field-range",
      "PPEnvelopeV1.lm.position: expected an integer of type uint32, 4294967296",
      lmCase({ position: 2 ** 32, init_cache: false }),
    ],
    [
      "pp.step.one: both",
      "expected one of lm and video, both came",
      [{ lm: lm(), video: video() } as never, [inputIds]],
    ],
    ["pp.step.one: neither", "expected one of lm and video, neither came", [{} as never, [inputIds]]],
    [
      "pp.manifest.protobuf: a finite attention bias",
      "] kv_cache_attention_bias: expected a finite number",
      videoCase({ kv_cache_attention_bias: Number.NaN }),
    ],
    [
      "pp.manifest.protobuf: a finite noise scale",
      "] noise_scale: expected a finite number",
      videoCase({ noise_scale: Number.POSITIVE_INFINITY }),
    ],
    ["pp.video.disable-vace", "pp_disable_vace: expected true", videoCase({ pp_disable_vace: false })],
    [
      "pp.video.generator-calls (OM-03)",
      "expected_generator_calls: expected 3, 4 came",
      videoCase({ expected_generator_calls: 4 }),
    ],
    [
      "pp.video.step-list",
      `"current_denoising_step_list": expected int64 [1], int64 [2]`,
      videoCase({ num_denoise_steps: 1, expected_generator_calls: 2 }),
    ],
    [
      "pp.video.tensors",
      `expected a tensor "latents_in", none came`,
      videoCase(
        {},
        videoTensors.filter(({ key }) => key !== "latents_in"),
      ),
    ],
    [
      "pp.video.context-frames: missing (OM-10)",
      `expected a tensor "context_frames", none came`,
      videoCase({}, videoTensors.slice(0, 3)),
    ],
    [
      "pp.video.context-frames: surplus",
      `"context_frames" only with do_kv_recompute`,
      videoCase({ do_kv_recompute: false, expected_generator_calls: 2 }),
    ],
    ["tp.spec.dtype-supported (OM-02)", "a supported dtype", lmCase({}, [{ ...half("hidden"), dtype: "bool" }])],
  ])("%s: %s", (_, message, [step, tensors]) => {
    expect(refusalOf(() => request({ step, tensors }))).toContain(message);
  });

  test("pp.encode.payload-matches-action", () => {
    const shutdown = header({ action: "SHUTDOWN" });
    for (const payload of [
      { step: { lm: lm() } },
      { tensors: [inputIds] },
      { step: { lm: lm() }, tensors: [inputIds] },
    ]) {
      const refused = refusalOf(() => preparePpRequest({ header: shutdown, ...payload }));
      expect(refused).toContain("[header.field] expected the header alone with SHUTDOWN");
    }
    expect(refusalOf(() => preparePpRequest({ header: header() }))).toContain("expected a step with INFER, none came");
  });
});
