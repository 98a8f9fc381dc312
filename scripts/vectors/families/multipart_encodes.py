"""What a multipart encoder emits: the whole len64 frame."""

from families.multipart import LIMIT, STRING_HASH, Record, frame, value
from layout import Family, Fill

TURN = {"again": True, "glue": True}
LAYOUT, REFUSAL = "multipart.encode.layout", "multipart.encode.refusal"


def encodes(name: str) -> Family:
    f = Family(name, "encode", "Messages and the frames that carry them; refusals that emit nothing.")

    def encode(slug: str, why: str, *records: Record, limits: dict = LIMIT, rules: list[str] | None = None,
               sweeps: dict | None = None) -> None:
        f.encode(slug, why, rules or [LAYOUT], value(f, list(records)), frame(f.stream(), *records), limits=limits,
                 sweeps=TURN if sweeps is None else sweeps)

    def refuse(slug: str, why: str, error: str, records: list[Record], sibling: str, limits: dict = LIMIT) -> None:
        f.encode(slug, why, [REFUSAL], value(f, records), error, limits=limits, sibling=sibling,
                 sweeps={"after": True, "again": True})

    encode("encode-body", "A body alone is one record in a frame.", Record(b"hello"))
    encode("encode-parts", "Body and parts stand in their order.", Record(b"hello"), Record(b"world"), Record(b""),
           Record(b"xyz"))
    encode("encode-empty", "An empty message is a frame of 8 bytes.", Record(b""))
    encode("encode-large-part", "A part of 0x010203 bytes and its frame, each with its length.", Record(b"b"),
           Record(Fill(0xAB, 0x010203)), limits={"max_frame_length": 1048576}, sweeps={"again": True})
    exact = {"max_frame_length": 24}
    encode("encode-limit", "A payload as long as the limit, record headers included, is encoded.", Record(b"abc"),
           Record(b"defgh"), limits=exact)
    refuse("encode-over", "Record headers count: 9 bytes of content are above a limit of 24.", "oversize.declared",
           [Record(b"abc"), Record(b"defghi")], "encode-limit", exact)
    refuse("encode-over-32-bit", "A part of 2^32 + 5 bytes is judged by its count before it is built.",
           "oversize.declared", [Record(b"b"), Record(Fill(1, (1 << 32) + 5))], "encode-body")
    if name == "multipart":
        refuse("encode-typed-part", "The untyped profile carries no type hash.", "header.field",
               [Record(b"b"), Record(b"xy", STRING_HASH)], "encode-parts")
        refuse("encode-typed-body", "The untyped profile carries no type hash, the body's included.", "header.field",
               [Record(b"b", 0)], "encode-body")
    else:
        rules = ["multipart-typed.encode.layout"]
        encode("encode-typed-part", "A typed part has bit 63 and its hash; the untyped body has neither.", Record(b"b"),
               Record(b"xy", STRING_HASH), rules=rules)
        encode("encode-typed-body", "A typed body and untyped parts.", Record(b"hello", 1), Record(b"part"),
               rules=rules)
        encode("encode-hash-zero", "A hash of 0 is a hash.", Record(b"", 0), rules=rules)
        encode("encode-hash-distinct", "Eight distinct bytes of hash, in big-endian order.", Record(b"b"),
               Record(b"x", 0x8192A3B4C5D6E7F0), rules=rules)
        encode("encode-hash-ones", "The largest hash.", Record(b"b", (1 << 64) - 1), rules=rules)
        typed = {"max_frame_length": 32}
        encode("encode-typed-limit", "The hash counts for the limit.", Record(b"abc"), Record(b"defgh", 7),
               limits=typed, rules=rules)
        refuse("encode-typed-over", "A hash too many for the limit.", "oversize.declared",
               [Record(b"abc", 1), Record(b"defgh", 7)], "encode-typed-limit", typed)
        refuse("encode-hash-wide", "A hash of 2^64 has no 8 bytes.", "header.field",
               [Record(b"b"), Record(b"x", 1 << 64)], "encode-typed-part")
    return f
