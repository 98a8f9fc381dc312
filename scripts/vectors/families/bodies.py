"""Bodies as protobuf messages, for manifest, envelope and result alike: versions, evolution, and what is no message."""

from dataclasses import replace

import protobuf
from families.kinds import Kind
from families.tp import LACKING, LIMIT, Tensor
from layout import Family, Stream

FEW = {"chunks": [1]}
NAMES = {"tp": "manifest", "pp-envelope": "envelope", "pp-result": "result"}


class Bodies:
    """Puts bodies into whole messages of one kind. `rest`: the smallest good body without its version."""

    def __init__(self, f: Family, kind: Kind):
        self.f, self.kind = f, kind
        self.good = kind.body(kind.tensors)
        self.rest = self.good[2:]

    def accept(self, slug: str, why: str, rules: list[str], body: bytes, alternatives=None) -> None:
        self.f.decode(slug, why, self.kind.rules(*rules), self.message(body), limits=LIMIT, sweeps=FEW,
                      canonical=False, alternatives=alternatives)

    def refuse(self, slug: str, why: str, rules: list[str], body: bytes, error: str = "header.length",
               sibling: str | None = None, alternatives=None, sweeps: dict | None = None) -> None:
        sweeps = sweeps or (FEW if alternatives else {"chunks": [1], "after": True})
        self.f.decode(slug, why, self.kind.rules(*rules), self.error(body, error), limits=LIMIT,
                      sibling=sibling or self.kind.good, sweeps=sweeps, alternatives=alternatives)

    def message(self, body: bytes) -> Stream:
        """These bytes with the event of the smallest message."""
        return self.kind.whole(self.f.stream(), self.kind.tensors, body)

    def error(self, body: bytes, error: str) -> Stream:
        return self.kind.broken(self.f.stream(), self.kind.tensors, body).error(error)


def protobufs(kind: Kind) -> Family:
    """What protobuf leaves to its parsers, and what it does not."""
    f = Family(kind.profile, "protobuf",
               "The body as protobuf bytes: wire types, groups, varints, fields that stand twice.")
    b = Bodies(f, kind)
    one, good, name = protobuf.integer(1, 1), b.good, NAMES[kind.profile]
    unknown, message, varint = "manifest.unknown-fields", "manifest.message", "manifest.varint"
    group = protobuf.key(100, 3) + protobuf.integer(7, 5) + protobuf.key(8, 3) + protobuf.key(8, 4) + protobuf.key(100,
        4)
    b.accept("unknown-group", "A group that is not known is ignored, with the group in it.", [unknown], good + group)
    b.accept("unknown-largest", "The largest field number is one like any other.", [unknown],
             good + protobuf.integer((1 << 29) - 1, 1))
    b.refuse("group-crossed", "A group ends with its own number.", [message],
             good + protobuf.key(100, 3) + protobuf.key(101, 4), sibling="unknown-group")
    b.refuse("group-crossed-inner", "A group in a group ends before the outer one.", [message],
             good + protobuf.key(100, 3) + protobuf.key(101, 3) + protobuf.key(100, 4) + protobuf.key(101, 4),
             sibling="unknown-group")
    b.refuse("group-open", "A group that never ends.", [message], good + protobuf.key(100, 3), sibling="unknown-group")

    ten = protobuf.key(100, 0) + b"\xff" * 9
    b.accept("varint-64-bits", "A varint of ten bytes holds 64 bits.", [varint], good + ten + b"\x01")
    refused = [("A parser that judges the tenth byte refuses it.", b.error(good + ten + b"\x7f", "header.length"))]
    b.accept("varint-65-bits", "What a ninth and tenth byte say beyond 64 bits is cut off, or refused.", [varint],
             good + ten + b"\x7f", refused)
    b.accept("version-2-32", "A uint32 keeps the low 32 bits of its varint, as protobuf has it.", [varint],
             protobuf.integer(1, (1 << 32) + 1) + b.rest)
    b.refuse("varint-eleven", "A varint of eleven bytes, though they say little.", [varint],
             good + protobuf.key(100, 0) + b"\x81" + b"\x80" * 9 + b"\x00", sibling="varint-64-bits")

    wire = "manifest.wire-type"
    specs = kind.specs_field
    as_number = good + protobuf.integer(specs, 5)
    b.refuse("wire-type-specs", "A number in the place of a spec is no spec.", [wire], as_number,
             alternatives=[("It may be ignored, as an unknown field is.", b.message(as_number))])
    as_zero = good + protobuf.integer(specs, 0)
    b.refuse("wire-type-specs-zero", "A zero in the place of a spec is no spec of 0 bytes.", [wire], as_zero,
             alternatives=[("It may be ignored, as an unknown field is.", b.message(as_zero))])
    as_text = protobuf.chunk(1, b"\x01") + b.rest
    b.refuse("wire-type-version", "A string in the place of the version is no version.",
             [wire, "manifest.version-first"],
             as_text, alternatives=[("Where it is ignored, the version is absent.", b.error(as_text, "version"))])
    b.refuse("version-2-wire-type", "Version 2 may have given a field another type: the version is judged first.",
             ["manifest.version-first", "manifest.version"], protobuf.integer(1, 2) + protobuf.integer(specs, 5),
             "version")
    both = protobuf.integer(1, 2) + b.rest + b"\x80"
    b.refuse("version-2-cut", f"The {name} of another version, and no protobuf message.", ["manifest.several-faults"],
             both, alternatives=[("The version is as good a reason.", b.error(both, "version"))])
    unsorted = (replace(TENSOR, key="z"), replace(TENSOR, key="y"))
    parts = [tensor.data for tensor in unsorted[:1]]
    f.decode("two-faults", "Specs out of order and a part that is missing: both are of one class.",
             kind.rules("manifest.several-faults"),
             kind.broken(f.stream(), unsorted, parts=parts).error("spec.mismatch"),
             limits=LIMIT, sibling=kind.good, sweeps={"chunks": [1], "after": True})
    empty = good + b"\x80"
    b.refuse("body-key-cut-late", "A key that breaks off behind a whole message.", [message], empty)
    evolution(b)
    order(b)
    return f


def order(b: Bodies) -> None:
    """Of several faults: the frame as a multipart message, then the body's length, then its version."""
    f, kind = b.f, b.kind
    limits = LIMIT | {"max_manifest_length": len(b.good)}
    f.decode("order-limit", f"The {NAMES[kind.profile]} fills its limit.", kind.rules("manifest.limit"),
             kind.whole(f.stream(), kind.tensors), limits=limits, sweeps=FEW)
    other = protobuf.integer(1, 2) + b.rest + protobuf.integer(100, 1)
    f.decode("order-limit-version", "Above its limit and of another version: the length is judged first.",
             kind.rules("manifest.several-faults", "manifest.limit"),
             kind.broken(f.stream(), kind.tensors, other).error("oversize.declared"), limits=limits,
             sibling="order-limit", sweeps={"chunks": [1], "after": True})
    stream = kind.broken(f.stream(), kind.tensors, b.good + protobuf.integer(100, 1))
    length = next(segment for segment in stream.segments if segment["field"] == "length")
    size = int(length["hex"], 16) + 3
    length["hex"], length["note"] = size.to_bytes(8, "big").hex(), str(size)
    f.decode("order-records-limit", "Above its limit, in a frame with three bytes left over: the frame is judged first.",
             kind.rules("manifest.several-faults", "manifest.limit"),
             stream.put("record_length", b"\0\0\0", note="cut").error("eof.in-prefix"), limits=limits,
             sibling="order-limit", sweeps={"chunks": [1], "after": True})


def evolution(b: Bodies) -> None:
    """What the authors of a next version may do, and how a receiver of this one meets what they must not."""
    kind, bump, reserved = b.kind, "evolution.version-bump", "evolution.reserved"
    b.accept("evolution-safe", "A safe change keeps the version: whoever does not know the field is right without it.",
             [bump], b.good + protobuf.text(20, "trace"))
    b.refuse("evolution-unsafe", "An unsafe change takes a new version, and is refused by it.",
             [bump, "manifest.version"], protobuf.integer(1, 2) + b.rest + protobuf.integer(21, 1), "version",
             "evolution-safe")
    body, spec = kind.body((TENSOR,)), protobuf.chunk(kind.specs_field, TENSOR.wire())
    new = protobuf.chunk(kind.specs_field, TENSOR.wire() + protobuf.text(9, "zstd"))
    b.f.decode("evolution-new-number", "What is new in a spec has a number of its own, and the others keep their meaning.",
               kind.rules(reserved), kind.whole(b.f.stream(), (TENSOR,), body.replace(spec, new)), limits=LIMIT,
               sweeps=FEW, canonical=False)
    used = protobuf.chunk(kind.specs_field, replace(TENSOR, dtype="zstd").wire())
    b.f.decode("evolution-number-used", "The number of the dtype with another meaning: a receiver reads it as a dtype.",
               kind.rules(reserved, "tp.spec.dtype-known"),
               kind.broken(b.f.stream(), (TENSOR,), body.replace(spec, used)).error("spec.mismatch"), limits=LIMIT,
               sibling="evolution-new-number", sweeps={"chunks": [1], "after": True})


TENSOR = Tensor("t", "float32", (1,), b"\0\0\x80?")


def bodies(kind: Kind) -> Family:
    """Versions, unknown fields and bytes that are no message, for the kinds of the PP contract."""
    f = Family(kind.profile, "bodies", "The body as a protobuf message: versions, evolution, and bytes that are none.")
    b = Bodies(f, kind)
    one, good, specs = protobuf.integer(1, 1), b.good, kind.specs_field
    unknown, message, version = "manifest.unknown-fields", "manifest.message", "manifest.version"
    b.accept("unknown-fields", "Fields of every wire type that version 1 does not know are ignored.", [unknown],
             good + protobuf.integer(100, 7) + protobuf.double(101, 2.5) + protobuf.chunk(102, b"new")
             + protobuf.key(103, protobuf.FIXED32) + b"\1\2\3\4")
    b.accept("unknown-first", "An unknown field may stand before the version.", [unknown, "manifest.version-first"],
             protobuf.chunk(102, b"new") + good)
    carried = kind.carried[0]
    later = good.replace(protobuf.chunk(specs, carried.wire()),
                         protobuf.chunk(specs, carried.wire() + protobuf.text(9, "row-major")))
    b.accept("unknown-in-spec", "An unknown field of a spec is ignored.", [unknown], later)
    b.accept("version-last", "Fields may stand in any order, the version last.", ["manifest.version-first"],
             b.rest + one)
    b.accept("version-padded", "A varint may be longer than needed.", [message],
             protobuf.key(1, protobuf.VARINT) + protobuf.varint(1, 3) + b.rest)
    b.accept("version-twice", "Of a scalar field that stands twice the last one counts.", ["manifest.twice"],
             protobuf.integer(1, 2) + one + b.rest)
    for slug, body, why in (
        ("version-absent", b"", "An absent version is 0, and not 1."),
        ("version-zero", protobuf.integer(1, 0), "Version 0 is not 1."),
        ("version-2", protobuf.integer(1, 2), "Version 2 is not spoken here."),
        ("version-257", protobuf.integer(1, 257), "Version 257 is not cut to 1."),
        ("version-max", protobuf.integer(1, 0xFFFFFFFF), "The largest version is not spoken here."),
    ):
        b.refuse(slug, why, [version], body + b.rest, "version", sweeps=None if body else LACKING)
    b.refuse("version-before-all", "The version is judged before specs, ids and step, which are not there.",
             ["manifest.version-first", version], protobuf.integer(1, 2), "version")
    for slug, tail, why in (
        ("body-truncated", protobuf.key(specs, 2) + b"\x05\x0a", "A spec longer than the body."),
        ("body-key-cut", b"\x80", "A key that breaks off."),
        ("body-field-zero", protobuf.integer(0, 1), "There is no field 0."),
        ("body-group", protobuf.key(100, 4), "The end of a group that never began."),
        ("body-wire-type-7", protobuf.key(100, 7), "There is no wire type 7."),
        ("body-varint-long", protobuf.key(100, 0) + b"\xff" * 10 + b"\x01", "A varint of eleven bytes."),
        ("body-not-utf8", protobuf.chunk(specs, protobuf.chunk(1, b"\xff\xfe")), "A key that is not UTF-8."),
    ):
        b.refuse(slug, why, [message], good + tail)

    size = len(good)
    f.decode("body-limit", "A body as long as its limit is accepted.", kind.rules("manifest.limit"),
             kind.whole(f.stream(), kind.tensors), limits=LIMIT | {"max_manifest_length": size}, sweeps=FEW)
    over = good + protobuf.integer(1, 1)
    f.decode("body-over", "A body above its limit is refused before it is parsed.", kind.rules("manifest.limit"),
             kind.broken(f.stream(), kind.tensors, over).error("oversize.declared"), sibling="body-limit",
             limits=LIMIT | {"max_manifest_length": size}, sweeps={"chunks": [1], "after": True})
    f.decode("body-over-version", "Its length is judged before its version.", kind.rules("manifest.limit"),
             kind.broken(f.stream(), kind.tensors, protobuf.integer(1, 2) + b.rest + protobuf.integer(100, 1))
             .error("oversize.declared"), sibling="body-limit", limits=LIMIT | {"max_manifest_length": size}, sweeps={"chunks": [1], "after": True})
    return f
