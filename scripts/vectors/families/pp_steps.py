"""The step of an envelope against itself and its tensors: the formulas of the preflight."""

import struct
from dataclasses import replace

import protobuf
from families.pp import INPUT, LM, LM_FIELDS, VIDEO_FIELDS, Envelope, broken_request, request
from families.tp import LACKING, LIMIT, SHOWN, Tensor, video
from families.tp_headers import NEGATIVE, POSITIVE
from families.tp_specs import tensor
from layout import Family

FEW = {"chunks": [1]}
LIST = Tensor("current_denoising_step_list", "int64", (4,), struct.pack("<4q", 1000, 750, 500, -250))
COND, LATENTS = tensor("conditioning_embeds", 3, dtype="bfloat16"), tensor("latents_in", 2, 2, dtype="bfloat16")
FRAMES = tensor("context_frames", 2, dtype="bfloat16")
VIDEO = (COND, LIST, LATENTS)
RECOMPUTED = (COND, FRAMES, LIST, LATENTS)
STEP = {
    "height": 480, "width": 832, "current_start_frame": 12, "do_kv_recompute": False, "num_denoise_steps": 4,
    "expected_generator_calls": 4, "init_cache": True, "reset_kv_cache": False, "reset_crossattn_cache": True,
    "base_seed": (1 << 53) + 1, "kv_cache_attention_bias": 0.25, "noise_scale": 0.7, "pp_disable_vace": True,
}
RECOMPUTE = STEP | {"do_kv_recompute": True, "expected_generator_calls": 5}


def of_video(step: dict = STEP, tensors: tuple[Tensor, ...] = VIDEO) -> Envelope:
    return Envelope(tensors=tensors, lm=None, video=step)


def _every_field(number: int, step: dict) -> Envelope:
    listed = tensor("current_denoising_step_list", number, dtype="int64")
    tensors = (tensor("a", 0, index=number), tensor("conditioning_embeds", 1, dtype="bfloat16"),
               tensor("context_frames", 1, dtype="bfloat16"), listed, tensor("latents_in", 1, dtype="bfloat16"))
    return of_video(RECOMPUTE | step | {"num_denoise_steps": number, "expected_generator_calls": number + 1}, tensors)


# With STEP they tell each field from every other of its type, and float32 holds none of the doubles: `position.ts` demands it.
EVERY_FIELD = {
    "fields": _every_field(2, {
        "height": 272, "width": 3_000_000_000, "current_start_frame": 0x2122232425262729, "init_cache": False,
        "reset_kv_cache": True, "base_seed": 0x3132333435363739, "kv_cache_attention_bias": 0.1, "noise_scale": -2.3}),
    "fields-other": _every_field(1, {
        "height": 96, "width": 64, "current_start_frame": -0x2122232425262729, "reset_crossattn_cache": False,
        "base_seed": -0x3132333435363739, "kv_cache_attention_bias": -1.7, "noise_scale": 0.3}),
}


def steps() -> Family:
    f = Family("pp-envelope", "steps", "Steps: their fields, their formulas and the tensors that they need.")

    def accept(slug: str, why: str, rules: list[str], envelope: Envelope, body: bytes | None = None,
               alternatives=None, sweeps: dict | None = None) -> None:
        f.decode(slug, why, rules, request(f.stream(), envelope, body), limits=LIMIT, sweeps=sweeps or FEW,
                 canonical=body is None,
                 alternatives=alternatives)

    def refuse(slug: str, why: str, rule: str, envelope: Envelope, error: str, sibling: str,
               body: bytes | None = None, alternatives=None, rules: tuple[str, ...] = (),
               sweeps: dict | None = None) -> None:
        stream = broken_request(f.stream(), envelope, body).error(error)
        f.decode(slug, why, [*rules, rule], stream, limits=LIMIT, sibling=sibling, alternatives=alternatives,
                 sweeps=sweeps or (FEW if alternatives else {"chunks": [1], "after": True}))

    field, mismatch = "header.field", "spec.mismatch"
    one, tokens, position, needs = "pp.step.one", "pp.lm.num-tokens", "pp.lm.position", "pp.lm.tensors"
    accept("lm-prefill", "Three tokens into an empty cache.", [one, tokens, position, needs],
           Envelope(tensors=(tensor("input_ids", 3, dtype="int64"),), lm=LM | {"num_tokens": 3}))
    later = {"position": 17, "num_tokens": 1, "init_cache": False}
    accept("lm-decode", "One token behind seventeen.", [position, needs], Envelope(lm=later), sweeps=SHOWN)
    for dtype in ("float32", "float16", "bfloat16"):
        accept(f"lm-hidden-{dtype}", f"Activations may be {dtype}.", [needs],
               Envelope(tensors=(tensor("hidden", 2, 3, dtype=dtype),), lm=LM | {"num_tokens": 2}))
    accept("lm-hidden-width-0", "A width of 0 is a width.", [needs], Envelope(tensors=(tensor("hidden", 1, 0),)))
    accept("lm-position-max", "The largest position.", [position], Envelope(lm=later | {"position": (1 << 32) - 1}))
    hidden, empty = tensor("hidden", 1, 2), Tensor("input_ids", "int64", (0,), b"")
    refuse("step-none", "An envelope without a step.", one, Envelope(lm=None), field, "infer", sweeps=LACKING)
    refuse("step-unknown", "A kind of step that version 1 does not know is none.", one, Envelope(lm=None), field,
           "infer",
           Envelope(lm=None).wire() + protobuf.chunk(12, b"\x08\x01"), rules=("pp.manifest.unknown-fields",))
    base = Envelope(lm=None).wire()
    lm, film = protobuf.chunk(8, video(LM, LM_FIELDS)), protobuf.chunk(7, video(STEP, VIDEO_FIELDS))
    both = base + film + lm
    refuse("step-both", "An envelope with two steps.", one, Envelope(), field, "infer", both,
           [("A parser that keeps the last member of a oneof sees the step lm alone.",
             request(f.stream(), Envelope(), both))])
    cleared = base + lm + film
    refuse("step-both-video-last", "Two steps, of which the last has no tensors here.", one, Envelope(), field, "infer",
           cleared,
           [("A parser that keeps the last sees a video step without its tensors.",
             broken_request(f.stream(), Envelope(), cleared).error(mismatch))])
    halves = base + protobuf.chunk(8, protobuf.integer(2, 1)) + protobuf.chunk(8, protobuf.integer(3, 1))
    refuse("step-twice", "A step that stands twice is merged or refused: the second half does not replace the first.",
           "tp.manifest.twice", Envelope(), "header.length", "infer", halves,
           [("Merged, the two halves are a whole step.", request(f.stream(), Envelope(), halves))],
           ("pp.manifest.protobuf",))
    wide = base + protobuf.chunk(8, protobuf.integer(2, (1 << 32) + 1) + protobuf.integer(3, 2))
    accept("step-wide-varints", "A uint32 keeps its low 32 bits, and any bool but 0 is true.",
           ["pp.manifest.protobuf", "tp.manifest.varint"], Envelope(), wide)
    wide_bool = base + protobuf.chunk(8, protobuf.integer(2, 1) + protobuf.integer(3, 1 << 32))
    accept("step-bool-2-32", "A bool whose low 32 bits are 0 is true.", ["pp.manifest.protobuf", "tp.manifest.varint"],
           Envelope(), wide_bool)
    inside = base + protobuf.chunk(8, video(LM, LM_FIELDS) + protobuf.text(9, "later"))
    accept("step-unknown-field", "An unknown field of a step is ignored.", ["pp.manifest.unknown-fields"], Envelope(),
           inside)
    refuse("lm-no-tokens", "A step of no tokens.", tokens, Envelope(tensors=(empty,), lm=LM | {"num_tokens": 0}), field,
           "infer")
    refuse("lm-position-init", "A cache made anew in the middle.", position, Envelope(lm=LM | {"position": 1}), field,
           "infer")
    refuse("lm-start-no-init", "Position 0 in a cache that is not new.", position,
           Envelope(lm=LM | {"init_cache": False}),
           field, "infer")
    refuse("lm-start-many-no-init", "A prefill of several tokens at position 0 makes the cache anew.", position,
           Envelope(tensors=(tensor("input_ids", 3, dtype="int64"),), lm=LM | {"num_tokens": 3, "init_cache": False}),
           field, "infer")
    refuse("lm-no-tensor", "A step without input_ids or hidden.", needs, Envelope(tensors=()), mismatch, "infer")
    refuse("lm-both-tensors", "input_ids and hidden at once.", needs, Envelope(tensors=(hidden, INPUT)), mismatch,
           "infer")
    refuse("lm-ids-indexed", "A tensor that a step names stands without an index.", "tp.spec.named",
           Envelope(tensors=(tensor("input_ids", 1, index=0, dtype="int64"),)), mismatch, "infer",
           rules=("pp.spec.tensors",))
    for slug, given, why in (
        ("lm-ids-dtype", tensor("input_ids", 1), "input_ids are int64."),
        ("lm-ids-length", tensor("input_ids", 2, dtype="int64"), "input_ids are num_tokens long."),
        ("lm-ids-rank", tensor("input_ids", 1, 1, dtype="int64"), "input_ids have one dimension."),
        ("lm-ids-scalar", tensor("input_ids", dtype="int64"), "A scalar is no list of one token."),
        ("lm-hidden-dtype", tensor("hidden", 1, 2, dtype="int64"), "Activations are of floats."),
        ("lm-hidden-length", tensor("hidden", 2, 2), "The first dimension of hidden is num_tokens."),
        ("lm-hidden-length-none", tensor("hidden", 0, 2), "No token is not one token."),
        ("lm-hidden-rank-1", tensor("hidden", 1), "hidden has two dimensions, not one."),
        ("lm-hidden-rank-3", tensor("hidden", 1, 1, 2), "hidden has two dimensions, not three."),
    ):
        refuse(slug, why, needs, Envelope(tensors=(given,)), mismatch,
               "lm-hidden-width-0" if "hidden" in slug else "infer")

    vace, calls, listed = "pp.video.disable-vace", "pp.video.generator-calls", "pp.video.step-list"
    named, context = "pp.video.tensors", "pp.video.context-frames"
    accept("video", "One chunk of a video generator.", [one, vace, calls, listed, named, context], of_video(),
           sweeps=SHOWN)
    accept("video-recompute", "With recompute there is one call more, and context_frames.", [calls, context],
           of_video(RECOMPUTE, RECOMPUTED), sweeps=SHOWN)
    accept("video-negative", "Signed fields of the step may be negative, and doubles too.", [one],
           of_video(STEP | {"current_start_frame": -((1 << 53) + 3), "base_seed": -(1 << 62) - 1,
                            "noise_scale": -1e-300}))
    for slug, header, sign in (("distinct", POSITIVE, 1), ("distinct-negative", NEGATIVE, -1)):
        exact = STEP | {"current_start_frame": sign * 0x2122232425262729, "base_seed": sign * 0x3132333435363739}
        given = Envelope(replace(header, action="INFER"), VIDEO, None, exact)
        f.decode(f"video-{slug}", "The step's integers of 64 bits are exact and told apart by their numbers.", [one],
                 request(f.stream(), given), limits=LIMIT, sweeps=FEW, proof=True)
    for slug, given in EVERY_FIELD.items():
        accept(f"video-{slug}", "Bools, numbers and doubles of the step are read from their own fields, and whole.",
               ["pp.infer.payload"], given)
    accept("video-extremes", "The ends of int64 and uint32 are values like any other.", [one],
           of_video(STEP | {"current_start_frame": (1 << 63) - 1, "base_seed": -(1 << 63), "height": (1 << 32) - 1}))
    accept("video-no-steps", "No denoising steps, and a list that is empty.", [calls, listed],
           of_video(STEP | {"num_denoise_steps": 0, "expected_generator_calls": 0},
                    (COND, Tensor("current_denoising_step_list", "int64", (0,), b""), LATENTS)), sweeps=SHOWN)
    refuse("video-vace", "The control-net path is not pipelined.", vace, of_video(STEP | {"pp_disable_vace": False}),
           field,
           "video")
    for slug, step, tensors, sibling, why in (
        ("calls-less", STEP | {"expected_generator_calls": 3}, VIDEO, "video", "One generator call too few."),
        ("calls-more", STEP | {"expected_generator_calls": 5}, VIDEO, "video", "One generator call too many."),
        ("calls-recompute", RECOMPUTE | {"expected_generator_calls": 4}, RECOMPUTED, "video-recompute",
         "Recompute is one call more."),
        ("calls-wrap", STEP | {"num_denoise_steps": (1 << 32) - 1, "do_kv_recompute": True,
                               "expected_generator_calls": 0},
         RECOMPUTED, "video-recompute", "2^32 - 1 steps and one call more are not 0 calls."),
    ):
        # A list of so many steps no message has, so that its length is as good a reason.
        listless = slug == "calls-wrap"
        refuse(f"video-{slug}", why, calls, of_video(step, tensors), field, sibling, alternatives=[
            ("The step list is not as long as so many steps, which is as good a reason.",
             broken_request(f.stream(), of_video(step, tensors), None).error(mismatch))] if listless else None)
    other = Tensor("current_denoising_step_list", "int64", (3,), LIST.data[:24])
    for slug, tensors, rule, why in (
        ("no-list", (COND, LATENTS), listed, "The step list is missing."),
        ("list-length", (COND, other, LATENTS), listed, "The step list is as long as the number of steps."),
        ("list-dtype", (COND, tensor("current_denoising_step_list", 4), LATENTS), listed, "The step list is int64."),
        ("list-rank", (COND, tensor("current_denoising_step_list", 2, 2, dtype="int64"), LATENTS), listed,
         "The step list has one dimension, though as many elements."),
        ("no-embeds", (LIST, LATENTS), named, "conditioning_embeds are missing."),
        ("no-latents", (COND, LIST), named, "latents_in are missing."),
        ("latents-dtype", (COND, LIST, tensor("latents_in", 2, dtype="float16")), named, "latents_in are bfloat16."),
        ("embeds-dtype", (tensor("conditioning_embeds", 3), LIST, LATENTS), named, "conditioning_embeds are bfloat16."),
        ("context-unasked", RECOMPUTED, context, "context_frames without recompute."),
        ("context-indexed", (COND, tensor("context_frames", 2, index=3, dtype="bfloat16"), LIST, LATENTS), context,
         "context_frames without recompute, with an index."),
    ):
        refuse(f"video-{slug}", why, rule, of_video(STEP, tensors), mismatch, "video")
    refuse("video-context-missing", "Recompute without context_frames.", context, of_video(RECOMPUTE), mismatch,
           "video-recompute")
    refuse("video-context-dtype", "context_frames are bfloat16.", context,
           of_video(RECOMPUTE, (COND, tensor("context_frames", 2), LIST, LATENTS)), mismatch, "video-recompute")
    for slug, number in (("nan", float("nan")), ("infinity", float("inf"))):
        refuse(f"video-noise-{slug}", "A scale that is no finite number.", "tp.manifest.finite",
               of_video(STEP | {"noise_scale": number}), field, "video", rules=("pp.manifest.protobuf",))
    two = of_video(STEP | {"pp_disable_vace": False}, (COND, LIST))
    refuse("video-two-faults", "Two faults of one step: any may be reported.", "tp.manifest.several-faults", two, field,
           "video",
           alternatives=[("The missing tensor is as good a reason.", broken_request(f.stream(), two).error(mismatch))],
           rules=("pp.manifest.protobuf",))
    return f
