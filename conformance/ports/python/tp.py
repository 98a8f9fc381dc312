"""The layout of TP control, as in spec/tp-control.md: header and INFER frame. A manifest stays bytes: records[0]."""

import struct
from typing import Any, Optional

from framing import Reader, Record, WireError, encode_multipart, read_multipart

HEADER = struct.Struct("<5q")
IDS = ("call_id", "chunk_index", "control_epoch", "cache_epoch")
ACTIONS = ("NOOP", "INFER", "SHUTDOWN")


def read_tp(limit: int, max_parts: Optional[int] = None) -> Reader:
    """Returns (header, records); NOOP and SHUTDOWN have no records."""
    *ids, action = HEADER.unpack((yield HEADER.size, "eof.in-header"))
    if action not in range(len(ACTIONS)):
        raise WireError("header.field")
    records = (yield from read_multipart(False, limit, max_parts)) if ACTIONS[action] == "INFER" else []
    return {**dict(zip(IDS, ids)), "action": ACTIONS[action]}, records


def encode_tp(header: dict[str, Any], records: list[Record], limit: int) -> bytes:
    try:
        head = HEADER.pack(*(int(header[name]) for name in IDS), ACTIONS.index(header["action"]))
    except (ValueError, struct.error):
        raise WireError("header.field") from None
    if bool(records) != (header["action"] == "INFER"):
        raise WireError("header.field")
    return head + encode_multipart(records, False, limit) if records else head
