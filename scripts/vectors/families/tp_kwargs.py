"""kwargs as bytes: what a Struct allows, what stands twice, and how deep it may nest."""

from dataclasses import replace

import protobuf
from families.tp import INFER, LIMIT, Manifest, message, records
from families.tp_headers import NEGATIVE, POSITIVE
from families.tp_specs import STEP, V1, tensor
from layout import Family

ONE = protobuf.integer(1, 1)
WIDE = {"max_frame_length": 1048576}

# What some receivers of other formats have run: pickle, YAML, templates, shells, evaluators.
CODE = {
    "!!python/object/apply:os._exit": [99],
    "$(exit 99)": "`exit 99`; exit 99",
    "__reduce__": "cos\n_exit\n(I99\ntR.",
    "eval": "process.exit(99)",
    "exec": "__import__('os')._exit(99)",
    "template": "${process.exit(99)} {{7*7}} <%= exit(99) %>",
    "toJSON": "() => process.exit(99)",
    "url": "file:///dev/null", "import": "node:process",
}


def entry(name: str, value: bytes) -> bytes:
    return protobuf.chunk(1, protobuf.text(1, name) + protobuf.chunk(2, value))


def objects(levels: int) -> dict:
    """kwargs with so many lists or objects inside each other."""
    inner: object = 1
    for level in range(levels):
        inner = [inner] if level % 3 == 0 else {"a": inner}
    return {"a": inner}


def lists(levels: int) -> bytes:
    """A Value of so many lists inside each other, written from its lengths, which nest too deep to join."""
    sizes, size = [], len(protobuf.integer(1, 0))
    for _ in range(levels):
        item = 1 + len(protobuf.varint(size)) + size
        sizes.append((item, size))
        size = 1 + len(protobuf.varint(item)) + item
    keys = b"".join(protobuf.key(6, 2) + protobuf.varint(item) + protobuf.key(1, 2) + protobuf.varint(inner)
                    for item, inner in reversed(sizes))
    return keys + protobuf.integer(1, 0)


def kwargs() -> Family:
    f = Family("tp", "kwargs", "kwargs as bytes: values, names and sub-messages that stand twice, and depth.")
    value, twice, depth = "tp.kwargs.value", "tp.manifest.twice", "tp.kwargs.depth"

    def accept(slug: str, why: str, rules: list[str], manifest: Manifest, body: bytes | None = None, limits=LIMIT,
               canonical: bool = True) -> None:
        f.decode(slug, why, rules, message(f.stream(), INFER, manifest, body), limits=limits, sweeps={"chunks": [1]},
                 canonical=canonical and body is None)

    def refuse(slug: str, why: str, rules: list[str], body: bytes, sibling: str, error: str = "header.length",
               allowed: tuple[str, Manifest] | None = None, limits=LIMIT) -> None:
        others = [(allowed[0], message(f.stream(), INFER, allowed[1], body))] if allowed else None
        f.decode(slug, why, rules, records(f.stream(), body, []).error(error), limits=limits, sibling=sibling,
                 alternatives=others,
                 sweeps={"chunks": [1, 997]} if others or limits is WIDE else {"chunks": [1], "after": True})

    accept("kwargs-large-numbers", "Any finite number is a number of a Struct, also one that no integer type holds.",
           [value],
           Manifest(kwargs={"huge": 1e300, "least": 5e-324, "most": -1.7976931348623157e308, "tenth": 0.1}),
           canonical=False)
    null = ONE + protobuf.chunk(3, entry("a", protobuf.integer(1, 5)))
    accept("kwargs-null-other", "An enum is open: null with a number that version 1 does not know is null.", [value],
           Manifest(kwargs={"a": None}), null)
    a, b = entry("a", protobuf.double(2, 1)), entry("b", protobuf.double(2, 2))
    refuse("kwargs-twice", "kwargs that stand twice are merged or refused: the second does not replace the first.",
           [twice],
           ONE + protobuf.chunk(3, a) + protobuf.chunk(3, b), "kwargs",
           allowed=("Merged, there are two arguments.", Manifest(kwargs={"a": 1, "b": 2})))
    accept("kwargs-name-twice", "Of two entries with one name the last counts.", [value],
           Manifest(kwargs={"a": 2}), ONE + protobuf.chunk(3, a + entry("a", protobuf.double(2, 2))))
    accept("kwargs-value-first", "The value may stand before its name.", [value], Manifest(kwargs={"a": True}),
           ONE + protobuf.chunk(3,
                                protobuf.chunk(1, protobuf.chunk(2, protobuf.integer(4, 1)) + protobuf.text(1, "a"))))
    accept("kwargs-name-absent", "An entry without a name has the empty one.", [value], Manifest(kwargs={"": True}),
           ONE + protobuf.chunk(3, protobuf.chunk(1, protobuf.chunk(2, protobuf.integer(4, 1)))))
    refuse("kwargs-no-value", "An entry without a value.", [value],
           ONE + protobuf.chunk(3, protobuf.chunk(1, protobuf.text(1, "a"))),
           "kwargs")
    refuse("kwargs-two-kinds", "A value of two kinds.", [value],
           ONE + protobuf.chunk(3, entry("a", protobuf.text(3, "x") + protobuf.double(2, 2))), "kwargs",
           allowed=("A parser that keeps the last member of a oneof sees the number.", Manifest(kwargs={"a": 2})))
    refuse("kwargs-not-utf8", "A string that is not UTF-8.", ["tp.manifest.message"],
           ONE + protobuf.chunk(3, entry("a", protobuf.chunk(3, b"\xc3\x28"))), "kwargs")
    refuse("kwargs-surrogate", "A surrogate alone is no UTF-8.", ["tp.manifest.message"],
           ONE + protobuf.chunk(3, entry("a", protobuf.chunk(3, b"\xed\xa0\x80"))), "kwargs")
    number = ONE + protobuf.integer(3, 5)
    refuse("kwargs-wire-type", "A number in the place of kwargs.", ["tp.manifest.wire-type"], number, "kwargs",
           allowed=("It may be ignored, as an unknown field is.", Manifest()))
    plan = ONE + protobuf.integer(4, 2)
    refuse("plan-wire-type", "A number in the place of the plan: its length is not the plan.",
           ["tp.manifest.wire-type"], plan, "kwargs",
           allowed=("It may be ignored, as an unknown field is.", Manifest()))

    accept("kwargs-depth-30", "Thirty lists and objects inside each other are read.", [depth],
           Manifest(kwargs=objects(30)),
           limits=WIDE)
    accept("kwargs-code", "Code in several languages is text: who runs one of these ends with status 99.",
           ["tp.manifest.nothing-executable"], Manifest(kwargs=CODE))
    accept("plan-code", "The key of a tensor and the name of an argument are text too.", ["tp.manifest.nothing-executable"],
           Manifest((tensor("__import__('os')._exit(99)", 1),), kwargs={"process.exit(99)": True}))
    deep = Manifest(kwargs=objects(60))
    refuse("kwargs-depth-60", "Sixty are more than some parsers read.", [depth], deep.wire(), "kwargs-depth-30",
           allowed=("Others read them.", deep), limits=WIDE)
    refuse("kwargs-depth-12000", "Twelve thousand lists inside each other are refused, and overflow no stack.", [depth],
           ONE + protobuf.chunk(3, entry("a", lists(12000))), "kwargs-depth-30", limits=WIDE)
    refuse("groups-deep", "Twenty thousand groups that open inside each other overflow no stack.",
           ["tp.manifest.message"],
           ONE + protobuf.key(1, 3) * 20000, "kwargs-depth-30", limits=WIDE)

    cond, steps = tensor("conditioning_embeds", 3, dtype="bfloat16"), tensor("denoising_step_list", 4, dtype="int64")
    three = (cond, steps, tensor("latents", 2, 2, dtype="bfloat16"))
    for slug, bias in (("nan", float("nan")), ("infinity", float("inf"))):
        bad = Manifest(three, tp_plan=V1, video=STEP | {"kv_cache_attention_bias": bias})
        f.decode(f"plan-bias-{slug}", "A bias that is no finite number.", ["tp.manifest.finite"],
                 records(f.stream(), bad.wire(), [t.data for t in three]).error("header.field"), limits=LIMIT,
                 sibling="plan-v1",
                 sweeps={"chunks": [1], "after": True})
    f.decode("plan-bias-tiny", "The smallest double, negative, is finite.", ["tp.manifest.finite"],
             message(f.stream(), INFER, Manifest(three, tp_plan=V1, video=STEP | {"kv_cache_attention_bias": -5e-324})),
             limits=LIMIT, sweeps={"chunks": [1]})
    for slug, header, sign in (("distinct", POSITIVE, 1), ("distinct-negative", NEGATIVE, -1)):
        exact = STEP | {"current_start_frame": sign * 0x2122232425262729, "base_seed": sign * 0x3132333435363739}
        f.decode(f"plan-v1-{slug}", "The step's integers of 64 bits are exact and told apart by their numbers.",
                 ["tp.manifest.message", "tp.header.int64-exact"],
                 message(f.stream(), replace(header, action="INFER"), Manifest(three, tp_plan=V1, video=exact)),
                 limits=LIMIT,
                 sweeps={"chunks": [1]}, proof=True)
    alone = Manifest((*three[:2], tensor("latents", 2, index=0, dtype="bfloat16")), tp_plan=V1, video=STEP)
    f.decode("plan-latents-indexed", "A tensor that a plan names stands without an index.", ["tp.spec.named"],
             records(f.stream(), alone.wire(), [t.data for t in alone.tensors]).error("spec.mismatch"), limits=LIMIT,
             sibling="plan-v1", sweeps={"chunks": [1], "after": True})
    faults = Manifest((tensor("b", 1), tensor("a", 1)), tp_plan="v2_everything")
    stream = records(f.stream(), faults.wire(), [t.data for t in faults.tensors])
    f.decode("plan-two-faults", "Specs out of order and an unknown plan: either may be reported.",
             ["tp.manifest.several-faults"],
             stream.error("spec.mismatch"), limits=LIMIT, sibling="plan-v0", sweeps={"chunks": [1]}, alternatives=[
                 ("The plan is as good a reason.",
                  records(f.stream(), faults.wire(), [t.data for t in faults.tensors]).error("header.field"))])
    return f
