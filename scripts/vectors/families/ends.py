"""Where a stream may end, and how an end elsewhere is named."""

from families.prefix import LIMIT, Prefix
from layout import Family

CUT = {"cuts": True, "chunks": [1], "empty": True, "reset": True, "glue": True}


def ends(p: Prefix) -> Family:
    f = Family(p.profile, "ends", "The end of the stream: on a border, in a prefix, in a body.")
    rule = p.rule
    prefix, body, border = rule("eof.mid-prefix"), rule("eof.mid-body"), rule("eof.boundary")

    f.decode("end-at-start", "A connection that ends before its first byte ended cleanly.", [border], f.stream(),
             limits=LIMIT, sweeps={"empty": True, "reset": True})
    f.decode("end-after-frame", "An end after a whole frame is clean.", [border], p.frames(f, b"goodbye"), limits=LIMIT,
             sweeps={"cuts": True, "reset": True})
    f.decode("end-after-empty", "An end after an empty frame is clean.", [border], p.frames(f, b"x", b""), limits=LIMIT,
             sweeps={"cuts": True, "reset": True})

    one = f.stream().put(p.lead or "length", b"\0")
    f.decode("end-one-byte", "One byte of a prefix and the end.", [prefix], one, limits=LIMIT, at_eof="eof.in-prefix",
             sibling="hello", sweeps={"empty": True, "reset": True, "glue": True})
    zeros = f.stream()
    if p.lead:
        zeros.put(p.lead, b"\0")
    zeros.put("length", b"\0" * (p.width - 1), note="cut")
    f.decode("end-zeros", "All bytes of a prefix but the last, all 0: not an empty frame.", [prefix], zeros,
             limits=LIMIT, at_eof="eof.in-prefix", sibling="empty", sweeps=CUT)
    second = p.frames(f, b"hello")
    if p.lead:
        second.put(p.lead, b"\0")
    second.put("length", (7).to_bytes(p.width, "big")[:2], note="cut")
    f.decode("end-second-prefix", "A whole frame and a cut prefix: the message is delivered, then the end is named.",
             [prefix], second, limits=LIMIT, at_eof="eof.in-prefix", sibling="two", sweeps=CUT)

    none = p.prefix(f.stream(), 5)
    f.decode("end-no-body", "A prefix that promises 5 bytes, and none.", [body], none, limits=LIMIT,
             at_eof="eof.in-body", sibling="hello", sweeps=CUT)
    short = p.prefix(f.stream(), 5).put("payload", b"hell", note="cut")
    f.decode("end-one-missing", "A body that lacks its last byte.", [body], short, limits=LIMIT, at_eof="eof.in-body",
             sibling="hello", sweeps=CUT)
    late = p.prefix(p.frames(f, b"hello"), 6).put("payload", b"w", note="cut")
    f.decode("end-second-body", "A whole frame and a cut body: the message is delivered, then the end is named.",
             [body], late, limits=LIMIT, at_eof="eof.in-body", sibling="two", sweeps=CUT)
    after_empty = p.prefix(p.frames(f, b""), 1)
    f.decode("end-body-after-empty", "An empty frame before it does not make a missing body a clean end.", [body],
             after_empty, limits=LIMIT, at_eof="eof.in-body", sibling="empty-between", sweeps=CUT)
    return f
