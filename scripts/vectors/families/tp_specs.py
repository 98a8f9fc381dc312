"""Tensor specs against each other, against their parts and against the limits."""

from families.kinds import TP, Kind
from families.tp import INFER, LACKING, LIMIT, SHOWN, SIZES, Manifest, Tensor, message, records
from layout import Family, Stream, varied


def tensor(key: str, *shape: int, index: int | None = None, dtype: str = "float32") -> Tensor:
    size = SIZES[dtype]
    for dimension in shape:
        size *= dimension
    return Tensor(key, dtype, shape, varied(size, len(key) + 1), index)


def specs(kind: Kind = TP) -> Family:
    f = Family(kind.profile, "specs", "Tensor specs: order, types, shapes, sizes and their parts.")
    few = {"chunks": [1]}

    def accept(slug: str, why: str, rules: list[str], *tensors: Tensor, limits: dict = LIMIT, sweeps=few) -> None:
        f.decode(slug, why, kind.spec_rules(rules), kind.whole(f.stream(), tensors), limits=limits, sweeps=sweeps)

    def refuse(slug: str, why: str, rules: list[str], *tensors: Tensor, sibling: str = "spec-one", limits: dict = LIMIT,
               parts: list[bytes] | None = None, level: str = "must", defects: list[str] | None = None) -> None:
        stream = kind.broken(f.stream(), tensors, parts=parts).error("spec.mismatch")
        f.decode(slug, why, kind.spec_rules(rules), stream, limits=limits, sibling=sibling, level=level,
                 defects=defects,
                 sweeps={"chunks": [1], "after": True})

    one = tensor("a", 3)
    accept("spec-one", "One spec and its part.", ["tp.spec.parts", "tp.spec.part-length"], one)
    for dtype in ("bfloat16", "float16", "float32", "int64"):
        accept(f"spec-{dtype}", f"{dtype} has {SIZES[dtype]} bytes an element.",
               ["tp.spec.dtype-known", "tp.spec.product"], tensor("t", 2, 3, dtype=dtype))
    accept("spec-scalar", "A shape of no dimension is one element.", ["tp.spec.rank", "tp.spec.product"], tensor("t"),
           sweeps=SHOWN)
    accept("spec-zero-dimension", "A dimension of 0 makes a tensor of 0 bytes, which has its part.",
           ["tp.spec.dimension", "tp.spec.parts"], tensor("t", 4, 0, 5), tensor("u", 1))
    accept("spec-zero-huge", "0 times the largest dimension is 0.", ["tp.spec.dimension", "tp.spec.product"],
           tensor("t", 0, (1 << 53) - 1, (1 << 53) - 1))

    order = "tp.spec.order"
    accept("order-index", "An absent index stands before index 0, and numbers are in the order of numbers.",
           [order, "tp.spec.unique"], tensor("k", 1), tensor("k", 1, index=0), tensor("k", 1, index=2),
           tensor("k", 1, index=10), tensor("l", 1, index=1), sweeps=SHOWN)
    accept("order-index-max", "The largest index is one like any other.", [order], tensor("k", 1, index=1),
           tensor("k", 1, index=(1 << 32) - 1))
    accept("order-case", "Keys are compared by their bytes: B before a, and a before aa.", [order], tensor("B", 1),
           tensor("a", 1), tensor("aa", 1))
    accept("order-utf8", "Keys are in the order of UTF-8, not of UTF-16: U+FF5E before U+1D11E.", [order],
           tensor("\uff5e", 1), tensor("\U0001d11e", 1))
    refuse("order-keys", "Keys out of order are refused.", [order], tensor("b", 1), tensor("a", 1),
           sibling="order-case")
    refuse("order-utf16", "The order of UTF-16 is the wrong one.", [order], tensor("\U0001d11e", 1),
           tensor("\uff5e", 1), sibling="order-utf8")
    refuse("order-indices", "Indices out of order are refused.", [order], tensor("k", 1, index=2),
           tensor("k", 1, index=1), sibling="order-index")
    refuse("order-text", "Indices are compared as numbers: 10 does not stand before 2.", [order],
           tensor("k", 1, index=10), tensor("k", 1, index=2), sibling="order-index")
    refuse("order-absent-last", "An absent index does not stand behind a present one.", [order],
           tensor("k", 1, index=0), tensor("k", 1), sibling="order-index")
    refuse("unique-key", "The same key twice is refused.", ["tp.spec.unique"], tensor("k", 1), tensor("k", 1),
           sibling="order-index")
    refuse("unique-index", "The same key and index twice is refused.", ["tp.spec.unique"], tensor("k", 1, index=3),
           tensor("k", 1, index=3), sibling="order-index")

    refuse("key-empty", "A tensor has a name.", ["tp.spec.key"], tensor("", 1))
    known = "tp.spec.dtype-known"
    for slug, name in (("unknown", "float31"), ("case", "Float32"), ("empty", ""), ("prefixed", "torch.float32"),
                       ("inherited", "constructor")):
        refuse(f"dtype-{slug}", f'"{name}" is no name of the table.', [known], Tensor("t", name, (1,), b"\0" * 4))
    for dtype in ("bool", "uint8", "int8", "int16", "int32", "float64"):
        refuse(f"dtype-{dtype}", f"{dtype} is known, and outside the set that is supported by default.",
               ["tp.spec.dtype-supported"], tensor("t", 2, dtype=dtype), level="should")

    parts = "tp.spec.parts"
    refuse("part-missing", "A spec without its part.", [parts], one, tensor("b", 2), parts=[one.data])
    refuse("part-missing-empty", "A tensor of 0 bytes has a part all the same.", [parts], tensor("z", 0), parts=[],
           sibling="spec-zero-dimension")
    refuse("part-surplus", "A part without a spec.", [parts], one, parts=[one.data, b"\0\0\0\0"])
    refuse("part-surplus-empty", "An empty part without a spec.", [parts], one, parts=[one.data, b""])
    if kind.header is not None:  # a result without specs breaks another rule first
        refuse("part-without-specs", "Parts and no spec at all.", [parts], parts=[b"\1\2\3\4"], sibling="infer")
    length = "tp.spec.part-length"
    refuse("part-short", "A part one byte short.", [length], one, parts=[one.data[:-1]])
    refuse("part-long", "A part one byte long.", [length], one, parts=[one.data + b"\0"])
    refuse("part-elements", "The number of elements is not the number of bytes.", [length], one, parts=[b"\0" * 3])
    refuse("part-swapped", "Parts in another order than their specs.", [length], tensor("a", 1), tensor("b", 2),
           parts=[tensor("b", 2).data, tensor("a", 1).data])

    product = "tp.spec.product"
    for slug, shape, why in (
        ("2-64", (1 << 32, 1 << 32), "A product that wraps to 0 in 64 bits is not 0."),
        ("2-32", (1 << 16, 1 << 14), "A product that wraps to 0 in 32 bits is not 0."),
        ("wraps-to-part", ((1 << 52) + 1, 1 << 12), "A product that wraps to the part's length is not it."),
    ):
        left = 4 << 12 if slug == "wraps-to-part" else 0
        refuse(f"product-{slug}", why, [product, "tp.spec.before-allocation"],
               Tensor("t", "float32", shape, bytes(left)), limits={"max_frame_length": 32768}, sibling="spec-one-wide",
               defects=["DitchOoM/buffer#309"])
    accept("spec-one-wide", "The same spec under a wider limit.", [product], one, limits={"max_frame_length": 32768})
    refuse("dimension-2-53", "A dimension of 2^53 is too large, though another one is 0.", ["tp.spec.dimension"],
           Tensor("t", "float32", (0, 1 << 53), b""), sibling="spec-zero-huge")
    refuse("dimension-max", "The largest uint64 is no dimension, and not -1.", ["tp.spec.dimension"],
           Tensor("t", "float32", (0, (1 << 64) - 1), b""), sibling="spec-zero-huge")

    rank, size = LIMIT | {"max_rank": 2}, LIMIT | {"max_tensor_length": 24}
    count = LIMIT | {"max_tensors": 2 + kind.own_tensors}
    accept("rank-limit", "As many dimensions as the limit.", ["tp.spec.rank"], tensor("t", 2, 1), limits=rank)
    refuse("rank-over", "One dimension too many, though it is 1.", ["tp.spec.rank"], tensor("t", 2, 1, 1), limits=rank,
           sibling="rank-limit")
    accept("size-limit", "A tensor as long as its limit.", ["tp.spec.size"], tensor("t", 6), limits=size)
    refuse("size-over", "A tensor above the limit for one.", ["tp.spec.size"], tensor("t", 7), limits=size,
           sibling="size-limit")
    accept("count-limit", "As many tensors as the limit.", ["tp.spec.count"], tensor("a", 1), tensor("b", 1),
           limits=count)
    refuse("count-over", "One tensor too many, though it is empty.", ["tp.spec.count"], tensor("a", 1), tensor("b", 1),
           tensor("c", 0), limits=count, sibling="count-limit")
    return f


STEP = {
    "height": 480, "width": 832, "current_start_frame": 12, "init_cache": True, "manage_cache": True,
    "tp_reset_kv_cache": False, "tp_reset_crossattn_cache": False, "conditioning_embeds_updated": True,
    "kv_cache_attention_bias": 0.25, "tp_do_kv_recompute": False, "tp_num_denoise_steps": 4,
    "tp_expected_generator_calls": 4, "base_seed": (1 << 53) + 1,
}
V1 = "v1_generator_only"


def _every_field(steps: int, step: dict) -> Manifest:
    tensors = (tensor("conditioning_embeds", 1, dtype="bfloat16"),
               tensor("context_frames_override", 1, dtype="float16"),
               tensor("denoising_step_list", steps, dtype="int64"), tensor("latents", 1, dtype="bfloat16"))
    return Manifest(tensors, tp_plan=V1, video=STEP | step | {
        "tp_do_kv_recompute": True, "tp_num_denoise_steps": steps, "tp_expected_generator_calls": steps + 1})


# With STEP they tell each field from every other of its type, and float32 holds neither bias: `position.ts` demands it.
EVERY_FIELD = {
    "fields": _every_field(2, {
        "height": 272, "width": 3_000_000_000, "current_start_frame": 0x2122232425262729, "init_cache": False,
        "tp_reset_kv_cache": True, "conditioning_embeds_updated": False, "kv_cache_attention_bias": 0.1,
        "base_seed": 0x3132333435363739}),
    "fields-other": _every_field(1, {
        "height": 96, "width": 64, "current_start_frame": -0x2122232425262729, "manage_cache": False,
        "tp_reset_crossattn_cache": True, "conditioning_embeds_updated": False, "kv_cache_attention_bias": -2.3,
        "base_seed": -0x3132333435363739}),
}


def plans() -> Family:
    f = Family("tp", "plans", "Plan, video step and tensors against each other.")
    few = {"chunks": [1]}
    cond = tensor("conditioning_embeds", 3, dtype="bfloat16")
    steps = tensor("denoising_step_list", 4, dtype="int64")
    latents = tensor("latents", 2, 2, dtype="bfloat16")
    frames = tensor("context_frames_override", 2, dtype="float16")
    all_three, recompute = (cond, steps, latents), STEP | {"tp_do_kv_recompute": True, "tp_expected_generator_calls": 5}

    def accept(slug: str, why: str, rules: list[str], manifest: Manifest, sweeps=SHOWN) -> None:
        f.decode(slug, why, rules, message(f.stream(), INFER, manifest), limits=LIMIT, sweeps=sweeps)

    def wrong(manifest: Manifest, error: str) -> Stream:
        return records(f.stream(), manifest.wire(), [t.data for t in manifest.tensors]).error(error)

    def refuse(slug: str, why: str, rule: str, manifest: Manifest, error: str, sibling: str = "plan-v1",
               sweeps: dict | None = None) -> None:
        f.decode(slug, why, [rule], wrong(manifest, error), limits=LIMIT, sibling=sibling,
                 sweeps=sweeps or {"chunks": [1], "after": True})

    values, has_video, calls, needs = "tp.plan.values", "tp.plan.video", "tp.plan.generator-calls", "tp.plan.tensors"
    accept("plan-v0", "The plan v0 goes without a video step.", [values, has_video],
           Manifest((tensor("a", 1),), tp_plan="v0_full_pipeline"))
    accept("plan-v1", "The plan v1 with its video step and three tensors.", [values, has_video, calls, needs],
           Manifest(all_three, tp_plan=V1, video=STEP))
    accept("plan-v1-recompute", "With recompute there is one call more, and context_frames_override.", [calls, needs],
           Manifest((cond, frames, steps, latents), tp_plan=V1, video=recompute))
    accept("plan-v1-float16", "latents and conditioning_embeds may be float16 as well as bfloat16.", [needs],
           Manifest((tensor("conditioning_embeds", 3, dtype="float16"),
                     tensor("context_frames_override", 2, dtype="bfloat16"), steps,
                     tensor("latents", 2, 2, dtype="float16")), tp_plan=V1, video=recompute), few)
    accept("plan-v1-frames-float32", "Of context_frames_override no dtype is asked.", [needs],
           Manifest((cond, tensor("context_frames_override", 2), steps, latents), tp_plan=V1, video=recompute), few)
    accept("plan-v1-negative", "Signed fields of the step may be negative.", [values],
           Manifest(all_three, tp_plan=V1, video=STEP | {"current_start_frame": -3, "base_seed": -(1 << 62) - 1}), few)
    for slug, manifest in EVERY_FIELD.items():
        accept(f"plan-v1-{slug}", "Bools, numbers and doubles of the step are read from their own fields, and whole.",
               ["tp.infer.payload"], manifest, few)
    field, mismatch = "header.field", "spec.mismatch"
    refuse("plan-unknown", "There is no plan v2.", values, Manifest(tp_plan="v2_everything"), field, "infer")
    refuse("plan-capitals", "The name of a plan is spelled as it is.", values, Manifest(tp_plan="V0_FULL_PIPELINE"),
           field,
           "plan-v0")
    refuse("plan-capital-first", "One capital is enough.", values,
           Manifest(all_three, tp_plan="V1_generator_only", video=STEP), field)
    refuse("plan-v1-no-video", "The plan v1 without its video step.", has_video, Manifest(all_three, tp_plan=V1), field,
           sweeps=LACKING)
    refuse("plan-none-video", "A video step without a plan.", has_video, Manifest(all_three, video=STEP), field)
    refuse("plan-v0-video", "A video step with the plan v0.", has_video,
           Manifest(all_three, tp_plan="v0_full_pipeline", video=STEP), field, "plan-v0")
    refuse("calls-less", "One generator call too few.", calls,
           Manifest(all_three, tp_plan=V1, video=STEP | {"tp_expected_generator_calls": 3}), field)
    refuse("calls-more", "One generator call too many.", calls,
           Manifest(all_three, tp_plan=V1, video=STEP | {"tp_expected_generator_calls": 5}), field)
    refuse("calls-recompute-more", "And no more than one.", calls,
           Manifest((cond, frames, steps, latents), tp_plan=V1, video=recompute | {"tp_expected_generator_calls": 6}),
           field, "plan-v1-recompute")
    refuse("calls-recompute", "Recompute is one call more.", calls,
           Manifest((cond, frames, steps, latents), tp_plan=V1, video=recompute | {"tp_expected_generator_calls": 4}),
           field, "plan-v1-recompute")
    wrapped = Manifest((cond, frames, steps, latents), tp_plan=V1, video=recompute | {
        "tp_num_denoise_steps": (1 << 32) - 1, "tp_expected_generator_calls": 0})
    f.decode("calls-wrap", "2^32 - 1 steps and one call more are not 0 calls.", [calls], wrong(wrapped, field),
             limits=LIMIT, sibling="plan-v1-recompute", sweeps=few,
             alternatives=[("The step list is not as long as so many steps, which is as good a reason.",
                            wrong(wrapped, mismatch))])
    for key, left in (("denoising_step_list", (cond, latents)), ("latents", (cond, steps)),
                      ("conditioning_embeds", (steps, latents))):
        refuse(f"plan-lacks-{key.replace('_', '-')}", f"The plan v1 needs {key}.", needs,
               Manifest(left, tp_plan=V1, video=STEP), mismatch)
    refuse("plan-steps-length", "The step list is as long as the number of steps.", needs,
           Manifest((cond, tensor("denoising_step_list", 3, dtype="int64"), latents), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-steps-length-more", "It is not longer either.", needs,
           Manifest((cond, tensor("denoising_step_list", 5, dtype="int64"), latents), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-steps-dtype", "The step list is int64.", needs,
           Manifest((cond, tensor("denoising_step_list", 4), latents), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-steps-rank", "The step list has one dimension, though as many elements.", needs,
           Manifest((cond, tensor("denoising_step_list", 2, 2, dtype="int64"), latents), tp_plan=V1, video=STEP),
           mismatch)
    refuse("plan-latents-dtype", "latents are of 16 bits.", needs,
           Manifest((cond, steps, tensor("latents", 2)), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-latents-int64", "latents are no integers.", needs,
           Manifest((cond, steps, tensor("latents", 2, dtype="int64")), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-embeds-dtype", "conditioning_embeds are of 16 bits.", needs,
           Manifest((tensor("conditioning_embeds", 3), steps, latents), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-frames-unasked", "context_frames_override without recompute.", needs,
           Manifest((cond, frames, steps, latents), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-frames-indexed", "context_frames_override without recompute, with an index.", "tp.spec.named",
           Manifest((cond, tensor("context_frames_override", 2, index=3, dtype="float16"), steps, latents), tp_plan=V1,
                    video=STEP), mismatch)
    refuse("plan-frames-missing", "Recompute without context_frames_override.", needs,
           Manifest(all_three, tp_plan=V1, video=recompute), mismatch, "plan-v1-recompute")
    refuse("plan-video-tensor", "A tensor named video is not allowed.", needs,
           Manifest((*all_three, tensor("video", 1)), tp_plan=V1, video=STEP), mismatch)
    refuse("plan-video-indexed", "Nor is one with an index.", "tp.spec.named",
           Manifest((*all_three, tensor("video", 1, index=0)), tp_plan=V1, video=STEP), mismatch)
    return f
