"""
Peers of multipart, TP and PP messages, and of sessions: what they are asked to send, and what becomes of them when nobody reads. Ends and
resets, who dials, and Unix sockets are in the pairs.
"""

from families import multipart_encodes, pp_encodes, tp_encodes
from families.wire.scenario import Scenarios
from families.wire.steps import LARGE, Large, end_of_ours, held_receiver, held_sender, refused_send
from families.wire.streams import LAYOUTS, Layout, Said, said
from layout import Family

# Vectors of role encode that refuse, of different parts of a message.
REFUSED = {
    "multipart": ("encode-typed-part", "encode-over-32-bit"),
    "multipart-typed": ("encode-hash-wide", "encode-over-32-bit"),
    "tp": ("encode-call-id-over", "encode-kwargs-2-53", "encode-fault-last"),
    "pp-envelope": ("encode-call-id-over", "encode-both-steps", "encode-part-short"),
    "pp-result": ("encode-call-id-over", "encode-ok-message", "encode-part-long"),
}
OVERSIZE = {"tp": "tp.encode.oversize", "pp-envelope": "pp.encode.oversize", "pp-result": "pp.encode.oversize"}


def _encodes(profile: str) -> Family:
    build = {"tp": tp_encodes.encodes, "pp-envelope": pp_encodes.requests, "pp-result": pp_encodes.results}.get(profile)
    return build() if build else multipart_encodes.encodes(profile)


def peers(s: Scenarios) -> None:
    layout = _layout(s.profile)
    hello, there = said(layout, 5, 0x68), said(layout, 5, 0x74, 1)
    write = {"write": hello.bytes}
    end_of_ours(s, layout.profile["derived"]["end"][0], (there.value, there.bytes), write, hello.event)
    vectors = {vector["id"]: vector for vector in _encodes(s.profile).vectors}
    chosen = [vectors[f"{s.profile}/{slug}"] for slug in REFUSED[s.profile]]
    refused = [(vector["value"], vector["refusal"]) for vector in chosen]
    rules = [rule for vector in chosen for rule in vector["rules"]]
    if s.profile in OVERSIZE:
        rules.append(OVERSIZE[s.profile])
        # The tensor is within the limit, and its message is not.
        refused.append((said(layout, 510, 0x6F).value, "oversize.declared"))
    refused_send(s, list(dict.fromkeys(rules)), (there.value, there.bytes), *refused)
    large = _large(layout)
    held_sender(s, _as_large(large), write, hello.event)
    held_receiver(s, _as_large(large))


def receivers(s: Scenarios) -> None:
    """A session: what repeats its last message is dropped."""
    layout = _layout(s.profile)
    first, second = _large(layout), said(layout, 5, 0x74, 1)
    held_receiver(s, _as_large(first), [f"{s.profile}.call-id.duplicate", f"{s.profile}.call-id.increasing"], repeats=1)
    s.list[-1]["steps"] += [
        {"conn": "a", "write": second.bytes},
        {"conn": "a", "sync": "read", "events": [second.event]},
    ]


def _layout(profile: str) -> Layout:
    return next(layout for layout in LAYOUTS if layout.name == profile)


def _large(layout: Layout) -> Said:
    return said(layout, LARGE // layout.width, 171)


def _as_large(message: Said) -> Large:
    return Large(message.value, message.bytes, message.event, {"max_frame_length": str(message.length)})
