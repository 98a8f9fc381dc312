import { type Blame, type Dtype, nameOf, type TensorSpec } from "@tensorwire/tensor-spec";
import { requireAbsence, requireFinite, requireTensor } from "@tensorwire/tp-control";

/** One prefill or decode step of a decoder-only transformer (`LmStep` in `spec/proto/pp_contract.proto`). */
export interface LmStep {
  /** Tokens already in the KV cache before this call: the position of the call's first token. */
  readonly position: number;
  /** Tokens of this call, from 1: the first dimension of `input_ids` or `hidden`. */
  readonly num_tokens: number;
  /** The cache is made anew for this call, a hard cut: true if and only if `position` is 0. */
  readonly init_cache: boolean;
}

/** One chunk of a video generator (`VideoStep` in `spec/proto/pp_contract.proto` has the units). */
export interface VideoStep {
  readonly height: number;
  readonly width: number;
  readonly current_start_frame: bigint;
  readonly do_kv_recompute: boolean;
  readonly num_denoise_steps: number;
  readonly expected_generator_calls: number;
  readonly init_cache: boolean;
  readonly reset_kv_cache: boolean;
  readonly reset_crossattn_cache: boolean;
  readonly base_seed: bigint;
  readonly kv_cache_attention_bias: number;
  readonly noise_scale: number;
  readonly pp_disable_vace: boolean;
}

/** What a stage is to do: exactly one of the two. */
export type PpStep =
  | { readonly lm: LmStep; readonly video?: never }
  | { readonly video: VideoStep; readonly lm?: never };

const ACTIVATIONS: readonly Dtype[] = ["float32", "float16", "bfloat16"];

/**
 * Judges a step against itself and the specs, for sender (preflight) and receiver alike.
 *
 * @throws WireError `header.field` for the step's fields, `spec.mismatch` for its tensors, made by `blame`.
 */
export function checkStep(
  { lm, video }: { readonly lm?: LmStep | undefined; readonly video?: VideoStep | undefined },
  specs: readonly TensorSpec[],
  blame: Blame,
): PpStep {
  if (lm !== undefined && video === undefined) {
    checkLm(lm, specs, blame);
    return { lm };
  }
  if (video !== undefined && lm === undefined) {
    checkVideo(video, specs, blame);
    return { video };
  }
  // r[pp.step.one]
  throw blame("header.field", `step: expected one of lm and video, ${lm === undefined ? "neither" : "both"} came`);
}

function checkLm({ position, num_tokens, init_cache }: LmStep, specs: readonly TensorSpec[], blame: Blame): void {
  // r[pp.lm.num-tokens]
  if (num_tokens < 1) throw blame("header.field", `lm.num_tokens: expected at least 1, ${num_tokens} came`);
  // r[pp.lm.position]
  if (init_cache !== (position === 0)) {
    throw blame(
      "header.field",
      `lm.position: expected 0 if and only if init_cache, ${position} came with ${init_cache}`,
    );
  }
  // r[pp.lm.tensors]
  const key = has(specs, "input_ids") ? "input_ids" : "hidden";
  if (key === "input_ids") {
    requireAbsence(specs, "hidden", "only without input_ids", blame);
    requireTensor(specs, "input_ids", ["int64"], blame, [num_tokens]);
    return;
  }
  requireTensor(specs, "hidden", ACTIVATIONS, blame);
  const { shape } = specs.find((spec) => spec.key === "hidden")!;
  if (shape.length === 2 && shape[0] === num_tokens) return;
  const message = `tensor ${nameOf({ key })}: expected [${num_tokens}, width], [${shape.join(", ")}] came`;
  throw blame("spec.mismatch", message);
}

function checkVideo(video: VideoStep, specs: readonly TensorSpec[], blame: Blame): void {
  // r[pp.manifest.protobuf]
  requireFinite(video, ["kv_cache_attention_bias", "noise_scale"], blame);
  // r[pp.video.disable-vace]
  if (!video.pp_disable_vace) throw blame("header.field", "video.pp_disable_vace: expected true, false came");
  // r[pp.video.generator-calls]
  const calls = video.num_denoise_steps + (video.do_kv_recompute ? 1 : 0);
  if (video.expected_generator_calls !== calls) {
    const came = video.expected_generator_calls;
    throw blame("header.field", `video.expected_generator_calls: expected ${calls}, ${came} came`);
  }
  // r[pp.video.step-list]
  requireTensor(specs, "current_denoising_step_list", ["int64"], blame, [video.num_denoise_steps]);
  // r[pp.video.tensors]
  requireTensor(specs, "conditioning_embeds", ["bfloat16"], blame);
  requireTensor(specs, "latents_in", ["bfloat16"], blame);
  // r[pp.video.context-frames]
  if (video.do_kv_recompute) requireTensor(specs, "context_frames", ["bfloat16"], blame);
  else requireAbsence(specs, "context_frames", "only with do_kv_recompute", blame);
}

function has(specs: readonly TensorSpec[], key: string): boolean {
  return specs.some((spec) => spec.key === key);
}
