"""Multipart: one len64 frame that holds a body record and part records, in the untyped and the typed profile."""

from dataclasses import dataclass

from families.prefix import LEN64
from families.prefix import profile as prefix_profile
from layout import Data, Family, Stream

LIMIT = {"max_frame_length": 1024}
SMALL = {"cuts": True, "chunks": True, "eof": True, "empty": True, "reset": True, "glue": True}
REFUSED = {"cuts": True, "chunks": [1], "empty": True, "reset": True, "after": True, "glue": True}
# The type hash that upstream publishes for its string type.
STRING_HASH = 0x36C76E3B36067378


@dataclass(frozen=True)
class Record:
    data: Data
    typehash: int | None = None

    @property
    def size(self) -> int:
        return 8 + (0 if self.typehash is None else 8) + len(self.data)

    def value(self, family: Family) -> object:
        raw = family.raw(self.data)
        return raw if self.typehash is None else {"typehash": str(self.typehash), "bytes": raw}

    def put(self, stream: Stream, name: str) -> Stream:
        word = len(self.data) | (0 if self.typehash is None else 1 << 63)
        stream.put(f"{name}_length", word.to_bytes(8, "big"), note=str(len(self.data)))
        if self.typehash is not None:
            stream.put("typehash", self.typehash.to_bytes(8, "big"))
        return stream.put(name, self.data)


def value(family: Family, records: list[Record]) -> dict:
    return {"body": records[0].value(family), "parts": [record.value(family) for record in records[1:]]}


def head(stream: Stream, length: int) -> Stream:
    return stream.put("length", length.to_bytes(8, "big"), note=str(length))


def frame(stream: Stream, *records: Record) -> Stream:
    """A frame of whole records, with its message."""
    head(stream, sum(record.size for record in records))
    for i, record in enumerate(records):
        record.put(stream, "part" if i else "body")
    return stream.message(value(stream.family, list(records)))


def bad(stream: Stream, error: str, records: list[Record], *tail: tuple[str, bytes]) -> Stream:
    """A frame of whole records and a tail that makes it wrong; the error is decided at the frame's end."""
    head(stream, sum(record.size for record in records) + sum(len(data) for _, data in tail))
    for i, record in enumerate(records):
        record.put(stream, "part" if i else "body")
    for name, data in tail:
        stream.put(name, data, note="cut")
    return stream.error(error)


def length(n: int) -> bytes:
    return n.to_bytes(8, "big")


def profile(name: str) -> dict:
    fields = {
        "length": ("u64be", "eof.in-prefix", "bytes of the frame's payload, record headers included"),
        "body_length": ("u64be", "eof.in-body", "bytes of the body record"),
        "body": ("bytes", "eof.in-body", "the body"),
        "part_length": ("u64be", "eof.in-body", "bytes of a part record"),
        "part": ("bytes", "eof.in-body", "a part"),
    }
    about = "A body and parts in one len64 frame (spec/framing.md)."
    if name == "multipart-typed":
        fields["body_length"] = ("u64be", "eof.in-body", "bit 63: a type hash follows; the rest: bytes of the body")
        fields["part_length"] = ("u64be", "eof.in-body", "bit 63: a type hash follows; the rest: bytes of the part")
        fields["typehash"] = ("u64be", "eof.in-body", "type hash of the record")
        about = "As multipart, with an optional type hash for each record (spec/framing.md)."
    described = {key: {"type": t, "eof": eof, "about": text} for key, (t, eof, text) in fields.items()}
    if "typehash" in described:
        described["typehash"]["opaque"] = True
    return {
        "profile": name,
        "about": about,
        "fields": described,
        # The frame around the records is a len64 frame, and its rules are those of len64.
        "derived": prefix_profile(LEN64)["derived"] | record_rules(name)
        | {"encode.again": ["multipart.encode.layout"], "encode.after": ["multipart.encode.refusal"]},
    }


def record_rules(name: str) -> dict:
    """What a record's length that does not fit shows: with its top bit set it is a typed one, or longer than any frame."""
    cut, exact, end = "multipart.record.cut", "multipart.length.exact", "multipart.judged.frame-end"
    rules = {"record.cut": [cut, end], "record.wide": [cut, exact, end]}
    if name == "multipart":
        return rules | {"record.top-bit": ["multipart-typed.flag.untyped-profile", cut, exact, end]}
    return rules | {"record.top-bit": ["multipart-typed.record.cut", exact, end],
                    "record.hash-cut": ["multipart-typed.hash.cut", end]}


def messages(name: str) -> Family:
    """Untyped records, which both profiles carry."""
    f = Family(name, "messages", "Messages of untyped records.")
    layout, order, zero = "multipart.record.layout", "multipart.record.order", "multipart.part.zero-length"

    def accept(slug: str, why: str, rules: list[str], stream: Stream, sweeps: dict | None = None,
               proof: bool = False) -> None:
        f.decode(slug, why, rules, stream, limits=LIMIT, sweeps=SMALL if sweeps is None else sweeps, proof=proof)

    accept("body", "A body alone, without parts.", [layout], frame(f.stream(), Record(b"hello")),
           SMALL | {"prefix": [{"from": 0, "width": 8}], "pairs": 24, "repeat": [2, 300]})
    accept("body-and-part", "A body and one part.", [layout, order],
           frame(f.stream(), Record(b"hello"), Record(b"world!")), SMALL | {"ladder": ["body_length", "part_length"]})
    accept(
        "five-parts", "Parts of many sizes, an empty one among them, in order.", [layout, order, zero],
        frame(f.stream(), *(Record(data) for data in (b"hello", b"world", b"1", b"", b"xyz", b"xyzd"))),
        {"cuts": True, "chunks": True, "eof": True, "empty": True, "glue": True},
    )
    accept("empty-body", "A body of 0 bytes is a body.", [zero], frame(f.stream(), Record(b"")))
    accept("empty-body-and-part", "An empty body is not taken for the lack of one: the part stays a part.",
           [zero, order], frame(f.stream(), Record(b""), Record(b"part")))
    accept("empty-parts", "Parts of 0 bytes are kept, the last one included.", [zero],
           frame(f.stream(), Record(b"b"), Record(b""), Record(b"")))
    accept("part-like-record", "A part that is itself the bytes of a record is not looked into.", [layout],
           frame(f.stream(), Record(b"b"), Record(length(2) + b"in")))
    two = frame(frame(f.stream(), Record(b"one"), Record(b"p")), Record(b"two"))
    accept("two-messages", "Two messages in one read, each with its own parts.", [order], two)
    accept("length-258", "Two distinct bytes of a record's length stand in big-endian order.", [layout],
           frame(f.stream(), Record(b"b"), Record(bytes(range(256)) + b"xy")), {"chunks": [1, 7, 100]}, proof=True)
    # Payload of the frame: 8 + 3 for the body, 8 + 5 for the part.
    f.decode("limit-exact", "The limit counts the frame's payload, record headers included.",
             ["multipart.record.layout"], frame(f.stream(), Record(b"abc"), Record(b"defgh")),
             limits={"max_frame_length": 24}, sweeps={"chunks": [1], "ladder": True})
    f.decode("parts-exact", "As many parts as the limit are accepted; the body is no part.", ["multipart.limit.parts"],
             frame(f.stream(), Record(b"b"), Record(b"1"), Record(b"2")),
             limits=LIMIT | {"max_parts": 2}, sweeps={"chunks": [1], "reset": True})
    f.decode("parts-none", "Under a limit of 0 parts a body alone is accepted.", ["multipart.limit.parts"],
             frame(f.stream(), Record(b"b")), limits=LIMIT | {"max_parts": 0}, sweeps={"chunks": [1]})
    f.decode("parts-many", "With no limit of parts there is none to break.", ["multipart.limit.parts"],
             frame(f.stream(), Record(b"b"), *(Record(b"") for _ in range(100))), limits=LIMIT, sweeps={"chunks": [9]})
    return f


def refusals(name: str) -> Family:
    """Payloads that are no message, whatever the profile."""
    f = Family(name, "refusals", "Payloads whose records do not fit.")
    prefix, cut, exact = "multipart.prefix.cut", "multipart.record.cut", "multipart.length.exact"

    def refuse(slug: str, why: str, rules: list[str], stream: Stream, limits: dict = LIMIT, sibling: str = "body",
               sweeps: dict | None = None) -> None:
        f.decode(slug, why, rules, stream, limits=limits, sibling=sibling, sweeps=sweeps or REFUSED)

    refuse("no-body", "An empty frame has no body record: a valid frame, and no message.", ["multipart.body.required"],
           bad(f.stream(), "eof.in-prefix", []), sibling="empty-body")
    for left in (1, 4, 7):
        refuse(f"left-over-{left}", f"{left} bytes after the last record are a cut length.", [prefix],
               bad(f.stream(), "eof.in-prefix", [Record(b"hello")], ("part_length", b"\0" * left)), sibling="body")
    refuse("body-length-cut", "Seven bytes are no body record.", [prefix],
           bad(f.stream(), "eof.in-prefix", [], ("body_length", b"\0" * 7)), sibling="empty-body")
    refuse("body-cut", "A body longer than the payload.", [cut],
           bad(f.stream(), "eof.in-body", [], ("body_length", length(5)), ("body", b"hell")))
    refuse("body-missing", "A body length and no body.", [cut],
           bad(f.stream(), "eof.in-body", [], ("body_length", length(1))), sibling="empty-body")
    refuse("part-cut", "A part one byte longer than what is left.", [cut],
           bad(f.stream(), "eof.in-body", [Record(b"b")], ("part_length", length(5)), ("part", b"part")),
           sibling="body-and-part")
    refuse("part-over-next", "A part may not reach into the next frame.", [cut, "multipart.judged.frame-end"],
           frame(bad(f.stream(), "eof.in-body", [Record(b"b")], ("part_length", length(9)), ("part", b"part")),
                 Record(b"next")), sibling="two-messages")
    for slug, n, why in (
        ("length-2-32", (1 << 32) + 5, "A record's length is not cut to 32 bits."),
        ("length-2-53", (1 << 53) + 5, "A record's length above 2^53 is compared exactly."),
        ("length-high-half", 5 << 32, "A record's length is not read from its high half."),
        ("length-2-62", (1 << 62) + 5, "A record's length of 2^62 is not added to a position until it wraps."),
    ):
        refuse(slug, why, [exact], bad(f.stream(), "eof.in-body", [], ("body_length", length(n)), ("body", b"hello")))
        refuse(f"part-{slug}", why, [exact],
               bad(f.stream(), "eof.in-body", [Record(b"b")], ("part_length", length(n)), ("part", b"world")),
               sibling="body-and-part")
    refuse("parts-over", "One part above the limit is refused.", ["multipart.limit.parts"],
           over(f, Record(b"b"), Record(b"1"), Record(b"2"), Record(b"3")), limits=LIMIT | {"max_parts": 2},
           sibling="parts-exact", sweeps={"chunks": [1], "after": True, "reset": True})
    refuse("parts-over-empty", "Parts of 0 bytes count as parts.", ["multipart.limit.parts"],
           over(f, Record(b"b"), Record(b"")), limits=LIMIT | {"max_parts": 0}, sibling="parts-none",
           sweeps={"chunks": [1], "after": True})
    second = bad(frame(f.stream(), Record(b"first"), Record(b"p")), "eof.in-body", [Record(b"b")],
                 ("part_length", length(3)), ("part", b"cu"))
    refuse("second-message", "Good records of a bad payload are not delivered; the message before it is.",
           ["multipart.error.atomic"], second, sibling="two-messages")
    refuse("judged-at-end", "A bad first record is refused when the frame is complete, at the frame's end.",
           ["multipart.judged.frame-end"],
           bad(f.stream(), "eof.in-body", [], ("body_length", length(99)), ("body", b"0123456789" * 3)), sibling="body")
    f.decode("end-in-frame", "A frame whose end never comes is not judged: its end is in the body.",
             ["multipart.judged.frame-end"],
             head(f.stream(), 20).put("body_length", length(99)).put("body", b"hello", note="cut"), limits=LIMIT,
             at_eof="eof.in-body", sibling="body", sweeps={"cuts": True, "chunks": [1], "reset": True})
    return f


def over(f: Family, *records: Record) -> Stream:
    stream = frame(f.stream(), *records)
    stream.events.clear()
    return stream.error("oversize.declared")
