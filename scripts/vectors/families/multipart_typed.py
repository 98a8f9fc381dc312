"""Type hashes, and the untyped profile's view of them."""

from families.multipart import LIMIT, REFUSED, SMALL, STRING_HASH, Record, bad, frame, length
from layout import Family, Stream, varied

TYPED = 1 << 63


def typed_messages() -> Family:
    f = Family("multipart-typed", "typed", "Records with and without a type hash.")
    layout, mixed, exact = "multipart-typed.record.layout", "multipart-typed.record.mixed", "multipart-typed.hash.exact"

    def accept(slug: str, why: str, rules: list[str], stream: Stream, sweeps=None, proof: bool = False) -> None:
        f.decode(slug, why, rules, stream, limits=LIMIT, sweeps=sweeps or SMALL, proof=proof)

    accept("typed-part", "A part with a type hash after an untyped body.", [layout],
           frame(f.stream(), Record(b"b"), Record(b"xy", STRING_HASH)), SMALL | {"ladder": ["part_length"]})
    accept("typed-body", "A body with a type hash.", [layout, mixed],
           frame(f.stream(), Record(b"hello", STRING_HASH), Record(b"part")), SMALL | {"ladder": ["body_length"]})
    accept("typed-all", "Every record with a hash of its own.", [layout],
           frame(f.stream(), Record(b"a", 0x0102030405060708), Record(b"bc", 0x1112131415161718),
                 Record(b"def", 0x2122232425262728)))
    accept("typed-mixed", "Typed and untyped records keep which is which.", [mixed],
           frame(f.stream(), Record(b"a"), Record(b"b", 1), Record(b"c"), Record(b"d", 2)),
           sweeps={"chunks": True, "eof": True, "glue": True})
    accept("typed-empty", "A typed record of 0 bytes is its header alone.", [layout, "multipart.part.zero-length"],
           frame(f.stream(), Record(b"", 9), Record(b"", 8)))
    accept("hash-distinct", "Eight distinct bytes of hash, in big-endian order.", [exact],
           frame(f.stream(), Record(b"b"), Record(b"xyz", 0x8192A3B4C5D6E7F0)), proof=True)
    for slug, value in (
        ("hash-zero", 0),
        ("hash-2-53", (1 << 53) + 1),
        ("hash-sign", (1 << 63) + 1),
        ("hash-ones", (1 << 64) - 1),
    ):
        accept(slug, f"A hash of {value} survives as it is.", [exact],
               frame(f.stream(), Record(b"b"), Record(b"x", value)), sweeps={"chunks": [1], "glue": True})
    accept("hash-not-counted", "The hash is not counted in the length: the record after it begins where it should.",
           [layout], frame(f.stream(), Record(b"12345678", 7), Record(b"next")))
    f.decode("typed-parts-exact", "As many typed parts as the limit are accepted.", ["multipart.limit.parts"],
             frame(f.stream(), Record(b"b"), Record(b"1", 1), Record(b"", 2)), limits=LIMIT | {"max_parts": 2},
             sweeps={"chunks": [1], "reset": True})
    accept("typed-258", "Two distinct bytes of length below bit 63.", [layout],
           frame(f.stream(), Record(varied(258, 9), 5)), sweeps={"chunks": [1, 7, 100]})
    return f


def typed_refusals() -> Family:
    f = Family("multipart-typed", "typed-refusals", "Typed records that do not fit.")

    def refuse(slug: str, why: str, rules: list[str], stream: Stream, sibling: str = "typed-part") -> None:
        f.decode(slug, why, rules, stream, limits=LIMIT, sibling=sibling, sweeps=REFUSED)

    cut, record = "multipart-typed.hash.cut", "multipart-typed.record.cut"
    refuse("hash-missing", "Bit 63 and nothing behind it.", [cut],
           bad(f.stream(), "eof.in-header", [Record(b"b")], ("part_length", length(TYPED | 1))))
    refuse("hash-cut", "Seven of the hash's eight bytes.", [cut],
           bad(f.stream(), "eof.in-header", [Record(b"b")], ("part_length", length(TYPED)), ("typehash", b"\x01" * 7)),
           "typed-empty")
    refuse("hash-missing-body", "A typed body without its hash.", [cut],
           bad(f.stream(), "eof.in-header", [], ("body_length", length(TYPED))), "typed-body")
    refuse("hash-before-length", "A cut hash is named before the length is compared.", [cut],
           bad(f.stream(), "eof.in-header", [Record(b"b")], ("part_length", length(TYPED | 99)),
               ("typehash", b"\x01" * 3)))
    refuse("typed-record-cut", "The length is compared with what is left after the hash.", [record],
           bad(f.stream(), "eof.in-body", [Record(b"b")], ("part_length", length(TYPED | 4)), ("typehash", length(7)),
               ("part", b"xy")))
    refuse("typed-record-less-hash", "Bytes of the hash do not count for the record.", [record],
           bad(f.stream(), "eof.in-body", [Record(b"b")], ("part_length", length(TYPED | 8)), ("typehash", length(7))))
    refuse("typed-length-2-32", "The low 63 bits are compared exactly.", [record, "multipart.length.exact"],
           bad(f.stream(), "eof.in-body", [], ("body_length", length(TYPED | (1 << 32) + 5)), ("typehash", length(7)),
               ("body", b"hello")), "typed-body")
    refuse("typed-ones", "A length word of all ones is typed, with 2^63 - 1 bytes, and no end mark.", [record],
           bad(f.stream(), "eof.in-body", [], ("body_length", length((1 << 64) - 1)), ("typehash", length(7)),
               ("body", b"hello")), "typed-body")
    return f


def untyped_view() -> Family:
    """Bit 63 where the profile has no types."""
    f = Family("multipart", "typed-bit", "Bit 63 of a length is a bit like any other.")
    rule = ["multipart-typed.flag.untyped-profile"]
    for slug, word in (("typed-bit", TYPED | 2), ("typed-bit-zero", TYPED), ("typed-bit-ones", (1 << 64) - 1)):
        f.decode(slug, "A typed record is longer than any payload to a receiver without types.", rule,
                 bad(f.stream(), "eof.in-body", [Record(b"b")], ("part_length", length(word)),
                     ("part", STRING_HASH.to_bytes(8, "big") + b"xy")),
                 limits=LIMIT, sibling="body-and-part", sweeps=REFUSED)
    f.decode("typed-bit-body", "A typed body is no body to a receiver without types.", rule,
             bad(f.stream(), "eof.in-body", [], ("body_length", length(TYPED | 5)), ("body", length(7) + b"hello")),
             limits=LIMIT, sibling="body", sweeps=REFUSED)
    f.decode("typed-bit-fits", "Without its top bit the length is just what is left: it is not masked.", rule,
             bad(f.stream(), "eof.in-body", [Record(b"b")], ("part_length", length(TYPED | 2)), ("part", b"xy")),
             limits=LIMIT, sibling="body-and-part", sweeps=REFUSED)
    return f
