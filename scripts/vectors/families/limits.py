"""The limit, its neighbours, and lengths that only look small."""

from families.prefix import LIMIT, Prefix
from layout import Family, Fill

REFUSED = {"cuts": True, "chunks": [1], "empty": True, "reset": True, "after": True, "glue": True}


def limits(p: Prefix) -> Family:
    f = Family(p.profile, "limits", "Lengths around the limit and around the width of integers.")
    rule, size = p.rule, p.size
    oversize, exact, early = rule("limit.oversize"), rule("limit.exact"), rule("limit.before-body")
    sixteen = {"max_frame_length": 16}
    letters = b"abcdefghijklmnop"

    f.decode("limit-exact", "A length equal to the limit is accepted.", [exact], p.frames(f, letters), limits=sixteen,
             sweeps={"cuts": True, "chunks": True, "eof": True, "ladder": True, "glue": True},
             defects=["tokio-rs/tokio#4815", "hyperium/h2#624"])
    f.decode("limit-less-one", "A length one below the limit is accepted.", [exact], p.frames(f, letters[:-1]),
             limits=sixteen, sweeps={"chunks": [1], "glue": True})
    over = p.prefix(f.stream(), 17).error("oversize.declared").put("payload", letters + b"q")
    f.decode("limit-over", "A length one above the limit is refused, its body being there or not.", [oversize], over,
             limits=sixteen, sibling="limit-exact", sweeps=REFUSED, defects=["google/capsem#128"])
    alone = p.prefix(f.stream(), 17).error("oversize.declared")
    f.decode("limit-over-prefix-only", "The refusal needs the prefix and no byte of the body.", [early], alone,
             limits=sixteen, sibling="limit-exact", sweeps=REFUSED | {"prefix": p.sweep(0)})
    second = p.prefix(p.frames(f, b"fine"), 17).error("oversize.declared").put("payload", letters)
    f.decode("limit-over-second", "A message before the refused length is delivered, also out of the same read.",
             [rule("error.delivered-before")], second, limits=sixteen, sibling="limit-exact",
             sweeps=REFUSED | {"prefix": p.sweep(size + 4)})
    body = p.prefix(f.stream(), 17).error("oversize.declared")
    p.prefix(body, 4).put("payload", b"good")
    f.decode("limit-over-then-frame", "A good frame after a refused length is not decoded.", [rule("error.sticky")],
             body, limits=sixteen, sibling="limit-exact", sweeps=REFUSED, defects=["kaeawc/auto-mobile#4225"])

    zero = {"max_frame_length": 0}
    f.decode("limit-zero", "Under a limit of 0 empty frames are accepted.", [exact, rule("length.zero")],
             p.frames(f, b"", b""), limits=zero, sweeps={"cuts": True, "chunks": True, "glue": True})
    f.decode("limit-zero-over", "A limit of 0 is a limit, and not the lack of one.", [oversize],
             p.prefix(f.stream(), 1).error("oversize.declared").put("payload", b"x"), limits=zero,
             sibling="limit-zero", sweeps=REFUSED)
    f.decode("limit-own", "With no limit given the implementation's own holds, and a small frame is below it.",
             [exact], p.frames(f, b"hello"), sweeps={"cuts": True, "glue": True})

    for slug, length, why in wide(p):
        stream = p.prefix(f.stream(), length).error("oversize.declared").put("payload", b"hello")
        f.decode(slug, why, [p.unsigned], stream, limits=LIMIT, sibling="hello",
                 sweeps=REFUSED, defects=["DitchOoM/buffer#309"])

    # 1 GiB promised, 16 bytes sent: what a decoder reserves here, it reserves on a peer's word.
    gib = {"max_frame_length": 1 << 30}
    f.decode("promised-kept", "A limit of 1 GiB asks for no more than what is promised.", [exact], p.frames(f, letters),
             limits=gib, sweeps={"chunks": [1]})
    promised = p.prefix(f.stream(), 1 << 30).put("payload", letters, note="cut")
    f.decode("promised-gib", "A promise of 1 GiB within the limit waits for bytes, and its end is an end in the body.",
             [rule("limit.allocation"), rule("eof.mid-body")], promised, limits=gib,
             at_eof="eof.in-body", sibling="promised-kept", sweeps={"cuts": True, "chunks": [1], "reset": True},
             defects=["stratum-mining/stratum#2327"])
    top = p.largest if p.width < 7 else (1 << 53) - 1
    most = p.prefix(f.stream(), top)
    f.decode("largest-limit", "The largest length under the largest limit is waited for.", [exact, p.unsigned], most,
             limits={"max_frame_length": top}, at_eof="eof.in-body", sweeps={"cuts": True})
    # Equal to the limit, so that every other order of the bytes is above it.
    mixed = 0x01020304 if p.width == 4 else 0x0001020304050607
    f.decode("distinct-bytes", "Every byte of the length counts, in its place.", [rule("prefix.layout"), p.unsigned],
             p.prefix(f.stream(), mixed), limits={"max_frame_length": mixed}, at_eof="eof.in-body",
             sweeps={"cuts": True}, proof=True)
    if p.lead == "flag":
        # What gRPC's libraries take unless they are told otherwise.
        four = {"max_frame_length": 4 << 20}
        f.decode("four-mib", "A message of 4 MiB under a limit of 4 MiB is accepted.", [exact],
                 p.frames(f, Fill(0x4D, 4 << 20)), limits=four, sweeps={"chunks": [1 << 20]})
        over = p.prefix(f.stream(), (4 << 20) + 1).error("oversize.declared").put("payload", letters)
        f.decode("four-mib-over", "A message of one byte above 4 MiB is refused by its prefix under that limit.",
                 [oversize, early], over, limits=four, sibling="four-mib", sweeps={"cuts": True, "chunks": [1]})
    if p.width >= 7:
        above = p.prefix(f.stream(), 1 << 53).error("oversize.declared")
        f.decode("above-largest-limit", "2^53 is one above a limit of 2^53 - 1, though a double can hold it.",
                 [oversize, p.unsigned], above, limits={"max_frame_length": top}, sibling="largest-limit",
                 sweeps={"chunks": [1], "after": True})
        # What Monarch's frames allow unless they are told otherwise; no vector can bring so many bytes.
        ten, most = {"max_frame_length": 10 << 30}, p.prefix(f.stream(), 10 << 30)
        f.decode("ten-gib", "A length of 10 GiB under a limit of 10 GiB is waited for.", [exact, p.unsigned], most,
                 limits=ten, at_eof="eof.in-body", sweeps={"cuts": True})
        over = p.prefix(f.stream(), (10 << 30) + 1).error("oversize.declared")
        f.decode("ten-gib-over", "A length of one byte above 10 GiB is refused under that limit.", [oversize, p.unsigned],
                 over, limits=ten, sibling="ten-gib", sweeps={"cuts": True, "chunks": [1], "after": True})
        held = {"max_frame_length": 1 << 53}
        f.decode("rounded-limit", "A length of 2^53 under a limit of 2^53 is waited for.", [exact, p.unsigned],
                 p.prefix(f.stream(), 1 << 53), limits=held, at_eof="eof.in-body",
                 sweeps={"cuts": True})
        rounded = p.prefix(f.stream(), (1 << 53) + 1).error("oversize.declared")
        f.decode("rounded-length", "2^53 + 1 is above a limit of 2^53; as a double it would be equal to it.",
                 [p.unsigned], rounded, limits=held, sibling="rounded-limit",
                 sweeps={"chunks": [1], "after": True})
    return f


def wide(p: Prefix) -> list[tuple[str, int, str]]:
    """Lengths far above 1,024 whose low or high part, sign or rounding looks like 5; five bytes follow them."""
    rows = [
        ("length-sign-32", (1 << 31) + 5, "A set bit 31 is part of the length, not a sign."),
        ("length-2-31", 1 << 31, "2^31 is a length: neither negative nor 0."),
        ("length-all-32", (1 << 32) - 1, "2^32 - 1 is a length, not -1."),
        ("length-2-16", (1 << 16) + 5, "A length is not cut to 16 bits."),
        ("length-2-24", (1 << 24) + 5, "A length is not cut to 24 bits."),
    ]
    if p.width >= 7:
        rows += [
            ("length-2-32", (1 << 32) + 5, "A length is not cut to its low 32 bits."),
            ("length-high-half", 5 << 32, "A length is not read from its high half alone."),
            ("length-2-48", (1 << 48) + 5, "A length is not cut to 48 bits."),
            ("length-2-53", (1 << 53) + 5, "A length above 2^53 is compared exactly."),
            ("length-all", p.largest, "The largest number that the length can hold is not -1."),
        ]
    if p.width == 8:
        rows += [
            ("length-first-byte", (1 << 56) + 5, "The first byte is the length's highest, not a tag beside it."),
            ("length-sign-64", (1 << 63) + 5, "A set bit 63 is part of the length, not a sign or a mark."),
            ("length-2-63", 1 << 63, "2^63 is a length: neither negative nor 0."),
            ("length-all-63", (1 << 63) - 1, "2^63 - 1 is a length."),
        ]
    if p.width == 7:
        rows += [("length-sign-56", (1 << 55) + 5, "A set bit 55 is part of the length, not a sign.")]
    return rows
