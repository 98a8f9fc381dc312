"""The messages of the scenarios of ranks: as bytes, and as values."""

import struct
from dataclasses import dataclass, replace

from families.pp import Envelope, Result
from families.tp import ACTIONS, SLOTS, Header, Manifest, Tensor
from layout import Fill

X = Tensor("x", "float32", (2,), struct.pack("<2f", 1.5, -2.0))
MIB = 1 << 20


def head(header: Header) -> bytes:
    return b"".join(struct.pack("<q", getattr(header, slot)) for slot in SLOTS) + struct.pack("<q", ACTIONS[header.action])


def frame(body: bytes, parts: list[bytes | Fill]) -> list[object]:
    """One multipart message in its frame; runs stay runs."""
    length = 8 + len(body) + sum(8 + len(part) for part in parts)
    out: list[object] = [length.to_bytes(8, "big") + len(body).to_bytes(8, "big") + body]
    for part in parts:
        out += [len(part).to_bytes(8, "big"), run(part) if isinstance(part, Fill) else part]
    return out


def run(fill: Fill) -> dict:
    return {"fill": {"byte": fill.byte, "count": fill.count}}


def given(tensors: tuple[Tensor, ...]) -> list[object]:
    return [run(t.data) if isinstance(t.data, Fill) else t.data.hex() for t in tensors]


@dataclass(frozen=True)
class Message:
    """`data`: bytes, and runs of one byte. `value`: to send, or as it is told."""

    value: dict
    data: tuple

    @property
    def bytes(self) -> bytes:
        return b"".join(self.data)

    @property
    def wire(self) -> object:
        from families.ranks.scenario import joined

        return joined(*self.data)

    def __len__(self) -> int:
        return sum(part["fill"]["count"] if isinstance(part, dict) else len(part) for part in self.data)


def ids(call: int, action: str = "INFER", **slots: int) -> Header:
    """The header of the `call`-th message: every one counts, and chunks with them."""
    return replace(Header(call, call - 1, call, 0, action), **slots)


def alone(header: Header) -> Message:
    return Message({"header": header.value()}, (head(header),))


def noop(call: int, **slots: int) -> Message:
    return alone(ids(call, "NOOP", **slots))


def shutdown(call: int, **slots: int) -> Message:
    return alone(ids(call, "SHUTDOWN", **slots))


def tp(call: int, manifest: Manifest = Manifest((X,)), body: bytes | None = None, **slots: int) -> Message:
    """An INFER of a leader. `body`: other bytes in the place of the manifest."""
    header = ids(call, **slots)
    value = {"header": header.value(), "manifest": manifest.value(), "tensors": given(manifest.tensors)}
    parts = [tensor.data for tensor in manifest.tensors]
    return Message(value, (head(header), *frame(manifest.wire() if body is None else body, parts)))


def lm(call: int, init: bool | None = None) -> dict:
    init = call == 1 if init is None else init
    return {"position": 0 if init else call, "num_tokens": 1, "init_cache": init}


TOKEN = Tensor("input_ids", "int64", (1,), struct.pack("<q", 42))


def request(call: int, init: bool | None = None, envelope: Envelope | None = None, **slots: int) -> Message:
    """An INFER of a driver: one token of a language model, or what `envelope` has."""
    header = ids(call, **slots)
    e = envelope or Envelope(tensors=(TOKEN,), lm=lm(call, init))
    e = replace(e, header=header)
    parts = [tensor.data for tensor in e.tensors]
    return Message(e.value() | {"tensors": given(e.tensors)}, (head(header), *frame(e.wire(), parts)))


def passed(call: int, tensors: tuple[Tensor, ...] = (TOKEN,), **slots: int) -> Message:
    """What a stage that leads a group makes of a request. r[iut.rank.stage-group]"""
    return tp(call, Manifest(tensors), **slots)


LOGITS = Tensor("logits", "float32", (1, 2), struct.pack("<2f", 0.25, 4.0))


def result(call: int, tensors: tuple[Tensor, ...] = (LOGITS,), chunk: int | None = None, epoch: int = 0,
           **fields: object) -> Message:
    r = Result(tensors, call, call - 1 if chunk is None else chunk, epoch, **fields)
    return Message(r.value() | {"tensors": given(tensors)}, tuple(frame(r.wire(), [t.data for t in tensors])))


def answer(call: int, chunk: int | None = None, epoch: int = 0) -> dict:
    """The ids of a result that stands for itself."""
    return {"call_id": str(call), "chunk_index": str(call - 1 if chunk is None else chunk), "cache_epoch": str(epoch)}
