"""The JSON form of each profile's messages: the table "Values" of spec/iut-protocol.md."""

import hashlib
from functools import partial
from typing import Any, Callable

from framing import PREFIX, Record, WireError, encode_frame, encode_multipart, read_frame, read_multipart
from tp import encode_tp, read_tp

MAX_FRAME, MAX_BUILT = (1 << 64) - 1, 1 << 30  # what a length may say, and what a test may have us build
LEAD, LIMITS = {"len56-tagged": "tag", "grpc-lpm": "flag"}, {"max_frame_length", "max_parts"}
PROFILES = [*PREFIX, "multipart", "multipart-typed", "tp"]


class Declined(Exception):
    """The argument is the reason: profile, role, limit, step or operation."""


def load(part: Any, limit: int) -> Record:
    typed = isinstance(part, dict) and "typehash" in part
    value, typehash = (part["bytes"], int(part["typehash"])) if typed else (part, None)
    if isinstance(value, str):
        return bytes.fromhex(value), typehash
    if value["fill"]["count"] > min(limit, MAX_BUILT):  # judged before it is built
        raise WireError("oversize.declared") if value["fill"]["count"] > limit else Declined("limit")
    return bytes([value["fill"]["byte"]]) * value["fill"]["count"], typehash


def show(data: bytes, typehash: Any = None) -> Any:
    shown = data.hex() if len(data) <= 4096 else {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return shown if typehash is None else {"typehash": str(typehash), "bytes": shown}


def tp_value(message: Any) -> Any:
    if message[1]:
        raise Declined("operation")  # this port cuts manifests out, and does not read them
    return {"header": {name: value if name == "action" else str(value) for name, value in message[0].items()}}


def tp_bytes(value: Any, limit: int) -> bytes:
    records: list[Record] = [(b"", None)] if value.keys() & {"manifest", "tensors"} else []
    data = encode_tp(value["header"], records, limit)
    if records:
        raise Declined("operation")
    return data


def codec(profile: str, limits: dict[str, int]) -> tuple[Any, Callable[[Any], Any], Callable[[Any], bytes]]:
    """What begins to read a message, what shows it as JSON, and what encodes that form."""
    limit, parts, typed = limits.get("max_frame_length", MAX_FRAME), limits.get("max_parts"), profile.endswith("-typed")
    if profile == "tp":
        return partial(read_tp, limit, parts), tp_value, lambda v: tp_bytes(v, limit)
    if profile.startswith("multipart"):
        return (
            partial(read_multipart, typed, limit, parts),
            lambda m: {"body": show(*m[0]), "parts": [show(*record) for record in m[1:]]},
            lambda v: encode_multipart([load(p, limit) for p in [v["body"], *v["parts"]]], typed, limit),
        )
    return (
        partial(read_frame, profile, limit),
        lambda m: {**({LEAD[profile]: m[0]} if profile in LEAD else {}), "payload": show(m[1])},
        lambda v: encode_frame(profile, load(v["payload"], limit)[0], limit, v.get(LEAD.get(profile), 0)),
    )
