"""Cases derived by hand from spec/framing.md and spec/tp-control.md. Run: python3 test_port.py"""

import io
import json
import os
import sys
import time
import unittest
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from framing import Decoder, WireError, encode_frame, read_frame  # noqa: E402
from shim import answer, serve  # noqa: E402

HELLO = b"hello"
STREAMS = {
    "len32": "00000005" "68656c6c6f" "00000000" "00000001" "21",
    "len64": "0000000000000005" "68656c6c6f" "0000000000000000" "0000000000000001" "21",
    "len56-tagged": "0100000000000005" "68656c6c6f" "ff00000000000000" "0000000000000001" "21",
    "grpc-lpm": "0000000005" "68656c6c6f" "0000000000" "0000000001" "21",
}
LEADS = {"len56-tagged": [1, 255, 0]}


def run(profile: str, *steps: Any, role: str = "decode", **limits: int) -> Any:
    """The event lists of one case, or the decline. A string is a feed; None is the end of the stream."""
    request = {
        "op": "case",
        "seq": 1,
        "id": "x",
        "profile": profile,
        "role": role,
        "limits": {name: str(value) for name, value in limits.items()},
        "steps": [{"eof": True} if s is None else {"feed": s} if isinstance(s, str) else s for s in steps],
    }
    reply = answer(json.loads(json.dumps(request)))
    return reply["steps"] if reply["op"] == "result" else (reply["op"], reply.get("reason", reply.get("text")))


def error(code: str, at: int, fatal: bool = True) -> Any:
    return {"event": "error", "class": code, "at": str(at), "fatal": fatal}


def message(value: Any) -> Any:
    return {"event": "message", "value": value}


def flat(lists: Any) -> Any:
    return [event for events in lists for event in events]


class Framing(unittest.TestCase):
    def test_every_cut_yields_the_same_messages(self) -> None:
        for profile, text in STREAMS.items():
            leads = LEADS.get(profile, [0, 0, 0])
            want = list(zip(leads, [HELLO, b"", b"!"]))
            stream = bytes.fromhex(text)
            for cut in range(len(stream) + 1):
                decoder = Decoder(lambda: read_frame(profile, 1024))
                got = decoder.push(stream[:cut]) + decoder.push(b"") + decoder.push(stream[cut:])
                self.assertEqual((got, decoder.end()), (want, True), (profile, cut))
            decoder = Decoder(lambda: read_frame(profile, 1024))
            self.assertEqual([m for byte in stream for m in decoder.push(bytes([byte]))], want)

    def test_eof_names_the_place(self) -> None:
        for profile, text in STREAMS.items():
            prefix = {"len32": 4, "grpc-lpm": 5}.get(profile, 8)
            for cut in range(1, prefix + 5):
                code = "eof.in-prefix" if cut < prefix else "eof.in-body"
                self.assertEqual(run(profile, text[: 2 * cut], None), [[], [error(code, cut)]])
        self.assertEqual(run("len64", None), [[{"event": "end"}]])
        self.assertEqual(run("len64", "", None), [[], [{"event": "end"}]])

    def test_the_limit_is_exact_and_judged_without_a_body(self) -> None:
        at_limit, above = "0000000000000005", "0000000000000006"
        told = message({"payload": "68656c6c6f"})
        self.assertEqual(run("len64", at_limit, "68656c6c6f", max_frame_length=5), [[], [told]])
        self.assertEqual(run("len64", above, max_frame_length=5), [[error("oversize.declared", 8)]])
        for huge in ("0020000000000001", "0100000000000000", "7fffffffffffffff", "8000000000000000", "f" * 16):
            self.assertEqual(run("len64", huge, max_frame_length=5), [[error("oversize.declared", 8)]])
        self.assertEqual(run("len32", "80000000", max_frame_length=5), [[error("oversize.declared", 4)]])
        self.assertEqual(run("len56-tagged", "07ffffffffffffff", max_frame_length=5), [[error("oversize.declared", 8)]])

    def test_messages_before_an_error_are_delivered_and_nothing_after(self) -> None:
        good, bad = "0000000000000001" "61", "ffffffffffffffff"
        got = run("len64", good + bad + good, good, None, {"reset": True}, good, max_frame_length=5)
        told = message({"payload": "61"})
        self.assertEqual(got, [[told, error("oversize.declared", 17)], [], [], [], [told]])

    def test_grpc_flags(self) -> None:
        self.assertEqual(run("grpc-lpm", "01"), [[error("codec.unsupported", 1)]])
        empty = message({"flag": 0, "payload": ""})
        self.assertEqual(run("grpc-lpm", "0000000000", "02"), [[empty], [error("flags.reserved", 6)]])

    def test_encode(self) -> None:
        self.assertEqual(encode_frame("len32", HELLO, 5).hex(), "0000000568656c6c6f")
        self.assertEqual(encode_frame("len56-tagged", HELLO, 5, 1).hex(), "010000000000000568656c6c6f")
        big = {"encode": {"payload": {"fill": {"byte": 0, "count": 6}}}}
        small = {"encode": {"payload": "61"}}
        want = [[error("oversize.declared", 0, False)], [{"event": "bytes", "hex": "000000000000000161"}]]
        self.assertEqual(run("len64", big, small, role="encode", max_frame_length=5), want)
        for flag, code in ((1, "codec.unsupported"), (2, "flags.reserved")):
            with self.assertRaises(WireError) as caught:
                encode_frame("grpc-lpm", b"", 5, flag)
            self.assertEqual(caught.exception.code, code)

    def test_long_bytes_are_shown_as_a_digest(self) -> None:
        fill = {"feed_fill": {"byte": 171, "count": 4097}}
        (_, (shown,)) = run("len32", "00001001", fill)
        self.assertEqual(shown["value"]["payload"]["length"], 4097)

    def test_time_grows_with_the_bytes(self) -> None:
        def seconds(count: int) -> float:
            stream = bytes.fromhex(STREAMS["len32"]) * count
            begin = time.process_time()
            decoder = Decoder(lambda: read_frame("len32", 1024))
            self.assertEqual(len(decoder.push(stream)), 3 * count)
            return time.process_time() - begin

        def least(count: int) -> float:
            return min(seconds(count) for _ in range(3))

        self.assertLess(least(32_000), 40 * max(least(2_000), 0.001))


class Multipart(unittest.TestCase):
    def judge(self, payload: str, profile: str = "multipart", **limits: int) -> Any:
        size = len(payload) // 2
        return flat(run(profile, f"{size:016x}{payload}", **limits)), size + 8

    def test_records(self) -> None:
        body, one, none = "0000000000000005" "68656c6c6f", "0000000000000001" "31", "0000000000000000"
        got, _ = self.judge(body + one + none)
        self.assertEqual(got, [message({"body": "68656c6c6f", "parts": ["31", ""]})])
        for payload, code in (
            ("", "eof.in-prefix"),
            (body + "00000000000000", "eof.in-prefix"),
            (body + "0000000000000002" "31", "eof.in-body"),
            ("0000000000000001", "eof.in-body"),
            ("ffffffffffffffff", "eof.in-body"),
            ("8000000000000001" "0000000000000000" "31", "eof.in-body"),
        ):
            got, end = self.judge(payload)
            self.assertEqual(got, [error(code, end)], payload)

    def test_typed_records(self) -> None:
        typed = "8000000000000002" "36c76e3b36067378" "7879"
        got, _ = self.judge("000000000000000162" + typed, "multipart-typed")
        want = {"body": "62", "parts": [{"typehash": "3947244799002047352", "bytes": "7879"}]}
        self.assertEqual(got, [message(want)])
        for payload, code in (
            ("8000000000000001" "36c76e3b360673", "eof.in-header"),
            ("8000000000000004" "36c76e3b36067378" "7879", "eof.in-body"),
            ("ffffffffffffffff" "36c76e3b36067378", "eof.in-body"),
        ):
            got, end = self.judge(payload, "multipart-typed")
            self.assertEqual(got, [error(code, end)], payload)

    def test_the_limit_of_parts(self) -> None:
        self.assertEqual(self.judge("00" * 24, max_parts=2)[0], [message({"body": "", "parts": ["", ""]})])
        self.assertEqual(self.judge("00" * 32, max_parts=2)[0], [error("oversize.declared", 40)])

    def test_encode(self) -> None:
        typed = {"encode": {"body": "62", "parts": [{"typehash": "3947244799002047352", "bytes": "7879"}]}}
        want = "000000000000001b" "0000000000000001" "62" "8000000000000002" "36c76e3b36067378" "7879"
        self.assertEqual(run("multipart-typed", typed, role="encode"), [[{"event": "bytes", "hex": want}]])
        self.assertEqual(run("multipart", typed, role="encode"), [[error("header.field", 0, False)]])
        self.assertEqual(
            run("multipart-typed", typed, role="encode", max_frame_length=26), [[error("oversize.declared", 0, False)]]
        )


class Tp(unittest.TestCase):
    IDS = "0700000000000000" "0300000000000000" "0100000000002000" "ffffffffffffffff"
    HEADER = {"call_id": "7", "chunk_index": "3", "control_epoch": "9007199254740993", "cache_epoch": "-1"}

    def test_header(self) -> None:
        for number, action in (("00", "NOOP"), ("02", "SHUTDOWN")):
            header, value = self.IDS + number + "00" * 7, {"header": {**self.HEADER, "action": action}}
            self.assertEqual(run("tp", header, None), [[message(value)], [{"event": "end"}]])
            self.assertEqual(run("tp", {"encode": value}, role="encode"), [[{"event": "bytes", "hex": header}]])
            self.assertEqual(run("tp", header + header[:78], None)[1], [error("eof.in-header", 79)])
        self.assertEqual(run("tp", self.IDS + "0100000001000000"), [[error("header.field", 40)]])
        self.assertEqual(run("tp", self.IDS + "03" + "00" * 7), [[error("header.field", 40)]])

    def test_infer(self) -> None:
        infer = self.IDS + "01" + "00" * 7
        self.assertEqual(run("tp", infer, None), [[], [error("eof.in-prefix", 40)]])
        self.assertEqual(run("tp", infer + "00", None), [[], [error("eof.in-prefix", 41)]])
        self.assertEqual(run("tp", infer + "0000000000000006", max_frame_length=5), [[error("oversize.declared", 48)]])
        self.assertEqual(run("tp", infer + "0000000000000001", "ff"), [[], [error("eof.in-prefix", 49)]])
        self.assertEqual(run("tp", infer + "0000000000000008" + "00" * 8), ("declined", "operation"))


class Shim(unittest.TestCase):
    def test_declines(self) -> None:
        self.assertEqual(run("nonesuch"), ("declined", "profile"))
        self.assertEqual(run("len64", role="dance"), ("declined", "role"))
        self.assertEqual(run("len64", {"encode": {"payload": ""}}), ("declined", "step"))
        self.assertEqual(run("len64", {"feed": "", "eof": True}), ("declined", "step"))
        self.assertEqual(run("len64", max_frame_length=1 << 64), ("declined", "limit"))
        self.assertEqual(answer({"op": "nonesuch", "seq": 3}), {"op": "declined", "reason": "operation", "seq": 3})

    def test_a_conversation(self) -> None:
        case = {"op": "case", "seq": 7, "id": "x", "profile": "len64", "role": "decode", "limits": {}, "steps": []}
        lines = [{"op": "welcome", "protocol": 1}, case, {"op": "bye"}, case]
        reader, writer = io.BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode()), io.BytesIO()
        serve(reader, writer)
        hello, result = [json.loads(line) for line in writer.getvalue().splitlines()]
        self.assertEqual(hello["op"], "hello")
        self.assertEqual(result, {"op": "result", "seq": 7, "steps": []})


if __name__ == "__main__":
    unittest.main()
