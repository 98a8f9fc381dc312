import { type Blame, DTYPE_SIZES, type Dtype, nameOf, show, type TensorSpec } from "@tensorwire/tensor-spec";

const PLANS = ["", "v0_full_pipeline", "v1_generator_only"] as const;
/** How the group divides the work. Empty: the call does not say. */
export type TpPlan = (typeof PLANS)[number];

/** One step of a video generator that runs tensor-parallel (`VideoStep` in `spec/proto/tp_control.proto` has the units). */
export interface VideoStep {
  readonly height: number;
  readonly width: number;
  readonly current_start_frame: bigint;
  readonly init_cache: boolean;
  readonly manage_cache: boolean;
  readonly tp_reset_kv_cache: boolean;
  readonly tp_reset_crossattn_cache: boolean;
  readonly conditioning_embeds_updated: boolean;
  readonly kv_cache_attention_bias: number;
  readonly tp_do_kv_recompute: boolean;
  readonly tp_num_denoise_steps: number;
  readonly tp_expected_generator_calls: number;
  readonly base_seed: bigint;
}

const HALF: readonly Dtype[] = ["bfloat16", "float16"];
const ANY = Object.keys(DTYPE_SIZES) as readonly Dtype[];

/**
 * Judges plan, video step and tensors against each other, for sender and receiver alike.
 *
 * @throws WireError `header.field` for the step's fields, `spec.mismatch` for its tensors, made by `blame`.
 */
export function checkPlan(
  given: {
    readonly tp_plan: string | undefined;
    readonly video: VideoStep | undefined;
    readonly tensor_specs: readonly TensorSpec[];
  },
  blame: Blame,
): TpPlan {
  const { video, tensor_specs } = given;
  // r[tp.plan.values]
  const plan = PLANS.find((name) => name === (given.tp_plan ?? ""));
  if (plan === undefined) {
    const came = show(String(given.tp_plan));
    throw blame("header.field", `tp_plan: expected ${PLANS.map(show).join(" or ")}, ${came} came`);
  }
  // r[tp.plan.video]
  if ((video !== undefined) !== (plan === "v1_generator_only")) {
    throw blame(
      "header.field",
      `video: expected it with plan v1_generator_only and no other, the plan is ${show(plan)}`,
    );
  }
  if (video === undefined) return plan;
  requireFinite(video, ["kv_cache_attention_bias"], blame);
  // r[tp.plan.generator-calls]
  const calls = video.tp_num_denoise_steps + (video.tp_do_kv_recompute ? 1 : 0);
  if (video.tp_expected_generator_calls !== calls) {
    const came = video.tp_expected_generator_calls;
    throw blame("header.field", `tp_expected_generator_calls: expected ${calls}, ${came} came`);
  }
  // r[tp.plan.tensors]
  requireTensor(tensor_specs, "denoising_step_list", ["int64"], blame, [video.tp_num_denoise_steps]);
  requireTensor(tensor_specs, "latents", HALF, blame);
  requireTensor(tensor_specs, "conditioning_embeds", HALF, blame);
  requireAbsence(tensor_specs, "video", "never", blame);
  if (video.tp_do_kv_recompute) requireTensor(tensor_specs, "context_frames_override", ANY, blame);
  else requireAbsence(tensor_specs, "context_frames_override", "only with tp_do_kv_recompute", blame);
  return plan;
}

/** The fields of a `double` type hold numbers. r[tp.manifest.finite] */
export function requireFinite<Name extends string>(
  message: Readonly<Partial<Record<Name, number | undefined>>>,
  names: readonly Name[],
  blame: Blame,
): void {
  for (const name of names) {
    const { [name]: number = 0 } = message;
    if (!Number.isFinite(number)) throw blame("header.field", `${name}: expected a finite number, ${number} came`);
  }
}

/** r[tp.spec.named]: there is a tensor `key` without index, of one of `dtypes` and, if given, of `shape`. */
export function requireTensor(
  specs: readonly TensorSpec[],
  key: string,
  dtypes: readonly Dtype[],
  blame: Blame,
  shape?: readonly number[],
): void {
  const spec = specs.find((candidate) => candidate.key === key && candidate.index === undefined);
  if (spec === undefined) throw blame("spec.mismatch", `expected a tensor ${nameOf({ key })}, none came`);
  const fits =
    shape === undefined || (shape.length === spec.shape.length && shape.every((n, i) => n === spec.shape[i]));
  if (dtypes.includes(spec.dtype) && fits) return;
  const expected = `${dtypes.join(" or ")}${shape === undefined ? "" : ` [${shape.join(", ")}]`}`;
  const came = `${spec.dtype} [${spec.shape.join(", ")}]`;
  throw blame("spec.mismatch", `tensor ${nameOf({ key })}: expected ${expected}, ${came} came`);
}

/** r[tp.spec.named]: there is no tensor `key`, with or without index. */
export function requireAbsence(specs: readonly TensorSpec[], key: string, when: string, blame: Blame): void {
  if (specs.every((spec) => spec.key !== key)) return;
  throw blame("spec.mismatch", `expected a tensor ${nameOf({ key })} ${when}, it came`);
}
