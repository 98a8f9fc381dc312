"""Frames behind a prefix: cases of the corpus on connections, one after the other and side by side."""

from families.prefix import GRPC, Prefix
from families.wire.scenario import Scenarios
from families.wire.steps import steps


def prefixed(p: Prefix) -> list[dict]:
    s = Scenarios(p.profile)
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
    isolated = ["iut.wire.connections", "iut.wire.accept", p.rule("state.isolated")]
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
    # Lengths of which more than the last byte differs: that one is read as soon as it is there, and hides what lies before it.
    narrow = f"fill-66051#prefix@0={'+'.join('1' * p.size)}"
    s.interleave(
        "distinct-prefixes",
        isolated,
        "A prefix is read from the bytes of its own connection, whatever prefix another is in the middle of.",
        (narrow, f"roomy-258#prefix@0={'+'.join('1' * p.size)}"),
        ("roomy-258#chunk=1", narrow),
        ("roomy-258#chunk=3", narrow, "roomy-258#chunk=1"),
        (f"fill-66051#prefix@0={p.size - 1}+1", "roomy-258#chunk=1", "roomy-258#chunk=3"),
    )
    steps(p, s)
    return s.list
