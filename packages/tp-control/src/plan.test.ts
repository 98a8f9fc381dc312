import { describe, expect, test } from "bun:test";
import { refusal } from "@tensorwire/framing";
import type { TensorSource } from "@tensorwire/tensor-spec";
import { prepareTp, TpDecoder } from "./message.ts";
import { requireTensor, type VideoStep } from "./plan.ts";
import { concat, decodeInChunks, refusalOf } from "./testing.ts";

const step: VideoStep = {
  height: 480,
  width: 832,
  current_start_frame: -3n,
  init_cache: true,
  manage_cache: true,
  tp_reset_kv_cache: false,
  tp_reset_crossattn_cache: true,
  conditioning_embeds_updated: true,
  kv_cache_attention_bias: 0.25,
  tp_do_kv_recompute: true,
  tp_num_denoise_steps: 2,
  tp_expected_generator_calls: 3,
  base_seed: 2n ** 63n - 1n,
};
const half = (key: string): TensorSource => ({ key, dtype: "bfloat16", shape: [1], data: new Uint8Array(2) });
const steps: TensorSource = { key: "denoising_step_list", dtype: "int64", shape: [2], data: new Uint8Array(16) };
const all = [steps, half("latents"), half("conditioning_embeds"), half("context_frames_override")];
const header = { call_id: 1n, chunk_index: 0n, control_epoch: 1n, cache_epoch: 1n, action: "INFER" } as const;
const prepare = (video: VideoStep, tensors: readonly TensorSource[] = all) =>
  prepareTp({ header, manifest: { tp_plan: "v1_generator_only", video }, tensors });

test("a required shape is compared in every dimension", () => {
  const spec = { key: "x", dtype: "int64", shape: [2, 3] } as const;
  const require = (shape: number[]) => () => requireTensor([spec], "x", ["int64"], refusal, shape);
  expect(require([2, 3])).not.toThrow();
  for (const other of [[2, 4], [1, 3], [2], [2, 3, 1]]) {
    expect(refusalOf(require(other))).toContain(`expected int64 [${other.join(", ")}], int64 [2, 3] came`);
  }
});

test("every field of a video step survives", () => {
  const { messages, error } = decodeInChunks(new TpDecoder(), concat(prepare(step).buffers));
  expect(error).toBeNull();
  expect(messages[0]).toMatchObject({ manifest: { tp_plan: "v1_generator_only", video: step } });
});

describe("tp.manifest.finite, tp.manifest.varint", () => {
  /** The bytes of a good message with the field `from` of its video step replaced by bytes as long as it. */
  const changed = (from: string, to: string) => {
    const bytes = Buffer.from(concat(prepare(step).buffers)).toString("hex");
    expect(bytes.split(from)).toHaveLength(2);
    return new Uint8Array(Buffer.from(bytes.replace(from, to), "hex"));
  };
  const bias = "49000000000000d03f";

  test.each(["49000000000000f87f", "49000000000000f07f", "49000000000000f0ff"])("a bias of %s is refused", (to) => {
    expect(decodeInChunks(new TpDecoder(), changed(bias, to)).error?.code).toBe("header.field");
  });

  test("a bool is true for any varint but 0, in all its 64 bits", () => {
    // Four flags of two bytes become one of eight, whose varint says 2^42.
    const { messages } = decodeInChunks(new TpDecoder(), changed("2001280138014001", "2080808080808001"));
    expect(messages[0]).toMatchObject({ manifest: { video: { init_cache: true, manage_cache: false } } });
  });
});

describe("refuses", () => {
  test.each<[string, string, VideoStep, readonly TensorSource[]]>([
    [
      "tp.plan.generator-calls",
      "tp_expected_generator_calls: expected 3, 2 came",
      { ...step, tp_expected_generator_calls: 2 },
      all,
    ],
    [
      "tp.plan.tensors: a step list of another length",
      `"denoising_step_list": expected int64 [2], int64 [3]`,
      step,
      [{ ...steps, shape: [3], data: new Uint8Array(24) }, ...all.slice(1)],
    ],
    [
      "tp.plan.tensors: a dtype",
      `"latents": expected bfloat16 or float16, float32 [1]`,
      step,
      [steps, { ...half("latents"), dtype: "float32", data: new Uint8Array(4) }, ...all.slice(2)],
    ],
    [
      "tp.plan.tensors: missing",
      `expected a tensor "conditioning_embeds", none came`,
      step,
      [steps, half("latents"), half("context_frames_override")],
    ],
    [
      "tp.plan.tensors: recompute without context (OM-10)",
      `expected a tensor "context_frames_override", none came`,
      step,
      all.slice(0, 3),
    ],
    [
      "tp.plan.tensors: context without recompute",
      `"context_frames_override" only with tp_do_kv_recompute`,
      { ...step, tp_do_kv_recompute: false, tp_expected_generator_calls: 2 },
      all,
    ],
    ["tp.plan.tensors: video", `expected a tensor "video" never, it came`, step, [...all, half("video")]],
    [
      "tp.encode.field-range: a height",
      "TPManifest.video.height: expected an integer of type uint32, -1 came",
      { ...step, height: -1 },
      all,
    ],
    [
      "tp.encode.field-range: a seed",
      "TPManifest.video.base_seed: expected an integer of type int64, 9223372036854775808",
      { ...step, base_seed: 2n ** 63n },
      all,
    ],
    [
      "tp.encode.field-range: a flag",
      "TPManifest.video.init_cache: expected true or false, 1 came",
      { ...step, init_cache: 1 as never },
      all,
    ],
    [
      "tp.encode.field-range: a bias",
      "kv_cache_attention_bias: expected a finite number, NaN came",
      { ...step, kv_cache_attention_bias: Number.NaN },
      all,
    ],
  ])("%s", (_, message, video, tensors) => {
    expect(refusalOf(() => prepare(video, tensors))).toContain(message);
  });

  test("tp.plan.values: the empty plan is named, and another one escaped and cut", () => {
    const plan = (tp_plan: string) => refusalOf(() => prepareTp({ header, manifest: { tp_plan: tp_plan as never } }));
    expect(plan("\u202e")).toBe(
      String.raw`[header.field] tp_plan: expected "" or "v0_full_pipeline" or "v1_generator_only", "\u{202e}" came`,
    );
    expect(plan("x".repeat(5000))).toContain(`"${"x".repeat(200)}…" came`);
  });

  test("tp.plan.video: the step without its plan, and the plan without its step", () => {
    expect(refusalOf(() => prepareTp({ header, manifest: { video: step }, tensors: all }))).toContain(
      "[header.field] video:",
    );
    expect(refusalOf(() => prepareTp({ header, manifest: { tp_plan: "v1_generator_only" }, tensors: all }))).toContain(
      "[header.field] video:",
    );
  });
});
