"""Headers: five int64, and the actions, of every profile that has them."""

from families.kinds import TP, Kind
from families.tp import LIMIT, REFUSED, SLOTS, SMALL, Header
from layout import Family

# 32 bytes of which no two are alike: all positive, then all negative. Each is far beyond 2^53.
POSITIVE = Header(0x4142434445464748, 0x5152535455565758, 0x6162636465666768, 0x7172737475767778, "SHUTDOWN")
NEGATIVE = Header(*(n - (1 << 64) for n in (0x8182838485868788, 0x9192939495969798, 0xA1A2A3A4A5A6A7A8,
                                            0xB1B2B3B4B5B6B7B8)), "SHUTDOWN")


def headers(kind: Kind = TP) -> Family:
    f = Family(kind.profile, "headers", "Messages that are a header alone.")
    layout, order, exact = "header.layout", "header.byte-order", "header.int64-exact"
    unjudged, actions, alone = "header.unjudged", "action.values", "action.header-only"

    def accept(slug: str, why: str, rules: list[str], *items: Header, proof: bool = False, sweeps=None) -> None:
        stream = f.stream()
        for item in items:
            kind.header(stream, item)
        f.decode(slug, why, kind.rules(*rules), stream, limits=LIMIT, proof=proof,
                 sweeps=SMALL if sweeps is None else sweeps)

    accept("noop", "NOOP is the header alone.", [layout, actions, alone], Header(), sweeps=SMALL | {"repeat": [2, 300]})
    accept("shutdown", "SHUTDOWN is the header alone.", [actions, alone], Header(action="SHUTDOWN"))
    accept("distinct-positive", "Every byte of the four counters is another: a swapped field or byte shows.",
           [layout, order, exact], POSITIVE, proof=True)
    accept("distinct-negative", "Four negative counters, every byte another, beyond what a double holds.",
           [layout, order, exact], NEGATIVE, proof=True)
    few = {"chunks": [1, 7, 8, 40], "glue": True}
    for name, number in (
        ("zero", 0), ("minus-one", -1), ("min", -(1 << 63)), ("max", (1 << 63) - 1), ("2-31", 1 << 31),
        ("2-32", 1 << 32), ("2-53", 1 << 53), ("2-53-plus-one", (1 << 53) + 1), ("minus-2-53-less-one", -(1 << 53) - 1),
    ):
        headers_ = [Header(**({"call_id": 1, "chunk_index": 2, "control_epoch": 3, "cache_epoch": 4} | {slot: number}))
                    for slot in SLOTS]
        accept(f"each-{name}", f"{number} in each slot in turn is delivered as it is.", [exact, unjudged], *headers_,
               sweeps=few)
    accept("all-zero", "Forty zero bytes are a NOOP, and no end.", [layout, unjudged], Header(0, 0, 0, 0), sweeps=SMALL)
    accept("backwards", "A decoder of the layout does not judge the order of ids and epochs.", [unjudged],
           Header(9, 9, 9, 9), Header(8, 8, 8, 8), Header(9, 1, 9, 20))
    accept("after-shutdown", "What follows SHUTDOWN is another message.", ["shutdown.not-last"],
           Header(action="SHUTDOWN"), Header(8, 3, 8, 1), Header(9, 3, 9, 1, "SHUTDOWN"))
    accept("after-shutdown-again", "A second SHUTDOWN is another message too, with the ids of the first.",
           ["shutdown.not-last"], Header(action="SHUTDOWN"), Header(action="SHUTDOWN"))

    mixed = kind.header(kind.whole(kind.header(f.stream(), Header(6, 2, 6, 1))), Header(8, 3, 8, 1, "SHUTDOWN"))
    f.decode("mixed", "Header, header with payload, header: each ends where the next begins.",
             kind.rules("boundary.glued", "infer.payload"), mixed, limits=LIMIT, sweeps=SMALL)

    f.decode("end-at-start", "A connection that ends before its first byte ended cleanly.", kind.rules("eof.boundary"),
             f.stream(), limits=LIMIT, sweeps={"empty": True, "reset": True})
    f.decode("end-after-noop", "An end without SHUTDOWN is clean for the layout.", kind.rules("eof.boundary"),
             kind.header(f.stream(), Header()), limits=LIMIT, sweeps={"reset": True})
    one = f.stream().put("call_id", b"\x07", note="cut")
    f.decode("header-one-byte", "One byte of a header and the end.", kind.rules("header.cut"), one, limits=LIMIT,
             at_eof="eof.in-header", sibling="noop", sweeps={"empty": True, "reset": True, "glue": True})
    short = Header().put(f.stream())
    short.segments[-1]["hex"] = short.segments[-1]["hex"][:-2]
    short.size -= 1
    f.decode("header-39", "A header that lacks its last byte.", kind.rules("header.cut"), short, limits=LIMIT,
             at_eof="eof.in-header", sibling="noop",
             sweeps={"cuts": True, "chunks": [1], "empty": True, "reset": True, "glue": True})
    return f


def actions(kind: Kind = TP) -> Family:
    f = Family(kind.profile, "actions", "Actions without a meaning are refused by the header alone.")
    unknown, wide = "action.unknown", "action.full-width"
    for slug, number, rule, why in (
        ("action-3", 3, unknown, "3 is no action of version 1."),
        ("action-255", 255, unknown, "255 is no action."),
        ("action-minus-one", -1, unknown, "-1 is no action."),
        ("action-2-32", 1 << 32, wide, "2^32 is not NOOP: the high half counts."),
        ("action-2-32-infer", (1 << 32) + 1, wide, "2^32 + 1 is not INFER."),
        ("action-2-8-infer", (1 << 8) + 1, wide, "257 is not INFER."),
        ("action-sign-infer", 1 - (1 << 63), wide, "A set sign bit is part of the action."),
        ("action-sign-noop", -(1 << 63), wide, "The lowest int64 is not NOOP, nor -0."),
        ("action-big-endian", 1 << 56, wide, "INFER in the wrong byte order is no action."),
        ("action-max", (1 << 63) - 1, wide, "The largest int64 is no action."),
    ):
        stream = Header().put(f.stream(), number).error("header.field")
        f.decode(slug, why, kind.rules(rule), stream, limits=LIMIT, sibling="noop",
                 sweeps=REFUSED if rule == unknown else {"chunks": [1], "after": True, "glue": True})
    tail = Header(8, 3, 8, 1).put(Header().put(f.stream(), 3).error("header.field"))
    f.decode("action-then-header", "A good header after a refused one is not read.", kind.rules("error.sticky"), tail,
             limits=LIMIT, sibling="noop", sweeps={"chunks": [1], "after": True, "reset": True})
    second = Header(8, 3, 8, 1).put(kind.header(f.stream(), Header()), 3).error("header.field")
    f.decode("action-second", "The message before a refused header is delivered.", kind.rules("error.delivered-before"),
             second, limits=LIMIT, sibling="noop", sweeps=REFUSED)
    return f
