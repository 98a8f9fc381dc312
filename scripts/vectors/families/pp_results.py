"""Results: frames without a header, and what an ok and an error result carry."""


import protobuf
from families.pp import HIDDEN, Result, broken_result, result
from families.tp import LACKING, LIMIT, REFUSED, SHOWN, SMALL, Tensor
from layout import Family, Stream, varied

LOGITS = Tensor("logits", "bfloat16", (2, 2), varied(8, 9))
ERROR = Result((), ok=False, error_message="out of memory")
INDEXED = Tensor("a", "float32", (0,), b"", 1), Tensor("a", "float32", (0,), b"", 2)
# Numbers of one type of which no two are alike, and times that float32 does not hold: `position.ts` demands it.
EVERY_NUMBER = {
    "fields": Result(INDEXED, 0x2122232425262729, 0x3132333435363739, 0x4142434445464749, True, "", 3_000_000_000,
                     0x5152535455565759, 0x6162636465666769, 0.1),
    "fields-other": Result(INDEXED, -0x2122232425262729, -0x3132333435363739, -0x4142434445464749, True, "", 272,
                           -0x5152535455565759, -0x6162636465666769, 1234.56),
}


def results() -> Family:
    f = Family("pp-result", "results", "Results, and frames that are cut or too long.")
    layout, ok = "pp.result.layout", "pp.result.ok-default"
    message, tensors = "pp.result.error-message", "pp.result.tensors"

    def accept(slug: str, why: str, rules: list[str], stream: Stream, sweeps=None, limits=LIMIT, proof=False,
               canonical=True) -> None:
        f.decode(slug, why, rules, stream, limits=limits, sweeps=SMALL if sweeps is None else sweeps, proof=proof,
                 canonical=canonical)

    few = {"chunks": [1]}
    accept("ok", "One result with one tensor; ok is absent, and so true.", [layout, ok, message, tensors],
           result(f.stream()), SMALL | {"prefix": [{"from": 0, "width": 8}], "pairs": 16, "repeat": [2, 100]})
    accept("error", "An error result has its message and no tensors.", [layout, message, tensors],
           result(f.stream(), ERROR))
    accept("tensors", "Three tensors, an empty one too, in the order of their specs.", [layout, "pp.spec.tensors"],
           result(f.stream(), Result((Tensor("a", "int64", (0, 4), b""), HIDDEN, LOGITS))),
           {"cuts": True, "chunks": True, "eof": True, "reset": True, "glue": True})
    two = result(result(f.stream()), Result((), 8, 4, 1, ok=False, error_message="no such layer"))
    accept("two", "Two results in a row, an ok one and an error.", ["pp.boundary.glued"], two)
    accept("observed", "What a video stage reports beside its tensor.", [layout],
           result(f.stream(), Result(observed_generator_calls=5, mesh_current_start_frame=12, stage1_ms=41.5)))
    one, other = (1 << 53) + 1, -((1 << 53) + 3)
    for slug, sign, digest in (("distinct", 1, -0x0102030405060708), ("negative", -1, 0x1112131415161718)):
        ids = [sign * number for number in (0x2122232425262728, 0x3132333435363738, 0x4142434445464748,
                                            0x5152535455565758)]
        accept(slug, "Ids, frame index and digest are exact and told apart by their numbers.", [layout],
               result(f.stream(),
                      Result((HIDDEN,), *ids[:3], mesh_current_start_frame=ids[3], output_digest_i64=digest)),
               few, proof=True)
    for slug, given in EVERY_NUMBER.items():
        accept(slug, "Every number is read from its own field, and a time is a double.", [layout],
               result(f.stream(), given), few)
    accept("ids-2-53", "Neighbours of 2^53 stay apart.", [layout],
           result(f.stream(), Result((HIDDEN,), one, 1 << 53, other)), few)
    accept("extremes", "The ends of int64 and uint32, and a digest of 0, which is there.", [layout],
           result(f.stream(), Result((HIDDEN,), (1 << 63) - 1, -(1 << 63), -1, observed_generator_calls=(1 << 32) - 1,
                                     output_digest_i64=0, stage1_ms=0.0)), SHOWN)
    accept("ok-written", "An ok that is true may stand on the wire.", [ok],
           result(f.stream(), Result(), Result().wire() + protobuf.integer(6, 1)), few, canonical=False)
    accept("ok-wide", "Any ok but 0 is true, one whose low 32 bits are 0 too.",
           [ok, "pp.manifest.protobuf", "tp.manifest.varint"],
           result(f.stream(), Result(), Result().wire() + protobuf.integer(6, 1 << 40)), few, canonical=False)
    accept("ok-padded", "An ok in more bytes than it needs is true, though its last byte is 0.",
           [ok, "pp.manifest.protobuf", "tp.manifest.varint"],
           result(f.stream(), Result(), Result().wire() + protobuf.key(6, 0) + protobuf.varint(1, 3)), few,
           canonical=False)
    accept("ok-last", "Of an ok that stands twice the last one counts.",
           [ok, "pp.manifest.protobuf", "tp.manifest.twice"],
           result(f.stream(), Result(), Result().wire() + protobuf.integer(6, 0) + protobuf.integer(6, 1)), few,
           canonical=False)
    accept("message-text", "A message is any text: of another script, with NUL, with the word ok.", [message],
           result(f.stream(), Result((), ok=False, error_message="ok\0naïve ☃ 𝄞 {}")), few)
    wide = Tensor("hidden", "float32", (1, 75), varied(300, 16))
    accept("wide", "A frame whose length has two bytes.", [layout], result(f.stream(), Result((wide,))), {"chunks": [1, 3]})
    large = Tensor("hidden", "float32", (25, 700), varied(70000, 13))
    accept("large", "Activations that span many reads.", ["pp.boundary.chunking"], result(f.stream(), Result((large,))),
           {"chunks": [997, 4096, 65536]}, {"max_frame_length": 131072})

    f.decode("end-at-start", "A connection that ends before its first byte ended cleanly.",
             [layout, "len64.eof.boundary"],
             f.stream(), limits=LIMIT, sweeps={"empty": True, "reset": True})
    f.decode("prefix-cut", "Seven bytes of a frame's prefix.", [layout, "len64.eof.mid-prefix"],
             f.stream().put("length", b"\0" * 7, note="cut"), limits=LIMIT, at_eof="eof.in-prefix", sibling="ok",
             sweeps={"cuts": True, "chunks": [1], "empty": True, "reset": True, "glue": True})
    wire, part = Result().wire(), len(HIDDEN.data)

    def records(length: int, tensor: bytes) -> Stream:
        """A result said to be `length` bytes long, and its tensor, in the frame that both fill."""
        stream = f.stream().put("length", (16 + len(wire) + part).to_bytes(8, "big"))
        stream.put("record_length", length.to_bytes(8, "big")).put("result", wire)
        return stream.put("record_length", part.to_bytes(8, "big")).put("tensor", tensor)

    f.decode("body-cut", "A frame that lacks its last byte.", [layout, "len64.eof.mid-body"],
             records(len(wire), HIDDEN.data[:-1]), limits=LIMIT, at_eof="eof.in-body", sibling="ok",
             sweeps={"chunks": [1], "reset": True, "glue": True})
    size = 8 + len(Result().wire()) + 8 + len(HIDDEN.data)
    limit = {"max_frame_length": size}
    accept("limit", "A frame as long as the limit is accepted.", [layout, "len64.limit.exact"], result(f.stream()),
           {"cuts": True, "chunks": [1], "eof": True, "ladder": True}, limit)
    for slug, length, limits, sibling in (("over", size + 1, limit, "limit"), ("terabyte", 1 << 40, LIMIT, "ok")):
        f.decode(slug, "A frame above the limit is refused with no byte of it present, whatever it promises.",
                 [layout, "len64.limit.oversize", "pp.limit.allocation"],
                 f.stream().put("length", length.to_bytes(8, "big"), note=str(length)).error("oversize.declared"),
                 limits=limits, sibling=sibling, sweeps={"cuts": True, "chunks": [1], "after": True, "reset": True})
    empty = f.stream().put("length", bytes(8), note="0").error("eof.in-prefix")
    f.decode("empty-frame", "A frame without a body record.", [layout], empty, limits=LIMIT, sibling="ok",
             sweeps=REFUSED)
    long = records(9 + len(wire) + part, HIDDEN.data).error("eof.in-body")
    f.decode("record-cut", "A result longer than its frame.", [layout], long, limits=LIMIT, sibling="ok", sweeps=REFUSED)
    typed = f.stream().put("length", (24 + len(wire) + part).to_bytes(8, "big"))
    typed.put("record_length", ((1 << 63) + len(wire)).to_bytes(8, "big")).put("result", bytes(range(8)) + wire)
    typed.put("record_length", part.to_bytes(8, "big")).put("tensor", HIDDEN.data)
    f.decode("typed", "The payload is untyped multipart: bit 63 announces no hash.", [layout],
             typed.error("eof.in-body"),
             limits=LIMIT, sibling="ok", sweeps=REFUSED)
    parts = LIMIT | {"max_parts": 1}
    accept("parts", "As many parts as the limit.", [layout, "multipart.limit.parts"], result(f.stream()), few, parts)
    f.decode("parts-over", "A part more than the limit, though its spec would fit.", [layout, "multipart.limit.parts"],
             broken_result(f.stream(), Result((HIDDEN, LOGITS))).error("oversize.declared"), limits=parts,
             sibling="parts", sweeps={"chunks": [1], "after": True})
    second = broken_result(result(f.stream()), Result(version=2)).error("version")
    f.decode("second-refused", "The result before a refused one is delivered, and offsets count on.",
             ["pp.error.sticky", "pp.manifest.version"], second, limits=LIMIT, sibling="two", sweeps=REFUSED)

    def refuse(slug: str, why: str, rules: list[str], given: Result, error: str, sibling: str, parts=None,
               body=None, sweeps: dict | None = None) -> None:
        stream = broken_result(f.stream(), given, body, parts).error(error)
        f.decode(slug, why, rules, stream, limits=LIMIT, sibling=sibling,
                 sweeps=sweeps or {"chunks": [1], "after": True})

    field, mismatch = "header.field", "spec.mismatch"
    refuse("atomic", "A good tensor beside a bad one is not delivered, nor the result.", ["pp.error.atomic"],
           Result((HIDDEN, LOGITS)), mismatch, "tensors", [HIDDEN.data, LOGITS.data[:-1]])
    refuse("ok-with-message", "An ok result with an error message.", [message], Result(error_message="but"), field,
           "ok")
    refuse("error-no-message", "An error result that does not say why.", [message], Result((), ok=False), field,
           "error", sweeps=LACKING)
    refuse("ok-no-tensors", "An ok result without a tensor.", [tensors], Result(()), mismatch, "ok", sweeps=LACKING)
    refuse("error-with-tensors", "An error result with a tensor.", [tensors],
           Result(ok=False, error_message="half done"), mismatch, "error")
    refuse("error-with-part", "An error result with a part, and no spec.", ["pp.spec.tensors", "tp.spec.parts"], ERROR,
           mismatch,
           "error", [b""])
    for slug, number in (("nan", float("nan")), ("infinity", float("-inf"))):
        refuse(f"stage-{slug}", "A time that is no finite number.", ["pp.manifest.protobuf", "tp.manifest.finite"],
               Result(stage1_ms=number), field, "observed")
    return f
