"""The TP control layout (spec/tp-control.md): the header, the manifest, and the frame of INFER."""

import struct
from dataclasses import dataclass, field

import protobuf
from layout import Family, Stream

LIMIT = {"max_frame_length": 1024}
ACTIONS = {"NOOP": 0, "INFER": 1, "SHUTDOWN": 2}
SLOTS = ("call_id", "chunk_index", "control_epoch", "cache_epoch")
SIZES = {"bool": 1, "uint8": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
         "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
SMALL = {"cuts": True, "chunks": True, "eof": True, "empty": True, "reset": True, "glue": True}
REFUSED = {"cuts": True, "chunks": [1], "empty": True, "reset": True, "after": True, "glue": True}
# What sets a field that others leave out, or leaves out what others set: in a row nothing of one message is left in the next.
SHOWN = {"chunks": [1], "glue": True}
LACKING = {"chunks": [1], "after": True, "glue": True}


@dataclass(frozen=True)
class Header:
    call_id: int = 7
    chunk_index: int = 3
    control_epoch: int = 7
    cache_epoch: int = 1
    action: str = "NOOP"

    def value(self) -> dict:
        return {slot: str(getattr(self, slot)) for slot in SLOTS} | {"action": self.action}

    def put(self, stream: Stream, action: int | None = None) -> Stream:
        """`action`: another number in the last slot."""
        for slot in SLOTS:
            number = getattr(self, slot)
            stream.put(slot, struct.pack("<q", number), note=str(number))
        number = ACTIONS[self.action] if action is None else action
        return stream.put("action", struct.pack("<q", number), note=str(number))


@dataclass(frozen=True)
class Tensor:
    key: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes
    index: int | None = None

    def spec(self) -> dict:
        spec: dict = {"key": self.key, "dtype": self.dtype, "shape": list(self.shape)}
        return spec if self.index is None else spec | {"index": self.index}

    def wire(self) -> bytes:
        """TensorSpec, fields by number, defaults left out, shape packed."""
        out = protobuf.text(1, self.key) if self.key else b""
        if self.index is not None:
            out += protobuf.integer(2, self.index)
        if self.dtype:
            out += protobuf.text(3, self.dtype)
        if self.shape:
            out += protobuf.chunk(4, b"".join(protobuf.varint(dimension) for dimension in self.shape))
        return out


@dataclass(frozen=True)
class Manifest:
    tensors: tuple[Tensor, ...] = ()
    kwargs: dict = field(default_factory=dict)
    tp_plan: str = ""
    video: dict | None = None
    version: int = 1

    def value(self) -> dict:
        value = {
            "tp_envelope_version": self.version,
            "tensor_specs": [tensor.spec() for tensor in self.tensors],
            "kwargs": self.kwargs,
        }
        if self.tp_plan:
            value["tp_plan"] = self.tp_plan
        if self.video is not None:
            # Integers of 64 bits are decimal strings.
            value["video"] = self.video | {name: str(self.video[name]) for name in ("current_start_frame", "base_seed")}
        return value

    def wire(self) -> bytes:
        """TPManifest, fields by number, defaults left out."""
        out = protobuf.integer(1, self.version) if self.version else b""
        out += b"".join(protobuf.chunk(2, tensor.wire()) for tensor in self.tensors)
        if self.kwargs:
            out += protobuf.chunk(3, protobuf.struct_(self.kwargs))
        if self.tp_plan:
            out += protobuf.text(4, self.tp_plan)
        return out if self.video is None else out + protobuf.chunk(5, video(self.video))


# VideoStep of TP: number and kind of each field, by its proto name.
VIDEO = {
    "height": (1, "integer"), "width": (2, "integer"), "current_start_frame": (3, "integer"),
    "init_cache": (4, "integer"), "manage_cache": (5, "integer"), "tp_reset_kv_cache": (6, "integer"),
    "tp_reset_crossattn_cache": (7, "integer"), "conditioning_embeds_updated": (8, "integer"),
    "kv_cache_attention_bias": (9, "double"), "tp_do_kv_recompute": (10, "integer"),
    "tp_num_denoise_steps": (11, "integer"), "tp_expected_generator_calls": (12, "integer"),
    "base_seed": (13, "integer"),
}


def video(step: dict, fields: dict = VIDEO) -> bytes:
    """A sub-message of plain fields, by number, defaults left out."""
    out = b""
    for name, (number, kind) in fields.items():
        if step[name]:
            out += protobuf.double(number, step[name]) if kind == "double" else protobuf.integer(number, step[name])
    return out


INFER = Header(action="INFER")


def head(stream: Stream, length: int, header: Header = INFER) -> Stream:
    """An INFER header and the prefix of its frame."""
    return header.put(stream).put("length", length.to_bytes(8, "big"), note=str(length))


def records(stream: Stream, body: bytes, parts: list[bytes], header: Header = INFER) -> Stream:
    """An INFER message of these bytes, right or wrong, without its event."""
    return frame(header.put(stream), "manifest", body, parts)


def frame(stream: Stream, name: str, body: bytes, parts: list[bytes]) -> Stream:
    """The frame of one multipart message: the field `name` and tensors."""
    length = 8 + len(body) + sum(8 + len(part) for part in parts)
    stream.put("length", length.to_bytes(8, "big"), note=str(length))
    stream.put("record_length", len(body).to_bytes(8, "big"), note=str(len(body))).put(name, body)
    for part in parts:
        stream.put("record_length", len(part).to_bytes(8, "big"), note=str(len(part))).put("tensor", part)
    return stream


def message(stream: Stream, header: Header, manifest: Manifest | None = None, body: bytes | None = None) -> Stream:
    """A whole message with its event. `body`: other bytes that mean the same manifest."""
    if header.action != "INFER":
        return header.put(stream).message({"header": header.value()})
    manifest = manifest or Manifest()
    records(stream, manifest.wire() if body is None else body, [t.data for t in manifest.tensors], header)
    return stream.message(value(stream.family, header, manifest))


def value(family: Family, header: Header, manifest: Manifest) -> dict:
    tensors = [family.raw(tensor.data) for tensor in manifest.tensors]
    return {"header": header.value(), "manifest": manifest.value(), "tensors": tensors}


def fields(body: tuple[str, str], header: bool = True, opaque: bool = True) -> dict:
    """The field table of a profile whose frames begin with the record `body` (name, what it is)."""
    table = {slot: ("i64le", "eof.in-header", "signed, little-endian") for slot in SLOTS} if header else {}
    table |= {"action": ("i64le", "eof.in-header", "NOOP 0, INFER 1, SHUTDOWN 2")} if header else {}
    table |= {
        "length": ("u64be", "eof.in-prefix", "bytes of the frame's payload"),
        "record_length": ("u64be", "eof.in-body", "bytes of the record behind it"),
        body[0]: ("bytes", "eof.in-body", body[1]),
        "tensor": ("bytes", "eof.in-body", "elements in C order, little-endian"),
    }
    return {
        name: {"type": t, "eof": eof, "about": about} | ({"opaque": True} if opaque and name in SLOTS else {})
        for name, (t, eof, about) in table.items()
    }


def profile() -> dict:
    return {
        "profile": "tp",
        "about": "A header of 40 bytes, and after INFER a len64 frame with manifest and tensors (spec/tp-control.md).",
        "fields": fields(("manifest", "TPManifest, protobuf")),
        "derived": {
            "chunking": ["tp.boundary.chunking"],
            "glued": ["tp.boundary.glued"],
            "end": ["tp.eof.boundary"],
            "eof.in-header": ["tp.header.cut"],
            "eof.in-prefix": ["tp.infer.cut-prefix"],
            "eof.in-body": ["tp.infer.cut-body"],
            "sticky": ["tp.error.sticky"],
            "delivered": ["tp.error.delivered-before"],
            "isolation": ["tp.state.isolated"],
            "limit.accept": ["tp.infer.oversize"],
            "limit.refuse": ["tp.infer.oversize"],
            "limit.wide": ["tp.infer.oversize", "tp.infer.limit-allocation"],
            "encode.again": ["tp.encode.layout"],
            "encode.after": ["tp.send.nothing"],
            "memory": ["tp.infer.limit-allocation"],
            "write.given-up": ["tp.send.poison"],
        },
    }
