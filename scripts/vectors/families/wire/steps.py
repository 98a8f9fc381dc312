"""What only real connections show: ends of one direction, resets, refusals, and peers that read slowly or not at all."""

import hashlib

from families.prefix import Prefix
from families.wire.scenario import Scenarios

LARGE = 65536
COUNT = 512  # of large messages: 32 MiB, several times what the buffers of an operating system take


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
    for add in (ends, resets, refusals, backpressure):
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
    s.steps(
        "end-of-ours",
        ["iut.wire.close", p.rule("eof.boundary")],
        "An implementation that has ended its own direction still reads.",
        {"send": f.value("7468657265")},
        {"close": "end"},
        {"receive": f.there},
        {"sees": "end"},
        {"write": f.hello},
        {"sync": "read", "events": [f.message]},
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
        ["iut.wire.connections", p.rule("state.isolated")],
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
        ["iut.wire.refusal", p.rule("state.isolated")],
        "A refusal ends its own connection, and no other.",
        {"write": over},
        {"conn": "b", "write": f.hello[:6]},
        {"sync": "read", "events": [error("oversize.declared", p.size)]},
        {"sees": "close"},
        {"conn": "b", "write": f.hello[6:]},
        {"conn": "b", "sync": "read", "events": [f.message]},
    )
    s.steps(
        "refused-send",
        ["iut.wire.send", p.rule("encode.refusal")],
        "A message that cannot be sent leaves no byte on the connection, and the next one goes out whole.",
        {
            "send": f.value({"fill": {"byte": 0, "count": 1025}}),
            "events": [{"event": "error", "class": "oversize.declared", "at": "0", "fatal": False}],
        },
        {"send": f.value("7468657265"), "count": 2},
        {"receive": f.there, "count": 2},
    )


def backpressure(_: Prefix, s: Scenarios, f: Frames) -> None:
    roomy = {"max_frame_length": str(LARGE)}
    s.steps(
        "peer-stops-reading",
        ["iut.wire.send-bounded"],
        "A peer that does not read stops the sender, whose memory stays bounded; then every byte arrives, once and in order.",
        {"stall": True},
        {"send": f.value({"fill": {"byte": 171, "count": LARGE}}), "count": COUNT, "blocks": True},
        {"receive": f.large, "count": COUNT},
        {"close": "end"},
        {"sees": "end"},
        limits=roomy,
    )
    s.steps(
        "peer-reads-slowly",
        ["iut.wire.send-bounded"],
        "A peer that reads little at a time gets everything all the same.",
        {"stall": True},
        {"send": f.value({"fill": {"byte": 171, "count": LARGE}}), "count": 8},
        {"receive": f.large, "count": 8, "bite": 4099},
        limits=roomy,
    )
    big = {"event": "message", "value": f.value(_digest(171, LARGE))}
    s.steps(
        "we-stop-reading",
        ["iut.wire.read-bounded"],
        "While the program above takes no messages the peer is held back; then every message comes, once and in order.",
        {"pause": True},
        {"flood": f.large, "count": COUNT},
        {"resume": True},
        {"finish": True},
        {"sync": "read", "events": [big], "repeat": COUNT},
        limits=roomy,
    )


def _digest(byte: int, count: int) -> dict:
    return {"length": count, "sha256": hashlib.sha256(bytes([byte]) * count).hexdigest()}


def error(word: str, at: int) -> dict:
    return {"event": "error", "class": word, "at": str(at), "fatal": True}
