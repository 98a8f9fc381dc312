"""Requests: the frame behind the header, its records, and the ids that stand in both."""

from dataclasses import replace

from families.pp import INPUT, LM, Envelope, broken_request, request
from families.tp import INFER, LIMIT, REFUSED, SMALL, Header, Tensor, head
from families.tp_headers import NEGATIVE, POSITIVE
from layout import Family, Stream, varied

HALF = Tensor("hidden", "float16", (2, 3), varied(12, 5))
TWO = LM | {"num_tokens": 2}


def requests() -> Family:
    f = Family("pp-envelope", "requests", "Requests with INFER, and frames that are cut or too long.")
    payload, cut, oversize = "pp.infer.payload", "pp.infer.cut", "pp.infer.oversize"

    def accept(slug: str, why: str, rules: list[str], stream: Stream, sweeps=None, limits=LIMIT, proof=False) -> None:
        f.decode(slug, why, rules, stream, limits=limits, sweeps=SMALL if sweeps is None else sweeps, proof=proof)

    accept("infer", "The smallest request: a header, and a frame with one token.", [payload, "pp.lm.tensors"],
           request(f.stream()), SMALL | {"prefix": [{"from": 40, "width": 8}], "pairs": 56, "repeat": [2, 100]})
    accept("infer-hidden", "Activations of a later stage: bytes are the part behind the envelope.",
           [payload, "tp.spec.data"], request(f.stream(), Envelope(tensors=(HALF,), lm=TWO)))
    more = Envelope(tensors=(Tensor("extra", "float32", (0,), b""), HALF, Tensor("mask", "int64", (1,), varied(8, 6))),
                    lm=TWO)
    accept("infer-tensors", "Tensors beyond those that the step names are allowed, an empty one too.",
           [payload, "pp.spec.tensors", "tp.spec.parts"], request(f.stream(), more),
           {"cuts": True, "chunks": True, "eof": True, "reset": True, "glue": True})
    for slug, header in (("infer-distinct", POSITIVE), ("infer-negative", NEGATIVE)):
        accept(slug,
               "Counters, prefix and record lengths are told apart by their places, and stand in the envelope again.",
               ["pp.header.layout", "pp.envelope.ids", payload, "tp.header.int64-exact"],
               request(f.stream(), Envelope(replace(header, action="INFER"))), {"chunks": [1, 7, 40]}, proof=True)
    both = request(request(f.stream()), Envelope(Header(8, 4, 8, 1, "INFER"), (HALF,), TWO))
    accept("infer-two", "Two requests in a row, each with its own payload.", ["pp.boundary.glued"], both)
    zeros = Envelope(Header(0, 0, 0, 0, "INFER"))
    accept("infer-zero-ids", "Ids of 0 are left out of the envelope, and equal to the header's.", ["pp.envelope.ids"],
           request(f.stream(), zeros))
    wide = Tensor("hidden", "float32", (1, 75), varied(300, 15))
    accept("infer-wide", "A frame whose length has two bytes.", ["pp.infer.payload"],
           request(f.stream(), Envelope(tensors=(wide,))), {"chunks": [1, 3, 40]})
    large = Tensor("hidden", "float32", (25, 700), varied(70000, 12))
    accept("infer-large", "Activations that span many reads.", ["pp.boundary.chunking"],
           request(f.stream(), Envelope(tensors=(large,), lm=LM | {"num_tokens": 25})), {"chunks": [997, 4096, 65536]},
           {"max_frame_length": 131072})
    offsets = broken_request(request(Header().put(f.stream()).message({"header": Header().value()})),
                             Envelope(version=2)).error("version")
    f.decode("infer-offsets", "Offsets count the headers and frames before, not the bytes of one frame.",
             ["pp.manifest.version"], offsets, limits=LIMIT, sibling="infer-two", sweeps={"chunks": [1], "after": True})

    f.decode("infer-no-frame", "A header with INFER and no frame is inside a request, and no clean end.", [cut],
             INFER.put(f.stream()), limits=LIMIT, at_eof="eof.in-prefix", sibling="infer",
             sweeps={"cuts": True, "chunks": [1], "empty": True, "reset": True, "glue": True})
    f.decode("infer-prefix-cut", "Seven bytes of the frame's prefix.", [cut],
             INFER.put(f.stream()).put("length", b"\0" * 7, note="cut"), limits=LIMIT, at_eof="eof.in-prefix",
             sibling="infer", sweeps={"chunks": [1], "reset": True, "glue": True})
    wire, part = Envelope().wire(), len(INPUT.data)
    body = head(f.stream(), 16 + len(wire) + part).put("record_length", len(wire).to_bytes(8, "big"))
    body.put("envelope", wire).put("record_length", part.to_bytes(8, "big")).put("tensor", INPUT.data[:-1], note="cut")
    f.decode("infer-body-cut", "A frame that lacks its last byte.", [cut], body, limits=LIMIT, at_eof="eof.in-body",
             sibling="infer", sweeps={"chunks": [1], "reset": True, "glue": True})

    size = 8 + len(Envelope().wire()) + 8 + len(INPUT.data)
    limit = {"max_frame_length": size}
    accept("infer-limit", "A frame as long as the limit is accepted.", [oversize], request(f.stream()),
           {"cuts": True, "chunks": [1], "eof": True, "ladder": True}, limit)
    f.decode("infer-over", "A frame above the limit is refused with no byte of it present.", [oversize],
             head(f.stream(), size + 1).error("oversize.declared"), limits=limit, sibling="infer-limit",
             sweeps={"cuts": True, "chunks": [1], "after": True, "reset": True})
    f.decode("infer-terabyte", "48 bytes that promise a terabyte cost nothing.", [oversize, "pp.limit.allocation"],
             head(f.stream(), 1 << 40).error("oversize.declared"), limits=LIMIT, sibling="infer",
             sweeps={"chunks": [1], "after": True, "reset": True}, defects=["tokio-rs/tokio#333"])
    typed = head(f.stream(), 24 + len(wire) + part).put("record_length", ((1 << 63) + len(wire)).to_bytes(8, "big"))
    typed.put("envelope", bytes(range(8)) + wire).put("record_length", part.to_bytes(8, "big")).put("tensor",
        INPUT.data)
    f.decode("infer-typed", "The payload is untyped multipart: bit 63 announces no hash.", [payload],
             typed.error("eof.in-body"), limits=LIMIT, sibling="infer", sweeps=REFUSED)
    huge = Tensor("hidden", "float16", (2, (1 << 52) - 1), b"")
    f.decode("infer-huge-shape", "A shape that promises 2^54 bytes costs nothing.", ["pp.limit.allocation"],
             broken_request(f.stream(), Envelope(tensors=(huge,), lm=TWO), parts=[HALF.data]).error("spec.mismatch"), limits=LIMIT,
             sibling="infer-hidden",
             sweeps={"chunks": [1], "after": True})
    def records(size: int, length: int) -> Stream:
        """An envelope said to be `length` bytes long, and its tensor, in a frame of `size`."""
        return (head(f.stream(), size).put("record_length", length.to_bytes(8, "big")).put("envelope", wire)
                .put("record_length", part.to_bytes(8, "big")).put("tensor", INPUT.data))

    size = 16 + len(wire) + part
    for slug, stream, error, why in (
        ("infer-empty-frame", head(f.stream(), 0), "eof.in-prefix", "A frame without a body record."),
        ("infer-left-over", records(size + 3, len(wire)).put("record_length", b"\0\0\0", note="cut"), "eof.in-prefix",
         "Three bytes behind the last record."),
        ("infer-record-cut", records(size, size - 7), "eof.in-body", "An envelope longer than its frame."),
    ):
        f.decode(slug, why, ["pp.infer.multipart"], stream.error(error), limits=LIMIT, sibling="infer", sweeps=REFUSED)
    parts = LIMIT | {"max_parts": 1}
    accept("infer-parts", "As many parts as the limit.", ["pp.infer.multipart"], request(f.stream()), {"chunks": [1]},
           parts)
    f.decode("infer-parts-over", "More parts than the limit, though their specs would fit.", ["pp.infer.multipart"],
             broken_request(f.stream(), Envelope(tensors=(INPUT, Tensor("z", "int64", (0,), b""))))
             .error("oversize.declared"), limits=parts, sibling="infer-parts", sweeps={"chunks": [1], "after": True})
    atomic = broken_request(f.stream(), more, parts=[b"", HALF.data, b"\1"]).error("spec.mismatch")
    f.decode("infer-atomic", "A good tensor beside a bad one is not delivered, nor the header before it.",
             ["pp.error.atomic"], atomic, limits=LIMIT, sibling="infer-tensors", sweeps={"chunks": [1], "after": True})

    ids = "pp.envelope.ids"
    for slug, given, why in (
        ("ids-call-id", {"call_id": 8}, "The envelope of another call."),
        ("ids-call-id-2-32", {"call_id": 7 + (1 << 32)}, "A call_id is compared in all its 64 bits."),
        ("ids-chunk-index", {"chunk_index": 0}, "An absent chunk_index is 0, and not the header's."),
        ("ids-chunk-index-next", {"chunk_index": 4}, "The chunk_index of the next call."),
        ("ids-cache-epoch", {"cache_epoch": -1}, "Another cache epoch, and a negative one."),
        ("ids-cache-epoch-absent", {"cache_epoch": 0}, "An absent cache_epoch is 0, and not the header's."),
        ("ids-action", {"action": 2}, "SHUTDOWN in the envelope of an INFER."),
        ("ids-action-absent", {"action": 0}, "An absent action is NOOP."),
        ("ids-action-unknown", {"action": 9}, "An action that version 1 does not know is not the header's."),
    ):
        f.decode(slug, why, [ids], broken_request(f.stream(), Envelope(ids=given)).error("header.field"), limits=LIMIT,
                 sibling="infer", sweeps={"chunks": [1], "after": True})
    near = Header((1 << 53) + 1, 3, 7, 1, "INFER")
    f.decode("ids-2-53", "2^53 is not 2^53 + 1, though a double takes them for one.", [ids],
             broken_request(f.stream(), Envelope(near, ids={"call_id": 1 << 53})).error("header.field"), limits=LIMIT,
             sibling="ids-2-53-same", sweeps={"chunks": [1], "after": True})
    accept("ids-2-53-same", "2^53 + 1 in both places.", [ids], request(f.stream(), Envelope(near)), {"chunks": [1]})
    return f
