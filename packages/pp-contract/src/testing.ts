import type { TensorSource } from "@tensorwire/tensor-spec";
import type { PpHeader } from "./request.ts";
import type { LmStep, VideoStep } from "./step.ts";

export const header = (over: Partial<PpHeader> = {}): PpHeader => ({
  call_id: 7n,
  chunk_index: 3n,
  control_epoch: 7n,
  cache_epoch: 1n,
  action: "INFER",
  ...over,
});

export const lm = (over: Partial<LmStep> = {}): LmStep => ({ position: 0, num_tokens: 2, init_cache: true, ...over });

export const video = (over: Partial<VideoStep> = {}): VideoStep => ({
  height: 480,
  width: 832,
  current_start_frame: -3n,
  do_kv_recompute: true,
  num_denoise_steps: 2,
  expected_generator_calls: 3,
  init_cache: true,
  reset_kv_cache: false,
  reset_crossattn_cache: true,
  base_seed: 2n ** 63n - 1n,
  kv_cache_attention_bias: 0.25,
  noise_scale: 0.7,
  pp_disable_vace: true,
  ...over,
});

export const inputIds: TensorSource = {
  key: "input_ids",
  dtype: "int64",
  shape: [2],
  data: new BigInt64Array([5n, -6n]),
};
export const hidden: TensorSource = {
  key: "hidden",
  dtype: "float16",
  shape: [2, 3],
  data: new Uint8Array(12).fill(7),
};
export const half = (key: string): TensorSource => ({ key, dtype: "bfloat16", shape: [1], data: new Uint8Array(2) });
export const videoTensors: readonly TensorSource[] = [
  { key: "current_denoising_step_list", dtype: "int64", shape: [2], data: new BigInt64Array([1000n, 500n]) },
  half("conditioning_embeds"),
  half("latents_in"),
  half("context_frames"),
];
