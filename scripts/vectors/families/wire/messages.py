"""Multipart, TP and PP messages, and their sessions: cases of the corpus on connections."""

from families.wire.peers import peers, receivers
from families.wire.scenario import Scenarios


# Headers and prefixes of which more than the last byte differs, cut at the same places and at others.
DISTINCT = (
    ("distinct-positive#chunk=1", "distinct-negative#chunk=1"),
    ("backwards#chunk=3", "distinct-positive#chunk=1", "distinct-negative#chunk=7"),
    ("infer-wide#chunk=1", "infer-two#chunk=1"),
    ("infer-wide#chunk=3", "infer-distinct#chunk=1", "infer-wide#chunk=1"),
)


def multipart(profile: str) -> list[dict]:
    s = Scenarios(profile)
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
    s.interleave(
        "two-connections",
        ["iut.wire.connections", "iut.wire.accept", "len64.state.isolated"],
        "Frames on several connections do not meet: neither their prefixes nor their records.",
        ("length-258#chunk=1", "two-messages#chunk=1"),
        ("length-258#chunk=7", "five-parts#chunk=3", "length-258#chunk=1"),
    )
    peers(s)
    return s.list


def tp() -> list[dict]:
    s = Scenarios("tp")
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
        ["iut.wire.connections", "iut.wire.accept", "tp.state.isolated"],
        "Two groups on two connections do not meet.",
        ("infer-tensor#chunk=1", "mixed#chunk=1"),
        ("noop#chunk=1", "infer#chunk=1"),
        *DISTINCT,
    )
    peers(s)
    return s.list


def pp_envelope() -> list[dict]:
    s = Scenarios("pp-envelope")
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
        ["iut.wire.connections", "iut.wire.accept", "pp.state.isolated"],
        "Two stages on two connections do not meet.",
        ("infer#chunk=1", "mixed#chunk=1"),
        *DISTINCT,
    )
    peers(s)
    return s.list


def pp_result() -> list[dict]:
    s = Scenarios("pp-result")
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
    s.interleave(
        "two-connections",
        ["iut.wire.connections", "iut.wire.accept", "pp.state.isolated"],
        "Results of two stages on two connections do not meet.",
        ("wide#chunk=1", "two#chunk=1"),
        ("wide#chunk=3", "error#chunk=1", "wide#chunk=1"),
    )
    peers(s)
    return s.list


def session(profile: str) -> list[dict]:
    s = Scenarios(profile)
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
        ["iut.wire.connections", "iut.wire.accept", f"{profile}.call-id.increasing"],
        "Each connection has a session of its own: the ids of one are nothing to another.",
        ("plain#chunk=1", "duplicate-noop#chunk=1"),
        ("distinct#chunk=1", "largest#chunk=1"),
        ("plain#chunk=3", "distinct#chunk=1", "duplicate-infer#chunk=7"),
    )
    receivers(s)
    return s.list
