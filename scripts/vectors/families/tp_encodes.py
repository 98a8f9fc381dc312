"""What a TP encoder emits, and what it refuses before a byte leaves."""

from dataclasses import replace

from families.tp import INFER, LIMIT, SLOTS, Header, Manifest, Tensor, message, value
from families.tp_headers import NEGATIVE, POSITIVE
from families.tp_infer import FLOATS, HALVES, LONGS
from families.tp_specs import EVERY_FIELD, STEP, V1, tensor
from layout import Family

TURN = {"again": True, "glue": True}
LAYOUT, FIELDS, MATCH = "tp.encode.layout", "tp.encode.field-range", "tp.encode.payload-matches-action"
# A spec with the largest index and the largest dimension, of no bytes, and each field of it with what its type cannot carry.
LARGEST = Tensor("k", "float32", ((1 << 53) - 1, 0), b"", (1 << 32) - 1)
BEYOND = (
    ("index-over", "2^32 is no uint32, and not 0.", replace(LARGEST, index=1 << 32)),
    ("index-negative", "-1 is no uint32, and not its largest.", replace(LARGEST, index=-1)),
    ("index-fraction", "Half an index is none.", replace(LARGEST, index=0.5)),
    ("dimension-2-64", "2^64 is no uint64, and not 0.", replace(LARGEST, shape=(1 << 64, 0))),
    ("dimension-negative", "-1 is no uint64, and leaves no size open.", replace(LARGEST, shape=(-1, 0))),
    ("dimension-fraction", "Half a dimension is none.", replace(LARGEST, shape=(0.5, 0))),
)
# A uint64 carries it, but no dimension is as large.
WIDE = ("dimension-over", "2^63 is a uint64, and no dimension.", replace(LARGEST, shape=(1 << 63, 0)))


def encodes() -> Family:
    f = Family("tp", "encode", "Messages and their bytes; refusals that emit nothing.")

    def encode(slug: str, why: str, rules: list[str], header: Header, manifest: Manifest | None = None,
               given: dict | None = None, level: str = "must", limits: dict = LIMIT) -> None:
        stream = message(f.stream(), header, manifest)
        f.encode(slug, why, rules, given or stream.events[0]["value"], stream, limits=limits, level=level,
                 sweeps=TURN)

    def refuse(slug: str, why: str, rule: str, given: dict, error: str = "header.field", sibling: str = "encode-noop",
               limits: dict = LIMIT) -> None:
        f.encode(slug, why, [rule], given, error, limits=limits, sibling=sibling, sweeps={"after": True, "again": True})

    encode("encode-noop", "NOOP is 40 bytes.", [LAYOUT, "tp.header.layout"], Header())
    encode("encode-shutdown", "SHUTDOWN is 40 bytes.", [LAYOUT, "tp.action.values"], Header(action="SHUTDOWN"))
    layout = ["tp.header.layout", "tp.header.byte-order", "tp.header.int64-exact"]
    encode("encode-distinct-positive", "Every byte of the four counters is another.", layout, POSITIVE)
    encode("encode-distinct-negative", "Four negative counters, beyond what a double holds.", layout, NEGATIVE)
    encode("encode-extremes", "The ends of int64 are values like any other.", ["tp.header.int64-exact"],
           Header(-(1 << 63), (1 << 63) - 1, -1, 0))
    encode("encode-2-53", "Neighbours of 2^53 stay apart.", ["tp.header.int64-exact"],
           Header((1 << 53) + 1, 1 << 53, -(1 << 53) - 1, (1 << 53) - 1))

    encode("encode-infer", "The smallest INFER: header, frame, a manifest of its version.",
           [LAYOUT, "tp.infer.payload"], INFER)
    encode("encode-infer-tensor", "A tensor's bytes are the part behind the manifest.", [LAYOUT, "tp.spec.data"], INFER,
           Manifest((FLOATS,)))
    three = Manifest((HALVES, FLOATS, LONGS))
    encode("encode-infer-tensors", "Three tensors in the order of their specs.", [LAYOUT, "tp.spec.order"], INFER,
           three)
    shuffled = Manifest((LONGS, HALVES, FLOATS))
    encode("encode-infer-sorts", "An encoder sorts the tensors itself.", [LAYOUT, "tp.spec.order"], INFER, three,
           value(f, INFER, shuffled))
    utf8 = (tensor("\uff5e", 1), tensor("\U0001d11e", 1))
    encode("encode-infer-sorts-utf8", "The order of keys is that of UTF-8.", ["tp.spec.order"], INFER, Manifest(utf8),
           value(f, INFER, Manifest(utf8[::-1])))
    indexed = (tensor("k", 1), tensor("k", 1, index=2), tensor("k", 1, index=10))
    encode("encode-infer-sorts-index", "An absent index first, then numbers.", ["tp.spec.order"], INFER,
           Manifest(indexed), value(f, INFER, Manifest(indexed[::-1])))
    encode("encode-infer-kwargs", "One argument.", [LAYOUT], INFER, Manifest(kwargs={"temperature": 0.75}))
    encode("encode-infer-canonical", "Arguments in the order of their names, fields in the order of their numbers.",
           ["tp.encode.canonical"], INFER,
           Manifest((HALVES,), {"zeta": [1, None], "alpha": {"b": False, "a": ""}, "Beta": -1}, "v0_full_pipeline"),
           level="should")
    encode("encode-infer-names", "Names that look like numbers are in the order of their bytes as well.",
           ["tp.encode.canonical"], INFER, Manifest(kwargs={"!": 1, "10": 2, "9": 3, "\uff5e": 4, "\U0001d11e": 5}),
           level="should")
    encode("encode-infer-name-empty", "An entry is written with its name, also when that is empty.",
           ["tp.encode.canonical"], INFER,
           Manifest(kwargs={"": 0, "a": ""}), level="should")
    encode("encode-infer-index-zero", "An index of 0 is written, since an absent one is another.",
           ["tp.encode.canonical"], INFER,
           Manifest((tensor("k", 1), tensor("k", 1, index=0))), level="should")
    cond, steps = tensor("conditioning_embeds", 3, dtype="bfloat16"), tensor("denoising_step_list", 4, dtype="int64")
    latents = tensor("latents", 2, 2, dtype="bfloat16")
    plan = Manifest((cond, steps, latents), tp_plan=V1, video=STEP)
    encode("encode-infer-plan", "A plan with its video step.", ["tp.plan.video", LAYOUT], INFER, plan)
    ends = {"height": (1 << 32) - 1, "width": 0, "current_start_frame": (1 << 63) - 1, "base_seed": -(1 << 63)}
    encode("encode-video-ends", "The ends of uint32 and int64 are values like any other.", [FIELDS, LAYOUT], INFER,
           Manifest(plan.tensors, tp_plan=V1, video=STEP | ends))
    encode("encode-spec-largest", "The largest index, and the largest dimension beside one of 0.", [FIELDS, LAYOUT],
           INFER, Manifest((LARGEST,)))
    for slug, manifest in EVERY_FIELD.items():
        encode(f"encode-infer-{slug}", "Bools, numbers and doubles of the step are written to their own fields, and whole.",
               [LAYOUT], INFER, manifest)

    for slot in SLOTS:
        for name, number in (("over", 1 << 63), ("under", -(1 << 63) - 1)):
            header = Header().value() | {slot: str(number)}
            refuse(f"encode-{slot.replace('_', '-')}-{name}", f"{number} is no int64, and does not wrap.", FIELDS,
                   {"header": header})
    refuse("encode-action-unknown", "ERROR has no number in version 1.", FIELDS,
           {"header": Header().value() | {"action": "ERROR"}})
    body = {"manifest": Manifest().value(), "tensors": []}
    refuse("encode-noop-manifest", "NOOP carries no manifest.", MATCH, {"header": Header().value()} | body)
    refuse("encode-shutdown-manifest", "SHUTDOWN carries no manifest.", MATCH,
           {"header": Header(action="SHUTDOWN").value()} | body, sibling="encode-shutdown")
    refuse("encode-infer-no-manifest", "INFER without a manifest would strand its receiver.", MATCH,
           {"header": INFER.value()}, sibling="encode-infer")

    def bad(slug: str, why: str, rule: str, manifest: Manifest, error: str, sibling: str = "encode-infer-tensor",
            limits: dict = LIMIT) -> None:
        refuse(slug, why, rule, value(f, INFER, manifest), error, sibling, limits)

    mismatch = "spec.mismatch"
    bad("encode-part-short", "Bytes that are fewer than the shape says.", "tp.spec.part-length",
        Manifest((Tensor("latents", "float32", (2, 3), FLOATS.data[:-1]),)), mismatch)
    bad("encode-dtype-unknown", "A type that the table does not know.", "tp.spec.dtype-known",
        Manifest((Tensor("t", "float31", (1,), b"\0" * 4),)), mismatch)
    bad("encode-key-empty", "A tensor without a name.", "tp.spec.key", Manifest((tensor("", 1),)), mismatch)
    bad("encode-doubled", "Two tensors of one name.", "tp.spec.unique",
        Manifest((tensor("k", 1), tensor("k", 1))), mismatch)
    bad("encode-product-wraps", "A product that wraps to 0 in 64 bits.", "tp.spec.product",
        Manifest((Tensor("t", "float32", (1 << 32, 1 << 32), b""),)), mismatch)
    for slug, why, spec in BEYOND:
        bad(f"encode-{slug}", why, FIELDS, Manifest((spec,)), mismatch, "encode-spec-largest")
    slug, why, spec = WIDE
    bad(f"encode-{slug}", why, "tp.spec.dimension", Manifest((spec,)), mismatch, "encode-spec-largest")
    for slug, why, step in (
        ("height-over", "2^32 is no uint32, and not 0.", {"height": 1 << 32}),
        ("height-negative", "-1 is no uint32, and not its largest.", {"height": -1}),
        ("height-fraction", "Half a pixel is none.", {"height": 0.5}),
        ("seed-over", "2^63 is no int64, and does not wrap.", {"base_seed": 1 << 63}),
        ("seed-under", "-2^63 - 1 is no int64, and does not wrap.", {"base_seed": -(1 << 63) - 1}),
    ):
        bad(f"encode-video-{slug}", why, FIELDS, Manifest(plan.tensors, tp_plan=V1, video=STEP | step), "header.field",
            "encode-video-ends")
    bad("encode-plan-unknown", "There is no plan v2.", "tp.plan.values", Manifest(tp_plan="v2_everything"),
        "header.field", "encode-infer-plan")
    bad("encode-calls", "One generator call too few.", "tp.plan.generator-calls",
        Manifest(plan.tensors, tp_plan=V1, video=STEP | {"tp_expected_generator_calls": 3}), "header.field",
        "encode-infer-plan")
    encode("encode-kwargs-numbers", "Lists of numbers are arguments; what is a tensor stands in the parts.",
           ["tp.kwargs.no-tensors"], INFER,
           Manifest((HALVES,), {"cond": [1.5, -2, 0], "nested": {"rows": [[1, 2], [3, 4]]}}))
    bad("encode-kwargs-2-53", "2^53 is beyond what a Struct carries exactly.", "tp.kwargs.exact",
        Manifest(kwargs={"n": 1 << 53}), "header.field", "encode-infer-kwargs")
    for slug, number in (("huge", 1e300), ("minus-2-53", -(1 << 53))):
        bad(f"encode-kwargs-{slug}", f"{number} is an integer beyond what a Struct carries exactly.", "tp.kwargs.exact",
            Manifest(kwargs={"n": number}), "header.field", "encode-infer-kwargs")
    encode("encode-kwargs-safe", "The largest integers that a Struct carries exactly, and numbers between them.",
           ["tp.kwargs.exact"], INFER, Manifest(kwargs={"a": (1 << 53) - 1, "b": 1 - (1 << 53), "c": 0.1, "d": 5e-324}))
    body = LIMIT | {"max_manifest_length": len(Manifest(kwargs={"note": "x" * 60}).wire())}
    encode("encode-manifest-limit", "A manifest as long as its limit.", ["tp.encode.oversize"], INFER,
           Manifest(kwargs={"note": "x" * 60}), limits=body)
    bad("encode-manifest-over", "A manifest one byte above its limit.", "tp.encode.oversize",
        Manifest(kwargs={"note": "x" * 61}), "oversize.declared", "encode-manifest-limit", body)
    deep: object = {"a": 1}
    for _ in range(29):
        deep = {"a": deep}
    encode("encode-kwargs-depth-30", "Thirty objects inside each other.", ["tp.kwargs.depth"], INFER,
           Manifest(kwargs={"a": deep}))
    bad("encode-kwargs-depth-31", "Thirty-one are too deep for some parsers.", "tp.kwargs.depth",
        Manifest(kwargs={"a": {"a": deep}}), "header.field", "encode-kwargs-depth-30")
    last = value(f, INFER, Manifest((HALVES, FLOATS, Tensor("steps", "int64", (3,), LONGS.data[:-8]))))
    f.encode("encode-fault-last", "The last of three tensors is wrong: no byte of header or frame has left.",
             ["tp.send.order", "tp.send.nothing", "tp.spec.part-length"], last, mismatch, limits=LIMIT, sibling="encode-infer-tensors",
             sweeps={"after": True, "again": True})
    second = value(f, INFER, Manifest((HALVES, Tensor("latents", "float32", FLOATS.shape, FLOATS.data + b"\0"), LONGS)))
    f.encode("encode-fault-between", "A tensor between two good ones is a byte too long: neither of them has left.",
             ["tp.send.order", "tp.send.nothing", "tp.spec.part-length"], second, mismatch, limits=LIMIT, sibling="encode-infer-tensors",
             sweeps={"after": True, "again": True})
    exact = Manifest((tensor("t", 10),))
    limit = {"max_frame_length": 8 + len(exact.wire()) + 8 + 40}
    encode("encode-infer-limit", "A frame as long as the limit.", ["tp.encode.oversize"], INFER, exact, limits=limit)
    bad("encode-infer-over", "A frame above the limit.", "tp.encode.oversize", Manifest((tensor("t", 11),)),
        "oversize.declared", "encode-infer-limit", limit)
    return f
