"""The PP contract (spec/pp-contract.md): requests with their envelope, and results."""

import struct
from dataclasses import dataclass, field, replace

import protobuf
from families.tp import INFER, Header, Tensor, fields, frame, video
from layout import Stream

INPUT = Tensor("input_ids", "int64", (1,), struct.pack("<q", -5))
LM = {"position": 0, "num_tokens": 1, "init_cache": True}
LM_FIELDS = {"position": (1, "integer"), "num_tokens": (2, "integer"), "init_cache": (3, "integer")}
VIDEO_FIELDS = {
    "height": (1, "integer"), "width": (2, "integer"), "current_start_frame": (3, "integer"),
    "do_kv_recompute": (4, "integer"), "num_denoise_steps": (5, "integer"),
    "expected_generator_calls": (6, "integer"), "init_cache": (7, "integer"), "reset_kv_cache": (8, "integer"),
    "reset_crossattn_cache": (9, "integer"), "base_seed": (10, "integer"),
    "kv_cache_attention_bias": (11, "double"), "noise_scale": (12, "double"), "pp_disable_vace": (13, "integer"),
}
IDS = ("call_id", "chunk_index", "cache_epoch")


@dataclass(frozen=True)
class Envelope:
    """A request with INFER. `lm` and `video` as they are to stand; `ids` other than the header's."""

    header: Header = INFER
    tensors: tuple[Tensor, ...] = (INPUT,)
    lm: dict | None = field(default_factory=lambda: LM)
    video: dict | None = None
    version: int = 1
    ids: dict = field(default_factory=dict)

    def value(self) -> dict:
        value: dict = {"header": self.header.value(), "pp_envelope_version": self.version, "action": "INFER"}
        value |= {name: str(getattr(self.header, name)) for name in IDS}
        value["tensor_specs"] = [tensor.spec() for tensor in self.tensors]
        if self.lm is not None:
            value["lm"] = self.lm
        if self.video is not None:
            value["video"] = self.video | {name: str(self.video[name]) for name in ("current_start_frame", "base_seed")}
        return value

    def wire(self) -> bytes:
        """PPEnvelopeV1, fields by number, defaults left out."""
        ids = {"action": 1} | {name: getattr(self.header, name) for name in IDS} | self.ids
        out = protobuf.integer(1, self.version) if self.version else b""
        for number, name in enumerate(("action", *IDS), 2):
            out += protobuf.integer(number, ids[name]) if ids[name] else b""
        out += b"".join(protobuf.chunk(6, tensor.wire()) for tensor in self.tensors)
        if self.video is not None:
            out += protobuf.chunk(7, video(self.video, VIDEO_FIELDS))
        return out if self.lm is None else out + protobuf.chunk(8, video(self.lm, LM_FIELDS))


HIDDEN = Tensor("hidden", "float32", (1, 2), struct.pack("<2f", 0.5, -3.25))


@dataclass(frozen=True)
class Result:
    tensors: tuple[Tensor, ...] = (HIDDEN,)
    call_id: int = 7
    chunk_index: int = 3
    cache_epoch: int = 1
    ok: bool = True
    error_message: str = ""
    observed_generator_calls: int = 0
    mesh_current_start_frame: int = 0
    output_digest_i64: int | None = None
    stage1_ms: float | None = None
    version: int = 1

    def value(self) -> dict:
        value: dict = {"pp_result_version": self.version} | {name: str(getattr(self, name)) for name in IDS}
        value |= {
            "tensor_specs": [tensor.spec() for tensor in self.tensors],
            "ok": self.ok,
            "error_message": self.error_message,
            "observed_generator_calls": self.observed_generator_calls,
            "mesh_current_start_frame": str(self.mesh_current_start_frame),
        }
        if self.output_digest_i64 is not None:
            value["output_digest_i64"] = str(self.output_digest_i64)
        return value if self.stage1_ms is None else value | {"stage1_ms": self.stage1_ms}

    def wire(self) -> bytes:
        """PPResultV1, fields by number, defaults and an `ok` that is true left out."""
        out = protobuf.integer(1, self.version) if self.version else b""
        for number, name in enumerate(IDS, 2):
            out += protobuf.integer(number, getattr(self, name)) if getattr(self, name) else b""
        out += b"".join(protobuf.chunk(5, tensor.wire()) for tensor in self.tensors)
        out += b"" if self.ok else protobuf.integer(6, 0)
        out += protobuf.text(7, self.error_message) if self.error_message else b""
        for number, amount in ((8, self.observed_generator_calls), (9, self.mesh_current_start_frame)):
            out += protobuf.integer(number, amount) if amount else b""
        if self.output_digest_i64 is not None:
            out += protobuf.integer(10, self.output_digest_i64)
        return out if self.stage1_ms is None else out + protobuf.double(11, self.stage1_ms)


def request(stream: Stream, envelope: Envelope | Header = Envelope(), body: bytes | None = None) -> Stream:
    """A whole request with its event. `body`: other bytes that mean the same envelope."""
    if isinstance(envelope, Header):
        return envelope.put(stream).message({"header": envelope.value()})
    return broken_request(stream, envelope, body).message(whole(stream, envelope))


def broken_request(stream: Stream, envelope: Envelope, body: bytes | None = None,
                   parts: list[bytes] | None = None) -> Stream:
    """The bytes of a request, right or wrong, without its event."""
    parts = [tensor.data for tensor in envelope.tensors] if parts is None else parts
    return frame(envelope.header.put(stream), "envelope", envelope.wire() if body is None else body, parts)


def result(stream: Stream, given: Result = Result(), body: bytes | None = None) -> Stream:
    return broken_result(stream, given, body).message(whole(stream, given))


def broken_result(stream: Stream, given: Result, body: bytes | None = None,
                  parts: list[bytes] | None = None) -> Stream:
    parts = [tensor.data for tensor in given.tensors] if parts is None else parts
    return frame(stream, "result", given.wire() if body is None else body, parts)


def whole(stream: Stream, given: Envelope | Result) -> dict:
    return given.value() | {"tensors": [stream.family.raw(tensor.data) for tensor in given.tensors]}


def with_input(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensor of the step, where its key belongs among tensors that are in order."""
    at = next((i for i, tensor in enumerate(tensors) if tensor.key > INPUT.key), len(tensors))
    return (*tensors[:at], INPUT, *tensors[at:])


def moved(header: Header, **slots: int) -> Header:
    return replace(header, **slots)


def envelope_profile() -> dict:
    return {
        "profile": "pp-envelope",
        "about": "Requests: a header of 40 bytes, and after INFER a len64 frame with envelope and tensors"
                 " (spec/pp-contract.md).",
        "fields": fields(("envelope", "PPEnvelopeV1, protobuf")),
        "derived": {
            "chunking": ["pp.boundary.chunking"],
            "glued": ["pp.boundary.glued"],
            "end": ["pp.eof.boundary"],
            "eof.in-header": ["pp.header.layout", "tp.header.cut"],
            "eof.in-prefix": ["pp.infer.cut"],
            "eof.in-body": ["pp.infer.cut"],
            "sticky": ["pp.error.sticky"],
            "delivered": ["pp.error.sticky"],
            "isolation": ["pp.state.isolated"],
            "limit.accept": ["pp.infer.oversize"],
            "limit.refuse": ["pp.infer.oversize"],
            "limit.wide": ["pp.infer.oversize", "pp.limit.allocation"],
            "encode.again": ["pp.encode.layout"],
            "encode.after": ["pp.send.nothing"],
            "memory": ["pp.limit.allocation"],
            "write.given-up": ["pp.send.poison"],
        },
    }


def result_profile() -> dict:
    return {
        "profile": "pp-result",
        "about": "Results: a len64 frame with result and tensors, and no header (spec/pp-contract.md).",
        "fields": fields(("result", "PPResultV1, protobuf"), header=False),
        "derived": {
            "chunking": ["pp.boundary.chunking"],
            "glued": ["pp.boundary.glued"],
            "end": ["pp.result.layout", "len64.eof.boundary"],
            "eof.in-prefix": ["pp.result.layout", "len64.eof.mid-prefix"],
            "eof.in-body": ["pp.result.layout", "len64.eof.mid-body"],
            "sticky": ["pp.error.sticky"],
            "delivered": ["pp.error.sticky"],
            "isolation": ["pp.state.isolated"],
            "limit.accept": ["pp.result.layout", "len64.limit.exact"],
            "limit.refuse": ["pp.result.layout", "len64.limit.oversize"],
            "limit.wide": ["pp.result.layout", "len64.limit.oversize", "pp.limit.allocation"],
            "encode.again": ["pp.encode.layout"],
            "encode.after": ["pp.send.nothing"],
            "memory": ["pp.limit.allocation"],
            "write.given-up": ["pp.send.poison"],
        },
    }
