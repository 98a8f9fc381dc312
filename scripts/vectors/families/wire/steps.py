"""What only real connections show: ends of one direction, resets, refusals, and peers that read slowly or not at all."""

import hashlib
from dataclasses import dataclass

from families.prefix import Prefix
from families.wire.scenario import Scenarios

LARGE = 65536
COUNT = 512  # of large messages: 32 MiB, several times what the buffers of an operating system take
ENDLESS = 8192  # of them: 512 MiB, twice what a process may grow by


class Frames:
    """Frames of a prefix profile, as bytes and as values."""

    def __init__(self, p: Prefix) -> None:
        self.p = p
        self.hello, self.there = self.prefix(5) + "68656c6c6f", self.prefix(5) + "7468657265"
        self.message = {"event": "message", "value": self.value("68656c6c6f")}
        self.large = {"parts": [self.prefix(LARGE), {"fill": {"byte": 171, "count": LARGE}}]}

    def prefix(self, length: int) -> str:
        lead = bytes([0]) if self.p.lead else b""
        return (lead + length.to_bytes(self.p.width, "big")).hex()

    def value(self, payload: object) -> dict:
        return {**({self.p.lead: 0} if self.p.lead else {}), "payload": payload}


def steps(p: Prefix, s: Scenarios) -> None:
    frames = Frames(p)
    for add in (ends, resets, refusals, backpressure, accepts):
        add(p, s, frames)


def ends(p: Prefix, s: Scenarios, f: Frames) -> None:
    s.steps(
        "answer-after-end",
        ["iut.wire.half-close", p.rule("eof.boundary")],
        "A peer that has said everything still listens: what is sent to it then must arrive.",
        {"write": f.hello},
        {"end": True},
        {"sync": "end", "events": [f.message, {"event": "end"}]},
        {"send": f.value("7468657265")},
        {"receive": f.there},
        {"close": "end"},
        {"sees": "end"},
    )
    end_of_ours(s, p.rule("eof.boundary"), (f.value("7468657265"), f.there), {"write": f.hello}, f.message)


def end_of_ours(s: Scenarios, rule: str, there: tuple[dict, str | dict], hello: dict, message: dict) -> None:
    """`there`: a value to send and its bytes. `hello`: a step that writes what is told as `message`."""
    value, data = there
    s.steps(
        "end-of-ours",
        ["iut.wire.close", rule],
        "An implementation that has ended its own direction still reads.",
        {"send": value},
        {"close": "end"},
        {"receive": data},
        {"sees": "end"},
        hello,
        {"sync": "read", "events": [message]},
        {"end": True},
        {"sync": "end", "events": [{"event": "end"}]},
    )


def resets(p: Prefix, s: Scenarios, f: Frames) -> None:
    cut = p.size + 2
    for slug, bytes_ in (("reset-in-prefix", f.hello[:4]), ("reset-in-body", f.hello[: 2 * cut]), ("reset-on-boundary", "")):
        at = (p.size + 5) + len(bytes_) // 2
        s.steps(
            slug,
            ["iut.wire.reset"],
            "A reset is no end of the stream: it is told as what it is, behind the messages that came before.",
            {"write": f.hello + bytes_},
            {"sync": "read", "events": [f.message]},
            {"reset": True},
            {"sync": "end", "events": [{"event": "reset", "at": str(at)}]},
        )
    s.steps(
        "reset-by-us",
        ["iut.wire.close"],
        "A reset that is asked for reaches the peer as one.",
        {"write": f.hello},
        {"sync": "read", "events": [f.message]},
        {"close": "reset"},
        {"sees": "reset"},
    )
    s.steps(
        "reset-of-another",
        ["iut.wire.connections", "iut.wire.accept", p.rule("state.isolated")],
        "A connection that is lost takes nothing with it.",
        {"write": f.hello[:6]},
        {"conn": "b", "write": f.hello[:6]},
        {"sync": "read", "events": []},
        {"conn": "b", "sync": "read", "events": []},
        {"conn": "b", "reset": True},
        {"conn": "b", "sync": "end", "events": [{"event": "reset", "at": "3"}]},
        {"write": f.hello[6:]},
        {"sync": "read", "events": [f.message]},
    )


def refusals(p: Prefix, s: Scenarios, f: Frames) -> None:
    over = f.prefix(1025)
    s.steps(
        "refusal-of-another",
        ["iut.wire.refusal", "iut.wire.accept", p.rule("state.isolated")],
        "A refusal ends its own connection, and no other.",
        {"write": over},
        {"conn": "b", "write": f.hello[:6]},
        {"sync": "read", "events": [error("oversize.declared", p.size)]},
        {"sees": "close"},
        {"conn": "b", "write": f.hello[6:]},
        {"conn": "b", "sync": "read", "events": [f.message]},
    )
    refused_send(s, [p.rule("encode.refusal")], (f.value("7468657265"), f.there),
                 (f.value({"fill": {"byte": 0, "count": 1025}}), "oversize.declared"))


def refused_send(s: Scenarios, rules: list[str], good: tuple[dict, str | dict], *refused: tuple[dict, str]) -> None:
    """`refused`: values, each with the word of its refusal."""
    value, data = good
    s.steps(
        "refused-send",
        ["iut.wire.send", *rules],
        "A message that cannot be sent leaves no byte on the connection, and the next one goes out whole.",
        *({"send": bad, "events": [{"event": "error", "class": word, "at": "0", "fatal": False}]} for bad, word in refused),
        {"send": value, "count": 2},
        {"receive": data, "count": 2},
    )


@dataclass(frozen=True)
class Large:
    """A message of which a few hundred are more than an operating system takes: to send, as bytes, and as it is told."""

    value: dict
    bytes: str | dict
    event: dict
    limits: dict


def backpressure(p: Prefix, s: Scenarios, f: Frames) -> None:
    event = {"event": "message", "value": f.value(_digest(171, LARGE))}
    large = Large(f.value({"fill": {"byte": 171, "count": LARGE}}), f.large, event, {"max_frame_length": str(LARGE)})
    held_sender(s, large, {"write": f.hello}, f.message)
    held_receiver(s, large)


def held_sender(s: Scenarios, large: Large, hello: dict, message: dict) -> None:
    """`hello`: a step that writes what is told as `message`."""
    s.steps(
        "peer-stops-reading",
        ["iut.wire.send-bounded", "iut.wire.resident"],
        "A peer that does not read stops the sender, whose memory stays bounded; then every byte arrives, once and in order.",
        {"stall": True},
        {"send": large.value, "count": COUNT, "blocks": True},
        {"receive": large.bytes, "count": COUNT},
        {"close": "end"},
        {"sees": "end"},
        limits=large.limits,
    )
    s.steps(
        "peer-never-reads",
        ["iut.wire.send-bounded", "iut.wire.resident", "iut.wire.connections"],
        "Who is to send more than memory should hold encodes it as the peer takes it; one that never does costs little,"
        " and nobody else anything.",
        {"stall": True},
        {"send": large.value, "count": ENDLESS, "blocks": True},
        {"conn": "b", **hello},
        {"conn": "b", "sync": "read", "events": [message]},
        {"reset": True},
        {"conn": "b", **hello},
        {"conn": "b", "sync": "read", "events": [message]},
        limits=large.limits,
    )
    s.steps(
        "peer-reads-slowly",
        ["iut.wire.send-bounded"],
        "A peer that reads little at a time gets everything all the same.",
        {"stall": True},
        {"send": large.value, "count": 8},
        {"receive": large.bytes, "count": 8, "bite": 4099},
        limits=large.limits,
    )


def held_receiver(s: Scenarios, large: Large, rules: tuple[str, ...] | list[str] = (), repeats: int = COUNT) -> None:
    """`repeats`: how often the message is told, of a session that drops what it has had."""
    told = "every message comes, once and in order" if repeats > 1 else "it comes, and what repeats it is read and dropped"
    s.steps(
        "we-stop-reading",
        ["iut.wire.read-bounded", "iut.wire.resident", *rules],
        f"While the program above takes no messages the peer is held back; then {told}.",
        {"pause": True},
        {"flood": large.bytes, "count": COUNT},
        {"resume": True},
        {"finish": True},
        {"sync": "read", "events": [large.event], **({"repeat": repeats} if repeats > 1 else {})},
        limits=large.limits,
    )


def accepts(p: Prefix, s: Scenarios, f: Frames) -> None:
    frames = [(conn, f.prefix(1) + data, {"event": "message", "value": f.value(data)})
              for conn, data in (("a", "61"), ("b", "62"), ("c", "63"))]
    s.steps(
        "accepted-in-order",
        ["iut.wire.accept", "iut.wire.connections", p.rule("state.isolated")],
        "Connections that wait together are named in the order in which they came; a Unix socket keeps it.",
        *({"conn": conn, "write": frame} for conn, frame, _ in frames),
        *({"conn": conn, "sync": "read", "events": [event]} for conn, _, event in frames),
        over="unix",
    )


def _digest(byte: int, count: int) -> dict:
    return {"length": count, "sha256": hashlib.sha256(bytes([byte]) * count).hexdigest()}


def error(word: str, at: int) -> dict:
    return {"event": "error", "class": word, "at": str(at), "fatal": True}
