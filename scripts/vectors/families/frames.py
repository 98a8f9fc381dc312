"""Frames that every decoder of a prefix profile accepts."""

from families.prefix import LIMIT, Prefix
from layout import Family, Fill, varied

SMALL = {"cuts": True, "chunks": True, "eof": True, "empty": True, "reset": True, "glue": True}


def frames(p: Prefix) -> Family:
    f = Family(p.profile, "frames", "Small frames, alone and in a row, cut and ended everywhere.")
    rule, size = p.rule, p.size

    f.decode(
        "hello", "One plain frame: prefix, payload, end.", [rule("prefix.layout")], p.frames(f, b"hello"), limits=LIMIT,
        sweeps=SMALL | {"pairs": 16, "prefix": p.sweep(0), "repeat": [2, 3, 300]},
        defects=["vectordotdev/vector#26169", "matthunz/futures-codec#34"],
    )
    f.decode("one-byte", "The shortest payload that has bytes.", [rule("prefix.layout")], p.frames(f, b"\xa7"),
             limits=LIMIT, sweeps=SMALL)
    f.decode(
        "empty", "A frame of length 0 is a message, and needs no further byte to be one.", [rule("length.zero")],
        p.frames(f, b""), limits=LIMIT, sweeps=SMALL | {"prefix": p.sweep(0), "repeat": [2, 5000]},
        defects=["davedoesdev/frame-stream#6"],
    )
    f.decode(
        "empty-between", "An empty frame between two others is neither lost nor merged with them.",
        [rule("length.zero"), rule("boundary.glued")], p.frames(f, b"hello", b"", b"world"), limits=LIMIT,
        sweeps=SMALL | {"prefix": p.sweep(size + 5, 2 * size + 5)},
    )
    f.decode("empties", "Three empty frames are three messages.", [rule("length.zero")], p.frames(f, b"", b"", b""),
             limits=LIMIT, sweeps=SMALL)
    f.decode(
        "two", "Two frames in one read are two messages, in order.", [rule("boundary.glued")],
        p.frames(f, b"hello", b"worlds"), limits=LIMIT,
        sweeps=SMALL | {"pairs": size + 12, "prefix": p.sweep(size + 5)},
    )
    f.decode(
        "mixed", "Frames of many sizes in a row keep their borders.", [rule("boundary.glued")],
        p.frames(f, b"abc", b"", b"d", b"efghijklm", b"", b"no"), limits=LIMIT, sweeps=SMALL | {"pairs": 22},
    )
    f.decode(
        "payload-like-frame", "A payload that is itself the bytes of a frame is not looked into.",
        [rule("prefix.layout")], p.frames(f, b"\0" * (size - 1) + b"\x05hello"), limits=LIMIT, sweeps=SMALL,
    )
    f.decode("payload-zeros", "A payload of zero bytes is not taken for prefixes.", [rule("prefix.layout")],
             p.frames(f, b"\0" * 11, b"\x01"), limits=LIMIT, sweeps=SMALL)
    f.decode("payload-ones", "A payload of 0xff bytes is not taken for an end or a sentinel.", [rule("prefix.layout")],
             p.frames(f, b"\xff" * 9, b"\xfe"), limits=LIMIT, sweeps=SMALL)
    f.decode("payload-text", "Line ends, NUL and bytes that are no UTF-8 come through as they are.",
             [rule("prefix.layout")], p.frames(f, b"\r\n\0\x1a\xc3\x28\xed\xa0\x80\n"), limits=LIMIT, sweeps=SMALL)

    if p.size == 4:
        f.decode("ada-bob", "Two calls back to back are two messages, wherever a read ends.", [rule("boundary.glued")],
                 p.frames(f, b"Ada", b"Bob"), limits=LIMIT, sweeps=SMALL | {"pairs": 14})
    for length, why in (
        (127, "The largest length whose low byte is a positive signed byte."),
        (128, "A low byte of 0x80 is neither negative nor a continuation."),
        (255, "The largest length of one byte."),
        (256, "A length whose low byte is 0."),
        (258, "Two distinct length bytes: a swapped order gives another length."),
    ):
        f.decode(
            f"length-{length}", why, [rule("prefix.layout"), p.unsigned], p.frames(f, varied(length, length), b"next"),
            limits=LIMIT, sweeps={"prefix": p.sweep(0, size + length), "chunks": sorted({1, 2, 3, 5, 64, 127, length})},
        )
    return f


def large(p: Prefix) -> Family:
    f = Family(p.profile, "large", "Payloads that span many reads.")
    rule = p.rule
    limits = {"max_frame_length": 1048576}
    f.decode(
        "fill-66051", "Three distinct length bytes (0x010203) and a payload that arrives in one piece of its own.",
        [rule("prefix.layout"), rule("boundary.chunking")], p.frames(f, Fill(0xAB, 0x010203), b"next"), limits=limits,
        sweeps={"prefix": p.sweep(0), "chunks": [1448, 4096, 65536]},
    )
    f.decode(
        "roomy-258", "A length far below its limit is read as exactly as one that is near it.",
        [rule("prefix.layout"), p.unsigned], p.frames(f, varied(258, 5), b"next"), limits=limits,
        sweeps={"prefix": p.sweep(0), "chunks": [1, 3]},
    )
    f.decode(
        "varied-70000", "A payload above 64 KiB without a period: no stretch is lost, doubled or moved.",
        [rule("boundary.chunking"), rule("limit.allocation")], p.frames(f, varied(70000, 7), b"next"), limits=limits,
        sweeps={"chunks": [997, 1448, 4096, 16384, 65535, 65536, 65537]}, defects=["tokio-rs/tokio#333"],
    )
    f.decode(
        "varied-again", "A payload after a longer one, begun in the read that ended it: nothing of either shows in the other.",
        [rule("boundary.chunking")], p.frames(f, varied(30000, 21), varied(20000, 22), b"next"), limits=limits,
        sweeps={"chunks": [1009, 4096, 8191]},
    )
    f.decode(
        "slow-20000", "A payload that arrives byte by byte costs time in proportion to its bytes, not to their square.",
        [rule("boundary.chunking")], p.frames(f, varied(20000, 3)), limits=limits,
        sweeps={"chunks": [1, 7], "repeat": [2]},
    )
    f.decode(
        "one-mib", "A payload of exactly the limit of 1 MiB.", [rule("limit.exact")], p.frames(f, Fill(0x5C, 1048576)),
        limits=limits, sweeps={"chunks": [65536]},
    )
    stream = p.frames(f, b"a", Fill(0xC3, 70000), b"", Fill(0x3C, 1048576), b"end")
    f.decode("mixed-sizes", "Large and small frames in turn keep their borders.", [rule("boundary.glued")], stream,
             limits=limits, sweeps={"chunks": [65521]})
    return f
