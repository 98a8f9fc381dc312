"""What an encoder of a prefix profile emits, and what it refuses."""

from families.prefix import LIMIT, Prefix
from layout import Family, Fill, varied

TURN = {"again": True, "glue": True}


def encodes(p: Prefix) -> Family:
    f = Family(p.profile, "encode", "Messages and the frames that carry them; refusals that emit nothing.")
    layout, refusal = p.rule("encode.layout"), p.rule("encode.refusal")

    def encode(slug: str, why: str, payload: bytes | Fill, limits: dict = LIMIT, sweeps: dict | None = None) -> None:
        stream = p.frame(f.stream(), payload)
        f.encode(slug, why, [layout], p.value(f, payload), stream, limits=limits,
                 sweeps=TURN if sweeps is None else sweeps)

    def refuse(slug: str, why: str, payload: bytes | Fill, limits: dict, sibling: str, defects=None) -> None:
        f.encode(slug, why, [refusal], p.value(f, payload), "oversize.declared", limits=limits, sibling=sibling,
                 sweeps={"after": True, "again": True}, defects=defects)

    encode("encode-hello", "A frame is the prefix, the payload, and nothing else.", b"hello")
    encode("encode-empty", "An empty message is a prefix alone.", b"")
    encode("encode-zeros", "Zero bytes of a payload are bytes of the frame.", b"\0" * 12)
    encode("encode-ones", "Bytes of 0xff come through as they are.", b"\xff" * 9)
    encode("encode-128", "A length of 0x80 is written as one byte's worth, with no continuation.", varied(128, 4))
    encode("encode-258", "Two distinct length bytes stand in big-endian order.", varied(258, 5))
    encode("encode-66051", "Three distinct length bytes (0x010203) stand in big-endian order.", Fill(0xAB, 0x010203),
           {"max_frame_length": 1048576}, {"again": True})
    encode("encode-one-mib", "A payload of exactly 1 MiB under that limit.", Fill(0x5C, 1048576),
           {"max_frame_length": 1048576}, {})
    sixteen, zero = {"max_frame_length": 16}, {"max_frame_length": 0}
    encode("encode-limit", "A payload as long as the limit is encoded.", b"abcdefghijklmnop", sixteen)
    encode("encode-limit-zero", "Under a limit of 0 an empty message is encoded.", b"", zero)
    encode("encode-own-limit", "With no limit given the implementation's own holds.", b"hello", {})

    refuse("encode-over", "A payload one byte over the limit is refused and emits nothing.", b"abcdefghijklmnopq",
           sixteen, "encode-limit")
    refuse("encode-over-zero", "A limit of 0 is a limit for the encoder as well.", b"x", zero, "encode-limit-zero")
    refuse("encode-over-16-bit", "A count of 2^16 + 5 is not taken for 5.", Fill(1, (1 << 16) + 5), LIMIT,
           "encode-hello")
    refuse("encode-over-32-bit", "A count of 2^32 + 5 is not taken for 5, and is judged before it is built.",
           Fill(1, (1 << 32) + 5), LIMIT, "encode-hello")
    if p.width == 4:
        refuse("encode-over-width", "A payload of 2^32 bytes has no length in 32 bits.", Fill(1, 1 << 32), LIMIT,
               "encode-hello")
    return f
