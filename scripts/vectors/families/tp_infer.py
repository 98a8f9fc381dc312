"""INFER: the frame behind the header, its records, and the manifest as a protobuf message."""

import struct
from dataclasses import replace

import protobuf
from families.tp import INFER, LACKING, LIMIT, REFUSED, SHOWN, SMALL, Header, Manifest, Tensor, head, message, records
from families.tp_headers import POSITIVE
from layout import Family, Stream, varied

FLOATS = Tensor("latents", "float32", (2, 3), struct.pack("<6f", 1.5, -2.25, 3e-8, 0.1, -1e30, 65504.0))
LONGS = Tensor("steps", "int64", (3,), struct.pack("<3q", 1, -(1 << 62), (1 << 53) + 1))
HALVES = Tensor("cond", "bfloat16", (4,), bytes.fromhex("803f00c0cd3d7f7f"))
# Limits that leave the frame alone and cut elsewhere.
WIDE = {"max_frame_length": 4096}


def infer() -> Family:
    f = Family("tp", "infer", "INFER messages, and frames that are cut or too long.")

    def accept(slug: str, why: str, rules: list[str], stream: Stream, sweeps=None, limits=LIMIT) -> None:
        f.decode(slug, why, rules, stream, limits=limits, sweeps=SMALL if sweeps is None else sweeps)

    payload = "tp.infer.payload"
    accept("infer", "The smallest INFER: a header, and a frame with a manifest of nothing but its version.", [payload],
           message(f.stream(), INFER), SMALL | {"prefix": [{"from": 40, "width": 8}], "pairs": 50, "repeat": [2, 100]})
    accept("infer-tensor", "One tensor: its bytes are the part behind the manifest.", [payload, "tp.spec.data"],
           message(f.stream(), INFER, Manifest((FLOATS,))))
    accept("infer-tensors", "Tensors of three types stand in the order of their specs.", [payload, "tp.spec.parts"],
           message(f.stream(), INFER, Manifest((HALVES, FLOATS, LONGS))),
           {"cuts": True, "chunks": True, "eof": True, "reset": True, "glue": True})
    header = replace(POSITIVE, action="INFER")
    f.decode("infer-distinct", "Counters, prefix and record lengths are told apart by their places.",
             ["tp.header.layout", payload], message(f.stream(), header, Manifest((FLOATS,))), limits=LIMIT, proof=True,
             sweeps={"chunks": [1, 7, 40]})
    accept("infer-two", "Two INFER messages in a row, each with its own payload.", ["tp.boundary.glued"],
           message(message(f.stream(), INFER, Manifest((HALVES,))), Header(8, 4, 8, 1, "INFER")))
    offsets = records(message(message(f.stream(), Header()), INFER), b"\x08\x02", []).error("version")
    f.decode("infer-offsets", "Offsets count the headers and frames before, not the bytes of one frame.",
             ["tp.infer.offsets"], offsets, limits=LIMIT, sibling="infer-two", sweeps={"chunks": [1], "after": True})
    third = message(message(f.stream(), INFER, Manifest((HALVES,))), Header(8, 3, 8, 1))
    third = head(third, 1025, Header(9, 4, 9, 1, "INFER"))
    f.decode("infer-offsets-prefix", "A length behind a payload and a header is judged at its place in the stream.",
             ["tp.infer.offsets"], third.error("oversize.declared"), limits=LIMIT, sibling="infer-two",
             sweeps={"chunks": [1], "after": True})
    wide = Tensor("latents", "float32", (75,), varied(300, 14))
    accept("infer-wide", "A frame whose length has two bytes.", ["tp.infer.payload"],
           message(f.stream(), INFER, Manifest((wide,))), {"chunks": [1, 3, 40]})
    large = Tensor("latents", "float32", (25, 700), varied(70000, 11))
    accept("infer-large", "A tensor that spans many reads.", ["tp.boundary.chunking"],
           message(f.stream(), INFER, Manifest((large,))), {"chunks": [997, 4096, 65536]}, {"max_frame_length": 131072})

    before = INFER.put(f.stream())
    f.decode("infer-no-frame", "An INFER header without its frame is inside a message, and no clean end.",
             ["tp.infer.cut-before-prefix"], before, limits=LIMIT, at_eof="eof.in-prefix", sibling="infer",
             sweeps={"cuts": True, "chunks": [1], "empty": True, "reset": True, "glue": True})
    cut = INFER.put(f.stream()).put("length", b"\0" * 7, note="cut")
    f.decode("infer-prefix-cut", "Seven bytes of the frame's prefix.", ["tp.infer.cut-prefix"], cut, limits=LIMIT,
             at_eof="eof.in-prefix", sibling="infer", sweeps={"chunks": [1], "reset": True, "glue": True})
    body = head(f.stream(), 10).put("record_length", (2).to_bytes(8, "big")).put("manifest", b"\x08", note="cut")
    f.decode("infer-body-cut", "A frame that lacks its last byte.", ["tp.infer.cut-body"], body, limits=LIMIT,
             at_eof="eof.in-body", sibling="infer", sweeps={"chunks": [1], "reset": True, "glue": True})

    exact = Manifest((Tensor("t", "float32", (10,), varied(40, 5)),))
    size = 8 + len(exact.wire()) + 8 + 40
    limit = {"max_frame_length": size}
    accept("infer-limit", "A frame as long as the limit is accepted.", ["tp.infer.oversize"],
           message(f.stream(), INFER, exact), {"cuts": True, "chunks": [1], "eof": True, "ladder": True}, limit)
    f.decode("infer-over", "A frame above the limit is refused with no byte of it present.", ["tp.infer.oversize"],
             head(f.stream(), size + 1).error("oversize.declared"), limits=limit, sibling="infer-limit",
             sweeps={"cuts": True, "chunks": [1], "after": True, "reset": True})
    f.decode("infer-terabyte", "48 bytes that promise a terabyte cost nothing.",
             ["tp.infer.oversize", "tp.infer.limit-allocation"],
             head(f.stream(), 1 << 40).error("oversize.declared"), limits=LIMIT, sibling="infer",
             sweeps={"chunks": [1], "after": True, "reset": True}, defects=["tokio-rs/tokio#333"])
    for slug, stream, error, why in (
        ("infer-empty-frame", head(f.stream(), 0), "eof.in-prefix", "A frame without a body record."),
        ("infer-left-over", head(f.stream(), 13).put("record_length", (2).to_bytes(8, "big"))
         .put("manifest", b"\x08\x01").put("record_length", b"\0\0\0", note="cut"), "eof.in-prefix",
         "Three bytes behind the last record."),
        ("infer-record-cut", head(f.stream(), 10).put("record_length", (3).to_bytes(8, "big"))
         .put("manifest", b"\x08\x01"), "eof.in-body", "A manifest longer than its frame."),
    ):
        f.decode(slug, why, ["tp.infer.multipart"], stream.error(error), limits=LIMIT, sibling="infer", sweeps=REFUSED)
    typed = head(f.stream(), 18).put("record_length", ((1 << 63) + 2).to_bytes(8, "big"))
    f.decode("infer-typed", "The payload is untyped multipart: bit 63 announces no hash.", [payload],
             typed.put("manifest", bytes(range(8)) + b"\x08\x01").error("eof.in-body"), limits=LIMIT, sibling="infer",
             sweeps=REFUSED)
    parts = LIMIT | {"max_parts": 2}
    accept("infer-parts", "As many parts as the limit.", ["tp.infer.multipart"],
           message(f.stream(), INFER, Manifest((HALVES, FLOATS))), {"chunks": [1]}, parts)
    third = Manifest((HALVES, FLOATS, Tensor("z", "int64", (0,), b"")))
    f.decode("infer-parts-over", "A part more than the limit, though it is empty and its spec would fit.",
             ["tp.infer.multipart"],
             records(f.stream(), third.wire(), [t.data for t in third.tensors]).error("oversize.declared"), limits=parts,
             sibling="infer-parts", sweeps={"chunks": [1], "after": True})
    atomic = records(f.stream(), Manifest((HALVES, FLOATS)).wire(), [HALVES.data, FLOATS.data[:-1]])
    atomic.error("spec.mismatch")
    f.decode("infer-atomic", "A good tensor beside a bad one is not delivered, nor the header before it.",
             ["tp.error.atomic"], atomic, limits=LIMIT, sibling="infer-tensors", sweeps={"chunks": [1], "after": True})
    first = records(f.stream(), Manifest((HALVES, FLOATS)).wire(), [HALVES.data[:-1], FLOATS.data])
    f.decode("infer-atomic-first", "A bad tensor before a good one takes it along.", ["tp.error.atomic"],
             first.error("spec.mismatch"), limits=LIMIT, sibling="infer-tensors",
             sweeps={"chunks": [1], "after": True})
    return f


def manifests() -> Family:
    """Bytes that mean the same manifest, and bytes that are none."""
    f = Family("tp", "manifests", "Manifests as protobuf messages: evolution, kwargs, and bytes that are no manifest.")
    few = {"chunks": [1]}

    def accept(slug: str, why: str, rules: list[str], manifest: Manifest, body: bytes | None = None,
               sweeps=few) -> None:
        f.decode(slug, why, rules, message(f.stream(), INFER, manifest, body), limits=LIMIT, sweeps=sweeps,
                 canonical=body is None)

    def refuse(slug: str, why: str, rules: list[str], body: bytes, error: str, sibling: str = "infer",
               parts: tuple[bytes, ...] = (), limits: dict = LIMIT, sweeps: dict | None = None) -> None:
        f.decode(slug, why, rules, records(f.stream(), body, list(parts)).error(error), limits=limits, sibling=sibling,
                 sweeps=sweeps or {"chunks": [1], "after": True})

    one = protobuf.integer(1, 1)
    unknown, number = "tp.manifest.unknown-fields", "tp.manifest.message"
    accept("unknown-fields", "Fields of every wire type that version 1 does not know are ignored.", [unknown],
           Manifest(), one + protobuf.integer(100, 7) + protobuf.double(101, 2.5) + protobuf.chunk(102, b"new")
           + protobuf.key(103, protobuf.FIXED32) + b"\1\2\3\4")
    accept("unknown-in-spec", "An unknown field of a spec is ignored.", [unknown], Manifest((HALVES,)),
           one + protobuf.chunk(2, HALVES.wire() + protobuf.text(9, "row-major")))
    accept("fields-reversed", "Fields may stand in any order, the version last.", ["tp.manifest.version-first"],
           Manifest((HALVES,), {"a": 1}),
           protobuf.chunk(3, protobuf.struct_({"a": 1})) + protobuf.chunk(2, HALVES.wire()) + one)
    accept("version-padded", "A varint may be longer than needed.", [number], Manifest(),
           protobuf.key(1, protobuf.VARINT) + protobuf.varint(1, 3))
    accept("version-twice", "Of a field that stands twice the last one counts.", [number], Manifest(),
           protobuf.integer(1, 2) + one)
    accept("defaults-written", "A field that is written with its default value is as if it were not.", [number],
           Manifest(), one + protobuf.text(4, ""))
    loose = protobuf.text(1, "cond") + protobuf.text(3, "bfloat16") + protobuf.integer(4, 2) + protobuf.integer(4, 2)
    accept("shape-unpacked", "A shape may come unpacked.", [number],
           Manifest((Tensor("cond", "bfloat16", (2, 2), HALVES.data),)), one + protobuf.chunk(2, loose))

    kwargs = "tp.kwargs.value"
    accept("kwargs", "Every kind of value of a Struct.", [kwargs], Manifest(kwargs={
        "bool": True, "list": [1, "two", None, [False]], "null": None, "number": -2.5, "object": {"deep": {"er": 1}},
        "text": "naïve ☃ 𝄞"}), sweeps=SHOWN)
    accept("kwargs-defaults", "Values that are 0, false, empty or null are there.", [kwargs], Manifest(kwargs={
        "empty": "", "false": False, "list": [], "null": None, "object": {}, "zero": 0}), sweeps=SHOWN)
    accept("kwargs-names", "Any string is a name: empty, of another script, or one that a language knows.", [kwargs],
           Manifest(kwargs={"": 1, "__proto__": 2, "constructor": 3, "ключ": 4}))
    accept("kwargs-names-inside", "The names inside an object are strings like all others.", [kwargs],
           Manifest(kwargs={"a": {"__proto__": {"b": 1}, "toString": 2}, "b": [{"__proto__": 3}]}))
    accept("kwargs-safe-integers", "The largest integers that a Struct carries exactly.", [kwargs],
           Manifest(kwargs={"max": (1 << 53) - 1, "min": 1 - (1 << 53)}))
    for slug, item, why in (
        ("no-kind", b"", "A value without a kind is none."),
        ("nan", protobuf.double(2, float("nan")), "A Struct has no number that is none."),
        ("infinity", protobuf.double(2, float("inf")), "A Struct has no infinite number."),
    ):
        entry = protobuf.text(1, "a") + protobuf.chunk(2, item)
        refuse(f"kwargs-{slug}", why, [kwargs], one + protobuf.chunk(3, protobuf.chunk(1, entry)), "header.length",
               "kwargs")

    version = "tp.manifest.version"
    for slug, body, why in (
        ("version-absent", b"", "An absent version is 0, and not 1."),
        ("version-zero", protobuf.integer(1, 0), "Version 0 is not 1."),
        ("version-2", protobuf.integer(1, 2), "Version 2 is not spoken here."),
        ("version-257", protobuf.integer(1, 257), "Version 257 is not cut to 1."),
        ("version-max", protobuf.integer(1, 0xFFFFFFFF), "The largest version is not spoken here."),
    ):
        refuse(slug, why, [version], body, "version", sweeps=None if body else LACKING)
    unsorted = protobuf.chunk(2, FLOATS.wire()) + protobuf.chunk(2, HALVES.wire())
    refuse("version-before-specs", "The version is judged before a spec is looked at, wherever it stands.",
           ["tp.manifest.version-first", version], unsorted + protobuf.integer(1, 2), "version", "infer-tensors")

    for slug, body, why in (
        ("body-truncated", one + b"\x12\x05\x0a", "A spec longer than the manifest."),
        ("body-key-cut", one + b"\x80", "A key that breaks off."),
        ("body-field-zero", one + protobuf.integer(0, 1), "There is no field 0."),
        ("body-group", one + protobuf.key(100, 4), "The end of a group that never began."),
        ("body-wire-type-7", one + protobuf.key(100, 7), "There is no wire type 7."),
        ("body-varint-long", one + protobuf.key(100, 0) + b"\xff" * 10 + b"\x01", "A varint of eleven bytes."),
        ("body-not-utf8", one + protobuf.chunk(4, b"\xff\xfe"), "A string that is not UTF-8."),
    ):
        refuse(slug, why, [number], body, "header.length")
    refuse("judged-at-end", "A bad manifest is refused at the end of the frame, behind its tensors.",
           ["tp.manifest.judged.frame-end"], protobuf.integer(1, 2) + protobuf.chunk(2, HALVES.wire()), "version",
           "infer-tensor", (HALVES.data,))
    refuse("judged-at-end-spec", "So is a spec that its tensor does not fit.", ["tp.manifest.judged.frame-end"],
           Manifest((HALVES, FLOATS)).wire(), "spec.mismatch", "infer-tensors", (HALVES.data + b"\0", FLOATS.data))

    note = Manifest(kwargs={"note": "x" * 60})
    size = len(note.wire())
    f.decode("manifest-limit", "A manifest as long as its limit is accepted.", ["tp.manifest.limit"],
             message(f.stream(), INFER, note), limits=WIDE | {"max_manifest_length": size}, sweeps={"chunks": [1]})
    refuse("manifest-over", "A manifest above its limit is refused before it is parsed.", ["tp.manifest.limit"],
           Manifest(kwargs={"note": "x" * 61}).wire(), "oversize.declared", "manifest-limit",
           limits=WIDE | {"max_manifest_length": size})
    return f
