"""The protobuf wire format, as much of it as manifests need, written out by hand: no library and no generated code.

Every function returns bytes. Fields with default values are left out by the callers, not here, since some vectors
want them on the wire.
"""

import struct

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(value: int, width: int = 0) -> bytes:
    """Base 128, least significant group first. A `width` above the shortest pads with empty groups."""
    value &= (1 << 64) - 1
    groups = []
    while value or not groups or len(groups) < width:
        groups.append(value & 0x7F)
        value >>= 7
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


def key(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def integer(number: int, value: int) -> bytes:
    """uint32, uint64, int64 (negative ones in ten bytes), bool and enum."""
    return key(number, VARINT) + varint(value)


def double(number: int, value: float) -> bytes:
    return key(number, FIXED64) + struct.pack("<d", value)


def chunk(number: int, data: bytes) -> bytes:
    """bytes, strings, messages and packed numbers."""
    return key(number, BYTES) + varint(len(data)) + data


def text(number: int, value: str) -> bytes:
    return chunk(number, value.encode())


def value(item: object) -> bytes:
    """google.protobuf.Value: the one kind that is set stands on the wire, default or not."""
    if item is None:
        return integer(1, 0)
    if isinstance(item, bool):
        return integer(4, int(item))
    if isinstance(item, (int, float)):
        return double(2, item)
    if isinstance(item, str):
        return text(3, item)
    if isinstance(item, list):
        return chunk(6, b"".join(chunk(1, value(each)) for each in item))
    if isinstance(item, dict):
        return chunk(5, struct_(item))
    raise TypeError(f"no google.protobuf.Value for {item!r}")


def struct_(items: dict) -> bytes:
    """google.protobuf.Struct, entries in the order of their keys' UTF-8 bytes."""
    rows = sorted(items.items(), key=lambda row: row[0].encode())
    return b"".join(chunk(1, text(1, name) + chunk(2, value(item))) for name, item in rows)
