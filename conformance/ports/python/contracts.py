"""TP manifests, PP envelopes and PP results, with Google's protobuf library: spec/tp-control.md, spec/pp-contract.md.

Sans-I/O: a stream in, judged messages out. setup_full.py compiles what is imported from generated/.
"""

import math
import os
import sys
from dataclasses import dataclass
from typing import Any, Callable, Optional, Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "generated"))
from google.protobuf.message import DecodeError, Message  # noqa: E402
from google.protobuf.struct_pb2 import Struct, Value  # noqa: E402
from pp_contract_pb2 import PPAction, PPEnvelopeV1, PPResultV1  # noqa: E402
from tensor_pb2 import TensorSpec, Versioned  # noqa: E402
from tp_control_pb2 import TPManifest  # noqa: E402

from framing import Reader, WireError, read_multipart  # noqa: E402
from tp import read_tp  # noqa: E402

# The supported set of the reference; bool, uint8, int8, int16, int32 and float64 are known, and refused too.
DTYPE_SIZE = {"bfloat16": 2, "float16": 2, "float32": 4, "int64": 8}
VERSION_1, MAX_DIMENSION, MAX_EXACT, MAX_SENT_DEPTH = 1, 2**53 - 1, 2**53 - 1, 30
FLOATS, HALVES = {"float32", "float16", "bfloat16"}, {"float16", "bfloat16"}
GENERATOR_ONLY = "v1_generator_only"


@dataclass
class Limits:
    max_frame_length: int
    max_parts: Optional[int] = None
    max_manifest_length: int = 1 << 20
    max_tensors: int = 64
    max_rank: int = 8
    max_tensor_length: int = (1 << 64) - 1


@dataclass
class Call:
    """A request of TP or PP: `body` and `tensors` stand with INFER alone. A result has no header."""

    header: Any
    body: Any = None
    tensors: Sequence[bytes] = ()


def read_call(kind: type, limits: Limits) -> Reader:
    """Reads a TP message (TPManifest) or a PP request (PPEnvelopeV1)."""
    header, records = yield from read_tp(limits.max_frame_length, limits.max_parts)
    return Call(header, *open_records(kind, records, limits, header)) if records else Call(header)


def read_result(limits: Limits) -> Reader:
    records = yield from read_multipart(False, limits.max_frame_length, limits.max_parts)
    return Call(None, *open_records(PPResultV1, records, limits))


def open_records(kind: type, records: Any, limits: Limits, header: Any = None) -> tuple[Any, Sequence[bytes]]:
    body, tensors = parse(kind, records[0][0], limits), [data for data, _ in records[1:]]
    judge(body, [len(data) for data in tensors], limits, header)
    return body, tensors


def parse(kind: type, data: bytes, limits: Limits) -> Any:
    if len(data) > limits.max_manifest_length:
        raise WireError("oversize.declared")
    try:  # the version is field 1 of every version, and stands before every other judgement
        if Versioned.FromString(data).version != VERSION_1:
            raise WireError("version")
        return kind.FromString(data)
    except DecodeError:
        raise WireError("header.length") from None


def judge(body: Any, lengths: Sequence[int], limits: Limits, header: Any = None) -> None:
    """All that a receiver and a sender judge of a message of version 1."""
    judge_numbers(body)
    {TPManifest: judge_manifest, PPEnvelopeV1: judge_envelope, PPResultV1: judge_result}[type(body)](body, header)
    judge_specs(body.tensor_specs, lengths, limits)
    if isinstance(body, TPManifest) and body.tp_plan == GENERATOR_ONLY:
        judge_generator_tensors(body)
    if isinstance(body, PPEnvelopeV1):
        judge_lm_tensors(body) if body.HasField("lm") else judge_video_tensors(body)


def check(fine: bool, code: str) -> None:
    if not fine:
        raise WireError(code)


def judge_numbers(message: Message) -> None:
    """No NaN and no infinity anywhere, and no Value without a kind."""
    if isinstance(message, Value):
        check(message.WhichOneof("kind") is not None, "header.length")
    for field, value in message.ListFields():
        if isinstance(value, float):
            check(math.isfinite(value), "header.length" if isinstance(message, Value) else "header.field")
        elif isinstance(value, Message):
            judge_numbers(value)
        elif isinstance(message, Struct):
            for inner in value.values():
                judge_numbers(inner)
        elif field.message_type:
            for inner in value:
                judge_numbers(inner)


def judge_manifest(body: Any, _: Any) -> None:
    check(body.tp_plan in ("", "v0_full_pipeline", GENERATOR_ONLY), "header.field")
    check(body.HasField("video") == (body.tp_plan == GENERATOR_ONLY), "header.field")
    if body.HasField("video"):
        calls = body.video.tp_num_denoise_steps + body.video.tp_do_kv_recompute
        check(body.video.tp_expected_generator_calls == calls, "header.field")


def judge_envelope(body: Any, header: Any) -> None:
    check(body.action == PPAction.Value(header["action"]), "header.field")
    ids = ("call_id", "chunk_index", "cache_epoch")
    check(all(getattr(body, name) == header[name] for name in ids), "header.field")
    if body.HasField("lm"):
        check(body.lm.num_tokens >= 1 and (body.lm.position == 0) == body.lm.init_cache, "header.field")
    else:
        check(body.HasField("video") and body.video.pp_disable_vace, "header.field")
        calls = body.video.num_denoise_steps + body.video.do_kv_recompute
        check(body.video.expected_generator_calls == calls, "header.field")


def judge_result(body: Any, _: Any) -> None:
    ok = is_ok(body)
    check(ok == (body.error_message == ""), "header.field")
    check(ok == (len(body.tensor_specs) > 0), "spec.mismatch")


def is_ok(result: Any) -> bool:
    return result.ok if result.HasField("ok") else True


def judge_specs(specs: Sequence[TensorSpec], lengths: Sequence[int], limits: Limits) -> None:
    check(len(specs) <= limits.max_tensors and len(specs) == len(lengths), "spec.mismatch")
    for spec, length in zip(specs, lengths):
        check(spec.key != "" and spec.dtype in DTYPE_SIZE, "spec.mismatch")
        check(len(spec.shape) <= limits.max_rank and max(spec.shape, default=0) <= MAX_DIMENSION, "spec.mismatch")
        size = math.prod(spec.shape) * DTYPE_SIZE[spec.dtype]  # Python's integers do not overflow
        check(size <= limits.max_tensor_length and size == length, "spec.mismatch")
    names = [spec_order(spec) for spec in specs]
    check(all(a < b for a, b in zip(names, names[1:])), "spec.mismatch")


def spec_order(spec: TensorSpec) -> tuple[bytes, int]:
    return spec.key.encode(), spec.index if spec.HasField("index") else -1


def judge_generator_tensors(body: Any) -> None:
    require(body, "denoising_step_list", lambda s: is_list(s, body.video.tp_num_denoise_steps))
    require(body, "latents", lambda s: s.dtype in HALVES)
    require(body, "conditioning_embeds", lambda s: s.dtype in HALVES)
    if body.video.tp_do_kv_recompute:
        require(body, "context_frames_override", lambda s: True)
    else:
        forbid(body, "context_frames_override")
    forbid(body, "video")


def judge_lm_tensors(body: Any) -> None:
    tokens = body.lm.num_tokens
    if any(spec_order(spec) == (b"input_ids", -1) for spec in body.tensor_specs):
        require(body, "input_ids", lambda s: is_list(s, tokens))
        forbid(body, "hidden")
    else:
        require(body, "hidden", lambda s: s.dtype in FLOATS and len(s.shape) == 2 and s.shape[0] == tokens)
        forbid(body, "input_ids")


def judge_video_tensors(body: Any) -> None:
    require(body, "current_denoising_step_list", lambda s: is_list(s, body.video.num_denoise_steps))
    for key in ("conditioning_embeds", "latents_in"):
        require(body, key, lambda s: s.dtype == "bfloat16")
    if body.video.do_kv_recompute:
        require(body, "context_frames", lambda s: s.dtype == "bfloat16")
    else:
        forbid(body, "context_frames")


def require(body: Any, key: str, fine: Callable[[TensorSpec], bool]) -> None:
    """A tensor of that key, without an index. r[tp.spec.named]"""
    check(any(fine(s) for s in body.tensor_specs if s.key == key and not s.HasField("index")), "spec.mismatch")


def forbid(body: Any, key: str) -> None:
    check(all(spec.key != key for spec in body.tensor_specs), "spec.mismatch")


def is_list(spec: TensorSpec, length: int) -> bool:
    return spec.dtype == "int64" and list(spec.shape) == [length]
