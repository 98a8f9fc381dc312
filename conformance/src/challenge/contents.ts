import type { EventClass, Json } from "../protocol.ts";
import type { Draw } from "./draw.ts";
import type { Ids } from "./header.ts";
import { drawKwargs, struct } from "./kwargs.ts";
import {
  cutField,
  drawDouble,
  drawInt64,
  type Fields,
  Proto,
  type Schema,
  shown,
  unknownField,
  write,
} from "./protobuf.ts";
import {
  drawTensor,
  drawTensors,
  drawWord,
  type Spoilable,
  shownSpec,
  sorted,
  specOf,
  type Tensor,
} from "./tensors.ts";

type Shown = { readonly [name: string]: Json };

/** The body of a frame with its tensors: what a fault changes before it is written. */
export interface Content extends Spoilable {
  readonly field: "manifest" | "envelope" | "result";
  /** Fields of the message itself. */
  fields: Fields;
  kwargs?: Shown;
  step?: { readonly name: "video" | "lm"; readonly number: number; readonly schema: Schema; fields: Fields };
  /** Behind the last field. */
  tail?: Uint8Array;
}

/** What is wrong with one of them, and the rules that say so. */
export interface ContentFault {
  readonly name: string;
  readonly rules: readonly string[];
  readonly class: EventClass;
  spoil(content: Content, draw: Draw): void;
}

const MANIFEST: Schema = [
  [1, "tp_envelope_version", "uint32"],
  [4, "tp_plan", "text"],
];
const ENVELOPE: Schema = [
  [1, "pp_envelope_version", "uint32"],
  [2, "action", "uint32"],
  [3, "call_id", "int64"],
  [4, "chunk_index", "int64"],
  [5, "cache_epoch", "int64"],
];
const RESULT: Schema = [
  [1, "pp_result_version", "uint32"],
  [2, "call_id", "int64"],
  [3, "chunk_index", "int64"],
  [4, "cache_epoch", "int64"],
];
/** Behind the specs. */
const RESULT_ENDS: Schema = [
  [6, "ok", "bool", "present"],
  [7, "error_message", "text"],
  [8, "observed_generator_calls", "uint32"],
  [9, "mesh_current_start_frame", "int64"],
  [10, "output_digest_i64", "int64", "present"],
  [11, "stage1_ms", "double", "present"],
];
const LM: Schema = [
  [1, "position", "uint32"],
  [2, "num_tokens", "uint32"],
  [3, "init_cache", "bool"],
];
const PP_VIDEO: Schema = [
  [1, "height", "uint32"],
  [2, "width", "uint32"],
  [3, "current_start_frame", "int64"],
  [4, "do_kv_recompute", "bool"],
  [5, "num_denoise_steps", "uint32"],
  [6, "expected_generator_calls", "uint32"],
  [7, "init_cache", "bool"],
  [8, "reset_kv_cache", "bool"],
  [9, "reset_crossattn_cache", "bool"],
  [10, "base_seed", "int64"],
  [11, "kv_cache_attention_bias", "double"],
  [12, "noise_scale", "double"],
  [13, "pp_disable_vace", "bool"],
];
const TP_VIDEO: Schema = [
  [1, "height", "uint32"],
  [2, "width", "uint32"],
  [3, "current_start_frame", "int64"],
  [4, "init_cache", "bool"],
  [5, "manage_cache", "bool"],
  [6, "tp_reset_kv_cache", "bool"],
  [7, "tp_reset_crossattn_cache", "bool"],
  [8, "conditioning_embeds_updated", "bool"],
  [9, "kv_cache_attention_bias", "double"],
  [10, "tp_do_kv_recompute", "bool"],
  [11, "tp_num_denoise_steps", "uint32"],
  [12, "tp_expected_generator_calls", "uint32"],
  [13, "base_seed", "int64"],
];
const INFER = 1;

export function bodyOf({ field, fields, tensors, kwargs = {}, step, tail }: Content): Uint8Array {
  const specs = (into: Proto, number: number) =>
    tensors.reduce((body, tensor) => body.message(number, specOf(tensor)), into);
  const body = new Proto();
  if (field === "manifest") {
    // The plan is field 4, behind specs and kwargs.
    specs(write(MANIFEST.slice(0, 1), fields, body), 2);
    if (Object.keys(kwargs).length > 0) body.message(3, struct(kwargs));
    write(MANIFEST.slice(1), fields, body);
  } else if (field === "envelope") {
    specs(write(ENVELOPE, fields, body), 6);
  } else {
    // An ok that is true is absent as well. r[pp.result.ok-default]
    write(RESULT_ENDS, fields, specs(write(RESULT, fields, body), 5));
  }
  if (step !== undefined) body.message(step.number, write(step.schema, step.fields));
  return body.raw(tail ?? new Uint8Array()).encode();
}

/** What must come out of it, the tensors aside. */
export function shownContent({ field, fields, tensors, kwargs = {}, step }: Content): Shown {
  const tensor_specs = tensors.map(shownSpec);
  const steps = step === undefined ? {} : { [step.name]: shown(step.schema, step.fields) };
  if (field === "manifest") {
    const { tp_plan = "", ...rest } = shown(MANIFEST, fields);
    return { ...rest, tensor_specs, kwargs, ...(tp_plan !== "" && { tp_plan }), ...steps };
  }
  if (field === "envelope") return { ...shown(ENVELOPE, fields), action: "INFER", tensor_specs, ...steps };
  return { ...shown(RESULT, fields), tensor_specs, ...shown(RESULT_ENDS, { ...fields, ok: fields.ok ?? true }) };
}

const uint32 = (draw: Draw) => draw.integer(0, 2 ** 32 - 1);
const named = (draw: Draw, key: string, dtype: "int64" | "bfloat16" | "float16", shape?: number[]): Tensor =>
  drawTensor(draw, { key, dtype, ...(shape && { shape }) });
/** What a newer writer adds. */
const newer = (draw: Draw, canonical: boolean) => (canonical || draw.chance(70) ? {} : { tail: unknownField(draw) });
const flat = (tensors: readonly Tensor[], canonical: boolean) =>
  canonical ? tensors.map((tensor) => ({ ...tensor, unpacked: false })) : [...tensors];

/** What a drawn content is to be: `init` where a session says it, `canonical` where an encoder has to write the same. */
export interface Wanted {
  readonly init?: boolean;
  readonly canonical?: boolean;
  readonly video?: boolean;
  /** Of a result. */
  readonly ok?: boolean;
}

export function drawManifest(draw: Draw, { init, canonical = false, video = draw.chance(35) }: Wanted = {}): Content {
  const others = drawTensors(draw, video ? 0 : 1, 3);
  const whole = {
    field: "manifest" as const,
    // Of several entries an encoder may choose the order. r[tp.encode.canonical]
    kwargs: canonical ? {} : drawKwargs(draw),
    ...newer(draw, canonical),
  };
  if (!video) {
    const fields = { tp_envelope_version: 1, tp_plan: draw.chance(30) ? "v0_full_pipeline" : "" };
    return { ...whole, fields, tensors: flat(others, canonical) };
  }
  const recompute = draw.chance(50);
  const steps = draw.integer(1, 4);
  const floats = draw.pick(["bfloat16", "float16"] as const);
  const tensors = sorted([
    ...others,
    named(draw, "denoising_step_list", "int64", [steps]),
    named(draw, "latents", floats),
    named(draw, "conditioning_embeds", draw.pick(["bfloat16", "float16"])),
    ...(recompute ? [named(draw, "context_frames_override", floats)] : []),
  ]);
  const fields = {
    height: uint32(draw),
    width: uint32(draw),
    current_start_frame: drawInt64(draw),
    init_cache: init ?? draw.chance(50),
    manage_cache: draw.chance(50),
    tp_reset_kv_cache: draw.chance(50),
    tp_reset_crossattn_cache: draw.chance(50),
    conditioning_embeds_updated: draw.chance(50),
    kv_cache_attention_bias: drawDouble(draw),
    tp_do_kv_recompute: recompute,
    tp_num_denoise_steps: steps,
    tp_expected_generator_calls: steps + Number(recompute),
    base_seed: drawInt64(draw),
  };
  return {
    ...whole,
    fields: { tp_envelope_version: 1, tp_plan: "v1_generator_only" },
    tensors: flat(tensors, canonical),
    step: { name: "video", number: 5, schema: TP_VIDEO, fields },
  };
}

/** The ids are those of its header. r[pp.envelope.ids] */
export function drawEnvelope(
  draw: Draw,
  { call_id, chunk_index, cache_epoch }: Ids,
  { init = draw.chance(50), canonical = false, video = draw.chance(50) }: Wanted = {},
): Content {
  const whole = {
    field: "envelope" as const,
    fields: { pp_envelope_version: 1, action: INFER, call_id, chunk_index, cache_epoch },
    ...newer(draw, canonical),
  };
  const others = drawTensors(draw, 0, 2);
  if (!video) {
    const tokens = draw.integer(1, 5);
    const main = draw.chance(50)
      ? drawTensor(draw, { key: "input_ids", dtype: "int64", shape: [tokens] })
      : drawTensor(draw, {
          key: "hidden",
          dtype: draw.pick(["float32", "float16", "bfloat16"]),
          shape: [tokens, draw.integer(1, 5)],
        });
    const fields = { position: init ? 0 : draw.integer(1, 2 ** 32 - 1), num_tokens: tokens, init_cache: init };
    const tensors = flat(sorted([...others, main]), canonical);
    return { ...whole, tensors, step: { name: "lm", number: 8, schema: LM, fields } };
  }
  const recompute = draw.chance(50);
  const steps = draw.integer(1, 4);
  const tensors = sorted([
    ...others,
    named(draw, "current_denoising_step_list", "int64", [steps]),
    named(draw, "conditioning_embeds", "bfloat16"),
    named(draw, "latents_in", "bfloat16"),
    ...(recompute ? [named(draw, "context_frames", "bfloat16")] : []),
  ]);
  const fields = {
    height: uint32(draw),
    width: uint32(draw),
    current_start_frame: drawInt64(draw),
    do_kv_recompute: recompute,
    num_denoise_steps: steps,
    expected_generator_calls: steps + Number(recompute),
    init_cache: init,
    reset_kv_cache: draw.chance(50),
    reset_crossattn_cache: draw.chance(50),
    base_seed: drawInt64(draw),
    kv_cache_attention_bias: drawDouble(draw),
    noise_scale: drawDouble(draw),
    pp_disable_vace: true,
  };
  return {
    ...whole,
    tensors: flat(tensors, canonical),
    step: { name: "video", number: 7, schema: PP_VIDEO, fields },
  };
}

export function drawResult(draw: Draw, { canonical = false, ok = draw.chance(60) }: Wanted = {}): Content {
  const fields: Fields = {
    pp_result_version: 1,
    call_id: drawInt64(draw),
    chunk_index: drawInt64(draw),
    cache_epoch: drawInt64(draw),
    ok: ok ? (canonical || draw.chance(50) ? undefined : true) : false,
    error_message: ok ? "" : drawWord(draw),
    observed_generator_calls: draw.chance(50) ? 0 : uint32(draw),
    mesh_current_start_frame: draw.chance(50) ? 0n : drawInt64(draw),
    output_digest_i64: draw.chance(50) ? undefined : drawInt64(draw) || 1n,
    stage1_ms: draw.chance(50) ? undefined : Math.abs(drawDouble(draw)) + 1,
  };
  const tensors = ok ? flat(drawTensors(draw, 1, 4), canonical) : [];
  return { field: "result", fields, tensors, ...newer(draw, canonical) };
}

/** A step with another value in it. */
export function bendStep(content: Content, bend: (fields: Fields) => Fields): void {
  if (content.step !== undefined)
    content.step = { ...content.step, fields: { ...content.step.fields, ...bend(content.step.fields) } };
}

export const without = (content: Content, key: string) => {
  content.tensors = content.tensors.filter((tensor) => tensor.key !== key);
};

export const besides = (content: Content, tensor: Tensor) => {
  content.tensors = sorted([...content.tensors, tensor]);
};

export const cutTail = (content: Content, draw: Draw) => {
  content.tail = cutField(draw);
};
