"""Scenarios on real connections (vectors/wire/), one file for each profile. The cases that they replay are the corpus's own."""

import hashlib
from collections.abc import Iterator

from families.prefix import GRPC, PREFIXES, Prefix

LIMITS = {"max_frame_length": "1024"}
LARGE = 65536
COUNT = 512  # of large messages: 32 MiB, several times what the buffers of an operating system take


def files() -> Iterator[tuple[str, dict]]:
    """The path of each file below vectors/, and its document."""
    for p in PREFIXES:
        yield _file(p.profile, f"{p.profile} on sockets: what a codec's sweeps cannot show.", _prefixed(p))
    yield _file("multipart", "Multipart messages on sockets.", _multipart())
    yield _file("tp", "TP headers and messages on sockets.", _tp())
    yield _file("pp-envelope", "PP requests on sockets.", _pp_envelope())
    yield _file("pp-result", "PP results on sockets.", _pp_result())
    for name in ("tp-session", "pp-session"):
        yield _file(name, "A receiver's order of ids and epochs, on sockets.", _session(name))


def _file(profile: str, about: str, scenarios: list[dict]) -> tuple[str, dict]:
    return f"wire/{profile}.json", {"profile": profile, "about": about, "scenarios": scenarios}


class _Scenarios:
    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.list: list[dict] = []

    def _add(self, slug: str, rules: list[str], why: str, level: str = "must", **rest: object) -> None:
        self.list.append({"id": f"wire/{self.profile}/{slug}", "rules": rules, "level": level, "why": why, **rest})

    def replay(self, slug: str, rules: list[str], why: str, *patterns: str, **rest: object) -> None:
        self._add(slug, rules, why, **rest, replay=[f"{self.profile}/{pattern}" for pattern in patterns])

    def interleave(self, slug: str, rules: list[str], why: str, *lists: tuple[str, ...], **rest: object) -> None:
        named = [[f"{self.profile}/{pattern}" for pattern in patterns] for patterns in lists]
        self._add(slug, rules, why, **rest, interleave=named)

    def steps(self, slug: str, rules: list[str], why: str, *steps: dict, limits: dict = LIMITS, **rest: object) -> None:
        named = [{"conn": "a", **step} for step in steps]
        connections = list(dict.fromkeys(step["conn"] for step in named))
        self._add(slug, rules, why, **rest, limits=limits, connections=connections, steps=named)


def _error(word: str, at: int) -> dict:
    return {"event": "error", "class": word, "at": str(at), "fatal": True}


def _prefixed(p: Prefix) -> list[dict]:
    s = _Scenarios(p.profile)
    s.replay(
        "split",
        ["iut.wire.sync", p.rule("boundary.chunking")],
        "A frame that the network cuts is read in pieces: each half is waited for before the next is written.",
        *("hello", "hello#cut=*", "two#cut=*", "empty-between#cut=*"),
    )
    s.replay(
        "byte-by-byte",
        ["iut.wire.sync", p.rule("boundary.chunking")],
        "The slowest of peers sends one byte, and the next when that one has been read.",
        *("hello#chunk=1", "mixed#chunk=1", "length-258#chunk=1", "end-second-body#chunk=1"),
    )
    s.replay(
        "half-close",
        ["iut.wire.half-close", p.rule("eof.mid-prefix"), p.rule("eof.mid-body"), p.rule("eof.boundary")],
        "The end of a direction is judged where it falls: in a prefix, in a body, on a boundary.",
        *("two#eof=*", "end-at-start", "end-after-empty"),
    )
    s.replay(
        "refused",
        ["iut.wire.refusal", p.rule("error.sticky"), p.rule("limit.before-body")],
        "A refusal needs the prefix alone, is told once, and ends the connection, whatever still comes.",
        *("limit-over-prefix-only", "limit-over-prefix-only#after*", "limit-over-second", "limit-over-then-frame"),
        *(("flag-2-alone", "flag-second#after*") if p is GRPC else ()),
    )
    s.replay(
        "new-connection",
        ["iut.wire.connections", p.rule("state.isolated")],
        "A new connection begins at a boundary while the old one is still in the middle of a frame.",
        "two#reset=*",
    )
    s.replay(
        "large",
        ["iut.wire.sync", p.rule("boundary.chunking")],
        "A payload of many segments comes in whatever pieces the network makes of it.",
        *("fill-66051", "one-mib", "varied-70000#chunk=1448"),
    )
    s.replay(
        "dialled",
        ["iut.wire.dial", p.rule("boundary.chunking")],
        "Who opened a connection changes nothing of what is read from it.",
        *("hello", "two#cut=*", "limit-over-second", "end-second-body"),
        opened_by="iut",
    )
    s.replay(
        "unix",
        ["iut.wire.listen", p.rule("boundary.chunking")],
        "A Unix socket carries the same bytes.",
        *("hello", "two#cut=*", "limit-over-second", "end-second-body"),
        over="unix",
    )
    isolated = ["iut.wire.connections", p.rule("state.isolated")]
    s.interleave(
        "two-connections",
        isolated,
        "What one connection is in the middle of is nothing to another.",
        ("two#chunk=1", "mixed#chunk=1"),
        ("hello#chunk=3", "two#chunk=5"),
        ("limit-over-second#chunk=1", "limit-exact#chunk=1"),
        ("end-second-body#chunk=1", "two#chunk=1"),
    )
    s.interleave(
        "eight-connections",
        isolated,
        "Peers that come at once are read each for itself.",
        tuple(f"{v}#chunk=1" for v in ("hello", "two", "mixed", "empties", "one-byte", "end-zeros", "end-second-prefix"))
        + ("empty-between#chunk=1",),
    )
    _written(p, s)
    return s.list


def _written(p: Prefix, s: _Scenarios) -> None:
    lead = bytes([0]) if p.lead else b""
    prefix = lambda length: (lead + length.to_bytes(p.width, "big")).hex()  # noqa: E731
    value = lambda payload: {**({p.lead: 0} if p.lead else {}), "payload": payload}  # noqa: E731
    hello, there = prefix(5) + "68656c6c6f", prefix(5) + "7468657265"
    message = {"event": "message", "value": value("68656c6c6f")}
    large = {"parts": [prefix(LARGE), {"fill": {"byte": 171, "count": LARGE}}]}
    roomy = {"max_frame_length": str(LARGE)}

    s.steps(
        "answer-after-end",
        ["iut.wire.half-close", p.rule("eof.boundary")],
        "A peer that has said everything still listens: what is sent to it then must arrive.",
        {"write": hello},
        {"end": True},
        {"sync": "end", "events": [message, {"event": "end"}]},
        {"send": value("7468657265")},
        {"receive": there},
        {"close": "end"},
        {"sees": "end"},
    )
    s.steps(
        "end-of-ours",
        ["iut.wire.close", p.rule("eof.boundary")],
        "An implementation that has ended its own direction still reads.",
        {"send": value("7468657265")},
        {"close": "end"},
        {"receive": there},
        {"sees": "end"},
        {"write": hello},
        {"sync": "read", "events": [message]},
        {"end": True},
        {"sync": "end", "events": [{"event": "end"}]},
    )
    cut = p.size + 2
    for slug, bytes_ in (("reset-in-prefix", hello[:4]), ("reset-in-body", hello[: 2 * cut]), ("reset-on-boundary", "")):
        at = (p.size + 5) + len(bytes_) // 2
        s.steps(
            slug,
            ["iut.wire.reset"],
            "A reset is no end of the stream: it is told as what it is, behind the messages that came before.",
            {"write": hello + bytes_},
            {"sync": "read", "events": [message]},
            {"reset": True},
            {"sync": "end", "events": [{"event": "reset", "at": str(at)}]},
        )
    s.steps(
        "reset-by-us",
        ["iut.wire.close"],
        "A reset that is asked for reaches the peer as one.",
        {"write": hello},
        {"sync": "read", "events": [message]},
        {"close": "reset"},
        {"sees": "reset"},
    )
    s.steps(
        "reset-of-another",
        ["iut.wire.connections", p.rule("state.isolated")],
        "A connection that is lost takes nothing with it.",
        {"write": hello[:6]},
        {"conn": "b", "write": hello[:6]},
        {"sync": "read", "events": []},
        {"conn": "b", "sync": "read", "events": []},
        {"conn": "b", "reset": True},
        {"conn": "b", "sync": "end", "events": [{"event": "reset", "at": "3"}]},
        {"write": hello[6:]},
        {"sync": "read", "events": [message]},
    )
    over = prefix(1025)
    s.steps(
        "refusal-of-another",
        ["iut.wire.refusal", p.rule("state.isolated")],
        "A refusal ends its own connection, and no other.",
        {"write": over},
        {"conn": "b", "write": hello[:6]},
        {"sync": "read", "events": [_error("oversize.declared", p.size)]},
        {"sees": "close"},
        {"conn": "b", "write": hello[6:]},
        {"conn": "b", "sync": "read", "events": [message]},
    )
    s.steps(
        "refused-send",
        ["iut.wire.send", p.rule("encode.refusal")],
        "A message that cannot be sent leaves no byte on the connection, and the next one goes out whole.",
        {
            "send": value({"fill": {"byte": 0, "count": 1025}}),
            "events": [{"event": "error", "class": "oversize.declared", "at": "0", "fatal": False}],
        },
        {"send": value("7468657265"), "count": 2},
        {"receive": there, "count": 2},
    )
    s.steps(
        "peer-stops-reading",
        ["iut.wire.send-bounded"],
        "A peer that does not read stops the sender, whose memory stays bounded; then every byte arrives, once and in order.",
        {"stall": True},
        {"send": value({"fill": {"byte": 171, "count": LARGE}}), "count": COUNT, "blocks": True},
        {"receive": large, "count": COUNT},
        {"close": "end"},
        {"sees": "end"},
        limits=roomy,
    )
    s.steps(
        "peer-reads-slowly",
        ["iut.wire.send-bounded"],
        "A peer that reads little at a time gets everything all the same.",
        {"stall": True},
        {"send": value({"fill": {"byte": 171, "count": LARGE}}), "count": 8},
        {"receive": large, "count": 8, "bite": 4099},
        limits=roomy,
    )
    big = {"event": "message", "value": value(_digest(171, LARGE))}
    s.steps(
        "we-stop-reading",
        ["iut.wire.read-bounded"],
        "While the program above takes no messages the peer is held back; then every message comes, once and in order.",
        {"pause": True},
        {"flood": large, "count": COUNT},
        {"resume": True},
        {"finish": True},
        {"sync": "read", "events": [big], "repeat": COUNT},
        limits=roomy,
    )


def _digest(byte: int, count: int) -> dict:
    return {"length": count, "sha256": hashlib.sha256(bytes([byte]) * count).hexdigest()}


def _multipart() -> list[dict]:
    s = _Scenarios("multipart")
    s.replay(
        "split",
        ["iut.wire.sync", "multipart.judged.frame-end"],
        "Records are judged when their frame is whole, wherever the network cuts it.",
        *("body-and-part#cut=*", "two-messages#chunk=1"),
    )
    s.replay(
        "refused",
        ["iut.wire.refusal", "multipart.error.atomic"],
        "A frame with a wrong record gives no message, and ends the connection.",
        *("no-body", "part-cut", "second-message", "left-over-1#after*"),
    )
    s.replay(
        "half-close",
        ["iut.wire.half-close", "len64.eof.mid-body"],
        "The end of a direction inside a frame is the frame's end, not the record's.",
        *("two-messages#eof=*",),
    )
    return s.list


def _tp() -> list[dict]:
    s = _Scenarios("tp")
    s.replay(
        "split",
        ["iut.wire.sync", "tp.boundary.chunking"],
        "Header, manifest and tensors may come in any pieces.",
        *("noop#cut=*", "infer#cut=*", "infer-tensor#chunk=1", "mixed#chunk=1"),
    )
    s.replay(
        "half-close",
        ["iut.wire.half-close", "tp.header.cut", "tp.infer.cut-before-prefix"],
        "The end of a direction is named by what is missing: a header, a prefix, a body.",
        *("infer#eof=*", "noop#eof=*"),
    )
    s.replay(
        "refused",
        ["iut.wire.refusal", "tp.error.sticky"],
        "An unknown action ends the connection: nobody can know where the next header begins.",
        *("action-3", "action-second", "action-3#after*", "infer-over"),
    )
    s.interleave(
        "two-connections",
        ["iut.wire.connections", "tp.state.isolated"],
        "Two groups on two connections do not meet.",
        ("infer-tensor#chunk=1", "mixed#chunk=1"),
        ("noop#chunk=1", "infer#chunk=1"),
    )
    return s.list


def _pp_envelope() -> list[dict]:
    s = _Scenarios("pp-envelope")
    s.replay(
        "split",
        ["iut.wire.sync", "pp.boundary.chunking"],
        "Header, envelope and tensors may come in any pieces.",
        *("noop#cut=*", "infer#cut=*", "infer-two#chunk=1"),
    )
    s.replay(
        "half-close",
        ["iut.wire.half-close", "pp.infer.cut", "pp.eof.boundary"],
        "The end of a direction is named by what is missing: a header, a prefix, a body.",
        "infer#eof=*",
    )
    s.replay(
        "refused",
        ["iut.wire.refusal", "pp.error.sticky", "pp.error.atomic"],
        "A request that is refused ends the connection, and nothing of it is told.",
        *("action-3", "action-second", "infer-record-cut", "infer-over", "infer-empty-frame#after*"),
    )
    s.interleave(
        "two-connections",
        ["iut.wire.connections", "pp.state.isolated"],
        "Two stages on two connections do not meet.",
        ("infer#chunk=1", "mixed#chunk=1"),
    )
    return s.list


def _pp_result() -> list[dict]:
    s = _Scenarios("pp-result")
    s.replay(
        "split",
        ["iut.wire.sync", "pp.boundary.chunking"],
        "A result may come in any pieces.",
        *("ok#cut=*", "two#chunk=1"),
    )
    s.replay(
        "half-close",
        ["iut.wire.half-close", "pp.eof.boundary"],
        "A stage that ends between two results has ended cleanly, and elsewhere not.",
        "two#eof=*",
    )
    s.replay(
        "refused",
        ["iut.wire.refusal", "pp.error.sticky"],
        "A result that is refused ends the connection, behind those before it.",
        *("second-refused", "over", "record-cut", "empty-frame#after*"),
    )
    return s.list


def _session(profile: str) -> list[dict]:
    s = _Scenarios(profile)
    s.replay(
        "order",
        ["iut.wire.sync", f"{profile}.call-id.increasing", f"{profile}.call-id.duplicate", f"{profile}.shutdown.last"],
        "Ids and epochs are judged as the bytes come, whatever pieces they come in.",
        *("plain", "plain#chunk=1", "duplicate-infer", "duplicate-noop#cut=*", "call-id-lower", "shutdown-twice"),
    )
    s.replay(
        "half-close",
        ["iut.wire.half-close", f"{profile}.eof"],
        "The end of a direction ends a session where it falls.",
        "duplicate-noop#eof=*",
    )
    s.interleave(
        "two-connections",
        ["iut.wire.connections", f"{profile}.call-id.increasing"],
        "Each connection has a session of its own: the ids of one are nothing to another.",
        ("plain#chunk=1", "duplicate-noop#chunk=1"),
    )
    return s.list
