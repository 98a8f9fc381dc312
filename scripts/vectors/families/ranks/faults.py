"""Messages that are wrong in one point: what a leader or a driver must not send, and what a worker or a stage must not take."""

import struct
from dataclasses import dataclass, replace

import protobuf
from families.pp import Envelope
from families.pp_steps import LATENTS as LATENTS_IN
from families.pp_steps import LIST, RECOMPUTE, RECOMPUTED
from families.pp_steps import STEP as PP_STEP
from families.pp_steps import VIDEO
from families.ranks.messages import TOKEN, Message, frame, head, ids, lm, request, tp
from families.tp import Manifest, Tensor
from families.tp_specs import STEP, V1, tensor

COND, STEPS = tensor("conditioning_embeds", 3, dtype="bfloat16"), tensor("denoising_step_list", 4, dtype="int64")
FRAMES, LATENTS = tensor("context_frames_override", 2, dtype="bfloat16"), tensor("latents", 2, 2, dtype="bfloat16")
PLAN = (COND, STEPS, LATENTS)
AGAIN = STEP | {"tp_do_kv_recompute": True, "tp_expected_generator_calls": 5}


@dataclass(frozen=True)
class Fault:
    slug: str
    why: str
    word: str
    rules: tuple[str, ...]
    message: Message
    upstream: str | None = None


def plan(tensors: tuple[Tensor, ...], step: dict | None = STEP, name: str = V1) -> Manifest:
    return Manifest(tensors, tp_plan=name, video=step)


def plans() -> list[Fault]:
    """OM-03 and OM-10: phase plans that do not agree with themselves."""
    calls, needs, video = "tp.plan.generator-calls", "tp.plan.tensors", "tp.plan.video"
    rows = (
        ("calls", "A plan that announces a generator call more than its steps.", "header.field", calls,
         plan(PLAN, STEP | {"tp_expected_generator_calls": 5}), "OM-03"),
        ("recompute-calls", "A recompute is a generator call more.", "header.field", calls,
         plan((COND, FRAMES, STEPS, LATENTS), AGAIN | {"tp_expected_generator_calls": 4}), "OM-03"),
        ("no-video", "A v1 plan without its step.", "header.field", video, plan(PLAN, None), "OM-03"),
        ("video-without-plan", "A step without the plan that it belongs to.", "header.field", video, plan(PLAN, name=""),
         "OM-03"),
        ("unknown", "A plan that nobody knows.", "header.field", "tp.plan.values", plan((), None, "v2_everything"), "OM-03"),
        ("no-steps", "A v1 plan without its list of steps.", "spec.mismatch", needs, plan((COND, LATENTS)), "OM-03"),
        ("short-steps", "A list of steps that is shorter than the plan says.", "spec.mismatch", needs,
         plan((COND, tensor("denoising_step_list", 3, dtype="int64"), LATENTS)), "OM-03"),
        ("video-tensor", "A v1 plan with the finished video.", "spec.mismatch", needs,
         plan((*PLAN, tensor("video", 2, dtype="bfloat16"))), "OM-03"),
        ("recompute-no-frames", "A recompute without its context frames.", "spec.mismatch", needs, plan(PLAN, AGAIN), "OM-10"),
        ("frames-no-recompute", "Context frames without a recompute.", "spec.mismatch", needs,
         plan((COND, FRAMES, STEPS, LATENTS)), "OM-10"),
    )
    return [Fault(f"plan-{slug}", why, word, (rule,), tp(1, manifest), upstream)
            for slug, why, word, rule, manifest, upstream in rows]


def dtypes() -> list[Fault]:
    """OM-02: types that are known and not supported, and names that nobody knows."""
    supported, known = "tp.spec.dtype-supported", "tp.spec.dtype-known"
    rows = (("bool", 1, supported), ("float64", 8, supported), ("uint8", 1, supported), ("float8_e4m3fn", 1, known),
            ("fp8", 1, known), ("Float32", 4, known))
    return [Fault(f"dtype-{name.lower().replace('_', '-')}", f"A tensor of {name} is none that can be sent.", "spec.mismatch",
                  (rule,), tp(1, Manifest((Tensor("x", name, (2,), bytes(2 * size)),))), "OM-02")
            for name, size, rule in rows]


def kwargs() -> list[Fault]:
    """OM-01: what JSON can say and kwargs cannot carry."""
    deep: object = True
    for _ in range(31):
        deep = [deep]
    exact, depth = "tp.kwargs.exact", "tp.kwargs.depth"
    rows = (
        ("2-53", {"n": 1 << 53}, exact, "An integer that a Struct would round."),
        ("minus-2-53", {"n": -(1 << 53)}, exact, "One below zero."),
        ("1e300", {"n": 1e300}, exact, "An integer beyond 2^53 - 1 in another notation."),
        ("surrogate", {"s": "\ud800"}, exact, "A surrogate alone is no text."),
        ("surrogate-key", {"\udfff": 1}, exact, "Nor is it a name."),
        ("nested", {"a": {"b": [1, {"c": 1 << 60}]}}, exact, "One that stands deep inside."),
        ("deep", {"a": deep}, depth, "More lists inside each other than every parser reads."),
    )
    return [Fault(f"kwargs-{slug}", why, "header.field", (rule,), _unsendable(given), "OM-01")
            for slug, given, rule, why in rows]


def _unsendable(given: dict) -> Message:
    """A value alone: it has no bytes."""
    header = ids(1)
    return Message({"header": header.value(), "manifest": Manifest((), given).value(), "tensors": []}, ())


def steps() -> list[Fault]:
    """OM-03 and OM-10 in a pipeline: steps that do not agree with themselves."""
    def of(step: dict = PP_STEP, tensors: tuple[Tensor, ...] = VIDEO) -> Envelope:
        return Envelope(tensors=tensors, lm=None, video=step)

    calls, list_ = "pp.video.generator-calls", "pp.video.step-list"
    rows = (
        ("calls", "A step that announces a generator call more than its list.", "header.field", calls,
         of(PP_STEP | {"expected_generator_calls": 5}), "OM-03"),
        ("recompute-calls", "A recompute is a generator call more.", "header.field", calls,
         of(RECOMPUTE | {"expected_generator_calls": 4}, RECOMPUTED), "OM-03"),
        ("vace", "A step that does not switch VACE off.", "header.field", "pp.video.disable-vace",
         of(PP_STEP | {"pp_disable_vace": False}), "OM-03"),
        ("no-list", "A step without its list.", "spec.mismatch", list_, of(tensors=(VIDEO[0], LATENTS_IN)), "OM-03"),
        ("short-list", "A list that is shorter than the step says.", "spec.mismatch", list_,
         of(tensors=(VIDEO[0], replace(LIST, shape=(3,), data=LIST.data[:24]), LATENTS_IN)), "OM-03"),
        ("no-latents", "A step without latents.", "spec.mismatch", "pp.video.tensors", of(tensors=(VIDEO[0], LIST)), "OM-03"),
        ("recompute-no-frames", "A recompute without its context frames.", "spec.mismatch", "pp.video.context-frames",
         of(RECOMPUTE), "OM-10"),
        ("frames-no-recompute", "Context frames without a recompute.", "spec.mismatch", "pp.video.context-frames",
         of(tensors=RECOMPUTED), "OM-10"),
        ("position", "A cache that is made anew and not empty.", "header.field", "pp.lm.position",
         Envelope(tensors=(TOKEN,), lm=lm(1) | {"position": 3}), None),
        ("no-tokens", "A step of a language model without its input.", "spec.mismatch", "pp.lm.tensors",
         Envelope(tensors=(), lm=lm(1)), None),
        ("dtype-bool", "A tensor of bool is none that can be sent.", "spec.mismatch", "tp.spec.dtype-supported",
         Envelope(tensors=(TOKEN, Tensor("mask", "bool", (1,), b"\1")), lm=lm(1)), "OM-02"),
    )
    return [Fault(f"step-{slug}", why, word, (rule,), request(1, envelope=envelope), upstream)
            for slug, why, word, rule, envelope, upstream in rows]


def envelopes(call: int = 1) -> list[Fault]:
    """OM-07: envelopes that only a wrong sender, or a bad wire, makes. They have no value that could be sent."""
    whole = Envelope(header=ids(call), tensors=(TOKEN,), lm=lm(call))

    def raw(*parts: object) -> Message:
        return Message({}, (head(ids(call)), *parts))

    good = b"".join(frame(whole.wire(), [TOKEN.data]))
    cut = good[:8] + (len(whole.wire()) + 100).to_bytes(8, "big") + good[16:]
    rows = (
        ("record-cut", "A record that is longer than its frame.", "eof.in-body", "pp.infer.multipart", raw(cut)),
        ("ids", "An envelope with another call_id than its header.", "header.field", "pp.envelope.ids",
         raw(*frame(replace(whole, ids={"call_id": 90}).wire(), [TOKEN.data]))),
        ("no-tensor", "An envelope whose tensor is missing.", "spec.mismatch", "pp.spec.tensors", raw(*frame(whole.wire(), []))),
        ("surplus-tensor", "A tensor that no spec knows.", "spec.mismatch", "pp.spec.tensors",
         raw(*frame(whole.wire(), [TOKEN.data, TOKEN.data]))),
        ("short-tensor", "A tensor that is shorter than its spec.", "spec.mismatch", "pp.spec.tensors",
         raw(*frame(whole.wire(), [TOKEN.data[:-1]]))),
        ("version", "An envelope of another version.", "version", "pp.manifest.version",
         raw(*frame(replace(whole, version=2).wire(), [TOKEN.data]))),
        ("garbage", "A body that is no envelope.", "header.length", "pp.manifest.message",
         raw(*frame(b"\x08\x01\xff\xff", [TOKEN.data]))),
        ("no-step", "An envelope without a step.", "header.field", "pp.step.one",
         raw(*frame(replace(whole, lm=None).wire(), [TOKEN.data]))),
    )
    return [Fault(f"envelope-{slug}", why, word, (rule,), message, "OM-07") for slug, why, word, rule, message in rows]


def nested() -> list[Fault]:
    """A tensor inside kwargs: a Struct has no place for one, so that a sender who tries makes a value of no kind that is known."""
    value = protobuf.chunk(1, protobuf.text(1, "a") + protobuf.chunk(2, protobuf.chunk(7, struct.pack("<2f", 1, 2))))
    body = protobuf.integer(1, 1) + protobuf.chunk(3, value)
    return [Fault("kwargs-tensor", "A tensor in the place of a value in kwargs is no value.", "header.length",
                  ("tp.kwargs.value",), tp(1, Manifest(), body), "nested-tensor")]
