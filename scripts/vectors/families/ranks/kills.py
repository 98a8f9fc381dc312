"""Every step of the protocol at which a rank can die, and the ways to die."""

from dataclasses import dataclass

from families.ranks.messages import Message
from families.ranks.scenario import act, breach, over, sync, write

WAYS = ("end", "reset", "silence")


@dataclass(frozen=True)
class Cut:
    """So many bytes of a message, and where that is."""

    slug: str
    bytes: int
    error: str | None
    """What an end there is, where it is inside a message."""


def cuts(message: Message) -> list[Cut]:
    """Of a message with a header, a frame, a body and one tensor."""
    data, size = message.bytes, len(message)
    body = int.from_bytes(data[48:56], "big")
    tensor = 56 + body + 8
    assert tensor < size
    return [
        Cut("before-header", 0, None),
        Cut("in-header", 20, "eof.in-header"),
        Cut("behind-header", 40, "eof.in-prefix"),
        Cut("in-prefix", 44, "eof.in-prefix"),
        Cut("behind-prefix", 48, "eof.in-body"),
        Cut("in-manifest", 56 + body // 2, "eof.in-body"),
        Cut("behind-manifest", 56 + body, "eof.in-body"),
        Cut("in-tensor", tensor + (size - tensor) // 2, "eof.in-body"),
        Cut("behind-message", size, None),
    ]


def result_cuts(message: Message) -> list[Cut]:
    """Of a result: a frame without a header."""
    data, size = message.bytes, len(message)
    body = int.from_bytes(data[8:16], "big")
    tensor = 16 + body + 8
    return [
        Cut("before-result", 0, None),
        Cut("in-prefix", 4, "eof.in-prefix"),
        Cut("behind-prefix", 8, "eof.in-body"),
        Cut("in-result", 16 + body // 2, "eof.in-body"),
        Cut("in-tensor", tensor + (size - tensor) // 2, "eof.in-body"),
        Cut("behind-result", size, None),
    ]


def die(conn: str, way: str, cut: Cut, message: Message, before: int, told: list[dict],
        whole: list[dict]) -> tuple[list[dict], list[dict]]:
    """
    The peer writes up to the cut and dies: the steps until then, and what the implementation must still tell before the loss. `told`:
    the events of the messages before, which had `before` bytes. `whole`: those of this one, where it came to its end.
    """
    part = message.bytes[: cut.bytes]
    events = told + (whole if cut.bytes == len(message) else [])
    steps = [write(conn, part)] if part else []
    if way == "silence":
        return steps, events
    # A reset takes along what nobody has read yet.
    steps += [sync(conn, *events), act(conn, way)]
    return steps, [breach(cut.error, before + cut.bytes)] if way == "end" and cut.error else []


def closed(conn: str, way: str) -> list[dict]:
    """A connection that the peer has reset has no end to wait for."""
    return [] if way == "reset" else over("close", conn)
