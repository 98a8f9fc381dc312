"""What an encoder of requests and one of results emit, and what they refuse before a byte leaves."""

from dataclasses import replace

from families.pp import HIDDEN, INPUT, LM, Envelope, Result, request, result, whole
from families.pp_requests import HALF, TWO
from families.pp_results import ERROR, EVERY_NUMBER, LOGITS
from families.pp_steps import COND, EVERY_FIELD, LIST, RECOMPUTE, RECOMPUTED, STEP, of_video
from families.tp import INFER, LIMIT, SLOTS, Header, Tensor
from families.tp_encodes import BEYOND, LARGEST, WIDE
from families.tp_headers import NEGATIVE, POSITIVE
from families.tp_specs import tensor
from layout import Family

TURN = {"again": True, "glue": True}
AFTER = {"after": True, "again": True}
LAYOUT, FIELDS = "pp.encode.layout", "pp.encode.field-range"
MATCH, OVER = "pp.encode.payload-matches-action", "pp.encode.oversize"
FIELD, MISMATCH = "header.field", "spec.mismatch"


def requests() -> Family:
    f = Family("pp-envelope", "encode", "Requests and their bytes; refusals that emit nothing.")

    def encode(slug: str, why: str, rules: list[str], given: Envelope | Header, as_given: Envelope | None = None,
               level: str = "must", limits: dict = LIMIT) -> None:
        stream = request(f.stream(), given)
        value = stream.events[0]["value"] if as_given is None else whole(f.stream(), as_given)
        f.encode(slug, why, rules, value, stream, limits=limits, level=level, sweeps=TURN)

    def refuse(slug: str, why: str, rules: list[str], value: dict | Envelope, error: str, sibling: str = "encode-infer",
               limits: dict = LIMIT) -> None:
        value = value if isinstance(value, dict) else whole(f.stream(), value)
        f.encode(slug, why, rules, value, error, limits=limits, sibling=sibling, sweeps=AFTER)

    encode("encode-noop", "NOOP is 40 bytes.", [LAYOUT, "pp.header.layout"], Header())
    encode("encode-shutdown", "SHUTDOWN is 40 bytes.", [LAYOUT, "pp.action.values"], Header(action="SHUTDOWN"))
    encode("encode-infer", "The smallest request: header, frame, envelope, one token.", [LAYOUT, "pp.infer.payload"],
           Envelope())
    encode("encode-hidden", "Activations are the part behind the envelope.", [LAYOUT],
           Envelope(tensors=(HALF,), lm=TWO))
    for slug, header in (("positive", POSITIVE), ("negative", NEGATIVE)):
        encode(f"encode-{slug}", "The ids of the header stand in the envelope again, exactly.",
               [LAYOUT, "pp.envelope.ids"],
               Envelope(replace(header, action="INFER")))
    encode("encode-decode-step", "One token behind four thousand million.", [LAYOUT, FIELDS],
           Envelope(lm={"position": (1 << 32) - 1, "num_tokens": 1, "init_cache": False}))
    encode("encode-zero-ids", "Ids of 0 are left out of the envelope.", ["pp.encode.canonical"],
           Envelope(Header(0, 0, 0, 0, "INFER")), level="should")
    encode("encode-video", "A video step with its tensors.", [LAYOUT], of_video())
    encode("encode-video-recompute", "A video step that recomputes, with its context.", [LAYOUT],
           of_video(RECOMPUTE, RECOMPUTED))
    for slug, given in EVERY_FIELD.items():
        encode(f"encode-video-{slug}", "Bools, numbers and doubles of the step are written to their own fields, and whole.",
               [LAYOUT], given)
    extra = (Tensor("a", "float32", (1,), b"\1\2\3\4", 0), replace(INPUT), Tensor("z", "int64", (0,), b""))
    encode("encode-sorts", "An encoder sorts the tensors itself.", [LAYOUT, "tp.spec.order"], Envelope(tensors=extra),
           Envelope(tensors=extra[::-1]))
    encode("encode-index-zero", "An index of 0 is written, since an absent one is another.", ["pp.encode.canonical"],
           Envelope(tensors=(*extra[:1], INPUT)), level="should")

    for slot in SLOTS:
        for name, number in (("over", 1 << 63), ("under", -(1 << 63) - 1)):
            value = {"header": Header().value() | {slot: str(number)}}
            refuse(f"encode-{slot.replace('_', '-')}-{name}", f"{number} is no int64, and does not wrap.", [FIELDS],
                   value, FIELD,
                   "encode-noop")
    refuse("encode-action-unknown", "ERROR has no number in version 1.", [FIELDS],
           {"header": Header().value() | {"action": "ERROR"}}, FIELD, "encode-noop")
    for action in ("NOOP", "SHUTDOWN"):
        value = whole(f.stream(), Envelope()) | {"header": Header(action=action).value()}
        refuse(f"encode-{action.lower()}-step", f"{action} carries no step.", [MATCH], value, FIELD)
    refuse("encode-infer-alone", "INFER without a step would strand its receiver.", [MATCH], {"header": INFER.value()},
           FIELD, "encode-noop")
    refuse("encode-no-step", "An envelope without a step.", [MATCH], Envelope(lm=None), FIELD)
    refuse("encode-both-steps", "An envelope with two steps.", ["pp.step.one"], Envelope(lm=LM, video=STEP), FIELD)
    for slug, position, why in (
        ("position-over", 1 << 32, "2^32 is no uint32, and not 0."),
        ("position-under", -1, "-1 is no uint32, and not its largest."),
        ("position-fraction", 0.5, "Half a position is none."),
    ):
        refuse(f"encode-{slug}", why, [FIELDS],
               Envelope(lm={"position": position, "num_tokens": 1, "init_cache": False}), FIELD,
               "encode-decode-step")
    refuse("encode-seed-over", "2^63 is no int64, and does not wrap.", [FIELDS],
           of_video(STEP | {"base_seed": 1 << 63}), FIELD,
           "encode-video")
    for slug, number, why in (
        ("over", 1 << 32, "2^32 is no uint32, and not 0."),
        ("negative", -1, "-1 is no uint32, and not its largest."),
    ):
        refuse(f"encode-video-height-{slug}", why, [FIELDS], of_video(STEP | {"height": number}), FIELD,
               "encode-video")
    encode("encode-spec-largest", "The largest index, and the largest dimension beside one of 0.", [FIELDS, LAYOUT],
           Envelope(tensors=(INPUT, LARGEST)))
    for slug, why, spec in BEYOND:
        refuse(f"encode-{slug}", why, [FIELDS], Envelope(tensors=(INPUT, spec)), MISMATCH, "encode-spec-largest")
    slug, why, spec = WIDE
    refuse(f"encode-{slug}", why, ["pp.spec.tensors", "tp.spec.dimension"], Envelope(tensors=(INPUT, spec)), MISMATCH,
           "encode-spec-largest")
    preflight = "pp.send.order"
    refuse("encode-lm-no-tokens", "A step of no tokens.", [preflight, "pp.lm.num-tokens"],
           Envelope(tensors=(Tensor("input_ids", "int64", (0,), b""),), lm=LM | {"num_tokens": 0}), FIELD)
    refuse("encode-lm-position", "A cache made anew in the middle.", [preflight, "pp.lm.position"],
           Envelope(lm=LM | {"position": 9}), FIELD)
    refuse("encode-lm-no-tensor", "A step without its tensor.", [preflight, "pp.lm.tensors"], Envelope(tensors=()),
           MISMATCH)
    refuse("encode-lm-length", "input_ids that are longer than num_tokens.", [preflight, "pp.lm.tensors"],
           Envelope(tensors=(tensor("input_ids", 2, dtype="int64"),)), MISMATCH)
    video = "encode-video"
    refuse("encode-video-vace", "The control-net path is not pipelined.", [preflight, "pp.video.disable-vace"],
           of_video(STEP | {"pp_disable_vace": False}), FIELD, video)
    refuse("encode-video-calls", "One generator call too few.", [preflight, "pp.video.generator-calls"],
           of_video(STEP | {"expected_generator_calls": 3}), FIELD, video)
    refuse("encode-video-no-list", "The step list is missing.", [preflight, "pp.video.step-list"],
           of_video(STEP, (COND, tensor("latents_in", 1, dtype="bfloat16"))), MISMATCH, video)
    refuse("encode-video-no-latents", "latents_in are missing.", [preflight, "pp.video.tensors"],
           of_video(STEP, (COND, LIST)),
           MISMATCH, video)
    refuse("encode-video-context", "context_frames without recompute.", [preflight, "pp.video.context-frames"],
           of_video(STEP, RECOMPUTED), MISMATCH, video)
    spec = "pp.spec.tensors"
    refuse("encode-part-short", "Bytes that are fewer than the shape says.", [spec, "tp.spec.part-length"],
           Envelope(tensors=(replace(INPUT, data=INPUT.data[:-1]),)), MISMATCH)
    refuse("encode-dtype-unknown", "A type that the table does not know.", [spec, "tp.spec.dtype-known"],
           Envelope(tensors=(INPUT, Tensor("t", "float31", (1,), b"\0" * 4))), MISMATCH)
    refuse("encode-doubled", "Two tensors of one name.", [spec, "tp.spec.unique"],
           Envelope(tensors=(INPUT, tensor("k", 1), tensor("k", 1))), MISMATCH)
    size = 8 + len(Envelope().wire()) + 8 + len(INPUT.data)
    limits = {"max_frame_length": size}
    encode("encode-limit", "A frame as long as the limit.", [OVER], Envelope(), limits=limits)
    refuse("encode-over", "A frame one byte above the limit.", [OVER], Envelope(Header(7, 3, 7, 128, "INFER")),
           "oversize.declared", "encode-limit", limits)
    body = LIMIT | {"max_manifest_length": len(Envelope().wire())}
    encode("encode-body-limit", "An envelope as long as its limit.", [OVER], Envelope(), limits=body)
    refuse("encode-body-over", "An envelope one byte above its limit.", [OVER], Envelope(Header(7, 3, 7, 128, "INFER")),
           "oversize.declared", "encode-body-limit", body)
    return f


def results() -> Family:
    f = Family("pp-result", "encode", "Results and their bytes; refusals that emit nothing.")

    def encode(slug: str, why: str, rules: list[str], given: Result, as_given: Result | None = None,
               level: str = "must",
               limits: dict = LIMIT) -> None:
        f.encode(slug, why, rules, whole(f.stream(), as_given or given), result(f.stream(), given), limits=limits,
                 level=level,
                 sweeps=TURN)

    def refuse(slug: str, why: str, rules: list[str], given: Result | dict, error: str, sibling: str = "encode-ok",
               limits: dict = LIMIT) -> None:
        value = given if isinstance(given, dict) else whole(f.stream(), given)
        f.encode(slug, why, rules, value, error, limits=limits, sibling=sibling, sweeps=AFTER)

    encode("encode-ok", "One result: a frame, no header; an ok that is true is left out.", [LAYOUT, "pp.result.layout"],
           Result())
    encode("encode-error", "An error result has its message and no tensors.", [LAYOUT, "pp.result.error-message"],
           ERROR)
    encode("encode-observed", "Every field that a stage reports.", [LAYOUT, "pp.encode.canonical"],
           Result((HIDDEN, LOGITS), 0x2122232425262728, -0x3132333435363738, 1, observed_generator_calls=5,
                  mesh_current_start_frame=-12, output_digest_i64=-(1 << 62) - 1, stage1_ms=41.5))
    encode("encode-fields", "Every number stands in its own field, and a time is a double.", [LAYOUT],
           EVERY_NUMBER["fields"])
    encode("encode-present", "A digest of 0 and a time of 0 are present, and written.", ["pp.encode.canonical"],
           Result(output_digest_i64=0, stage1_ms=0.0), level="should")
    encode("encode-sorts", "An encoder sorts the tensors itself.", [LAYOUT, "tp.spec.order"], Result((HIDDEN, LOGITS)),
           Result((LOGITS, HIDDEN)))
    good = whole(f.stream(), Result())
    for name in ("call_id", "chunk_index", "cache_epoch", "mesh_current_start_frame", "output_digest_i64"):
        refuse(f"encode-{name.replace('_', '-')}-over", "2^63 is no int64, and does not wrap.", [FIELDS],
               good | {name: str(1 << 63)}, FIELD)
    for slug, number in (("over", 1 << 32), ("under", -1)):
        refuse(f"encode-calls-{slug}", f"{number} is no uint32.", [FIELDS], good | {"observed_generator_calls": number},
               FIELD)
    encode("encode-spec-largest", "The largest index, and the largest dimension beside one of 0.", [FIELDS, LAYOUT],
           Result((HIDDEN, LARGEST)))
    for slug, why, spec in BEYOND:
        refuse(f"encode-{slug}", why, [FIELDS], Result((HIDDEN, spec)), MISMATCH, "encode-spec-largest")
    slug, why, spec = WIDE
    refuse(f"encode-{slug}", why, ["pp.spec.tensors", "tp.spec.dimension"], Result((HIDDEN, spec)), MISMATCH,
           "encode-spec-largest")
    preflight = "pp.send.order"
    refuse("encode-ok-message", "An ok result with an error message.", [preflight, "pp.result.error-message"],
           Result(error_message="but"), FIELD)
    refuse("encode-error-silent", "An error result that does not say why.", [preflight, "pp.result.error-message"],
           Result((), ok=False), FIELD, "encode-error")
    refuse("encode-ok-empty", "An ok result without a tensor.", [preflight, "pp.result.tensors"], Result(()), MISMATCH)
    refuse("encode-error-tensors", "An error result with a tensor.", [preflight, "pp.result.tensors"],
           Result(ok=False, error_message="half done"), MISMATCH, "encode-error")
    refuse("encode-part-long", "Bytes that are more than the shape says.", ["pp.spec.tensors", "tp.spec.part-length"],
           Result((replace(HIDDEN, data=HIDDEN.data + b"\0"),)), MISMATCH)
    refuse("encode-key-empty", "A tensor without a name.", ["pp.spec.tensors", "tp.spec.key"], Result((tensor("", 1),)),
           MISMATCH)
    size = 8 + len(Result().wire()) + 8 + len(HIDDEN.data)
    encode("encode-limit", "A frame as long as the limit.", [OVER], Result(), limits={"max_frame_length": size})
    refuse("encode-over", "A frame one byte above the limit.", [OVER], Result(call_id=128), "oversize.declared",
           "encode-limit",
           {"max_frame_length": size})
    body = LIMIT | {"max_manifest_length": len(Result().wire())}
    encode("encode-body-limit", "A result as long as its limit.", [OVER], Result(), limits=body)
    refuse("encode-body-over", "A result one byte above its limit.", [OVER], Result(call_id=128), "oversize.declared",
           "encode-body-limit", body)
    return f
