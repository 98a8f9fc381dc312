"""What the byte before the length adds: the tag of len56-tagged, the flag of grpc-lpm."""

from families.prefix import GRPC, LEN56, LIMIT, Prefix
from layout import Data, Family, Stream

SMALL = {"cuts": True, "chunks": True, "eof": True, "empty": True, "reset": True, "glue": True}
REFUSED = {"cuts": True, "chunks": [1], "empty": True, "reset": True, "after": True, "glue": True}


def tagged(p: Prefix, family: Family, *frames: tuple[int, Data]) -> Stream:
    stream = family.stream()
    for lead, payload in frames:
        p.frame(stream, payload, lead)
    return stream


def tags() -> Family:
    p = LEN56
    f = Family(p.profile, "tags", "Every tag is handed out, and none is a part of the length.")
    anything, apart = p.rule("tag.any"), p.rule("tag.not-length")
    for tag, why in (
        (1, "Tag 1, the answering side of a duplex link, is handed out with its message."),
        (2, "A tag that no link uses is handed out all the same."),
        (127, "The largest tag that is a positive signed byte."),
        (128, "A tag with its high bit set is neither negative nor a mark."),
        (255, "The largest tag is no sentinel."),
    ):
        f.decode(f"tag-{tag}", why, [anything, apart], tagged(p, f, (tag, b"hello")), limits=LIMIT,
                 sweeps=SMALL | {"prefix": p.sweep(0)} if tag == 255 else SMALL)
    f.decode("tag-empty", "A tagged frame of length 0 is a message with its tag.", [anything, p.rule("length.zero")],
             tagged(p, f, (7, b""), (0, b"")), limits=LIMIT, sweeps=SMALL)
    f.decode("tags-mixed", "Each message has the tag of its own frame.", [anything],
             tagged(p, f, (1, b"one"), (0, b"zero"), (200, b""), (1, b"one again")), limits=LIMIT,
             sweeps=SMALL | {"pairs": 20})
    f.decode("tags-all", "All 256 tags in one row.", [anything], tagged(p, f, *((tag, b"") for tag in range(256))),
             limits=LIMIT, sweeps={"chunks": [1, 7, 8, 9, 100]})
    f.decode("tag-like-length", "Equal bytes of tag and length are told apart by their place.",
             [p.rule("prefix.layout"), apart], tagged(p, f, (5, b"hello")), limits=LIMIT, sweeps=SMALL)
    over = p.prefix(f.stream(), 1025, 3).error("oversize.declared")
    f.decode("tag-over", "A tag changes nothing about the limit.", [p.rule("limit.oversize")], over, limits=LIMIT,
             sibling="tag-1", sweeps=REFUSED)
    cut = f.stream().put("tag", b"\x09")
    f.decode("tag-cut", "A tag alone is a cut prefix.", [p.rule("eof.mid-prefix")], cut, limits=LIMIT,
             at_eof="eof.in-prefix", sibling="tag-1", sweeps={"empty": True, "reset": True, "glue": True})
    return f


def encode_tags() -> Family:
    p = LEN56
    f = Family(p.profile, "encode-tags", "Tags that an encoder writes, and those that it refuses.")
    for tag in (1, 127, 128, 255):
        stream = p.frame(f.stream(), b"hello", tag)
        f.encode(f"encode-tag-{tag}", f"Tag {tag} is the first byte of the frame.", [p.rule("encode.layout")],
                 p.value(f, b"hello", tag), stream, limits=LIMIT, sweeps={"again": True, "glue": True})
    for slug, tag, why in (
        ("encode-tag-256", 256, "Tag 256 has no byte, and is not taken for 0."),
        ("encode-tag-257", 257, "Tag 257 is not taken for 1."),
        ("encode-tag-2-32", (1 << 32) + 1, "Tag 2^32 + 1 is not taken for 1."),
        ("encode-tag-negative", -1, "Tag -1 is not taken for 255."),
    ):
        f.encode(slug, why, [p.rule("encode.tag-range")], p.value(f, b"hello", tag), "header.field", limits=LIMIT,
                 sibling="encode-tag-1", sweeps={"after": True, "again": True})
    return f


def flags() -> Family:
    p = GRPC
    f = Family(p.profile, "flags", "The only flag of this layer is 0; others are refused by their byte alone.")
    compressed, reserved, early = p.rule("flag.compressed"), p.rule("flag.reserved"), p.rule("flag.before-length")

    def refused(slug: str, why: str, rules: list[str], stream: Stream) -> None:
        f.decode(slug, why, rules, stream, limits=LIMIT, sibling="hello", sweeps=REFUSED)

    def flag(stream: Stream, value: int) -> Stream:
        return stream.put("flag", bytes([value])).error("codec.unsupported" if value == 1 else "flags.reserved")

    def whole(value: int, payload: bytes = b"hello") -> Stream:
        stream = flag(f.stream(), value)
        return stream.put("length", len(payload).to_bytes(4, "big")).put("payload", payload)

    refused("flag-compressed", "Flag 1 asks for a codec that was never agreed on.", [compressed], whole(1))
    refused("flag-compressed-empty", "Flag 1 is refused on an empty message as well.", [compressed], whole(1, b""))
    for value in (2, 3, 127, 128, 129, 254, 255):
        refused(f"flag-{value}", f"Flag {value} is none that the protocol knows.", [reserved], whole(value))
    for value, rule in ((1, compressed), (2, reserved), (255, reserved)):
        refused(f"flag-{value}-alone", "The flag's byte alone decides, with no length behind it.", [early, rule],
                flag(f.stream(), value))
    second = flag(p.frames(f, b"hello"), 1).put("length", b"\0\0\0\x01").put("payload", b"x")
    refused("flag-second", "A message before a refused flag is delivered.", [p.rule("error.delivered-before")], second)
    empty = flag(p.frames(f, b""), 2)
    refused("flag-after-empty", "The flag after an empty message is judged by its byte alone.", [early], empty)
    return f


def encode_flags() -> Family:
    p = GRPC
    f = Family(p.profile, "encode-flags", "Flags that an encoder refuses.")
    rules = [p.rule("encode.flag")]
    for slug, value, error in (
        ("encode-flag-compressed", 1, "codec.unsupported"),
        ("encode-flag-2", 2, "flags.reserved"),
        ("encode-flag-255", 255, "flags.reserved"),
        ("encode-flag-256", 256, "flags.reserved"),
    ):
        f.encode(slug, f"Flag {value} is refused, and nothing is emitted.", rules, p.value(f, b"hello", value), error,
                 limits=LIMIT, sibling="encode-hello", sweeps={"after": True, "again": True})
    return f
