"""Cases of the probes, derived by hand. Run: python3 test_probes.py"""

import os
import sys
import unittest
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probes  # noqa: E402
import shim  # noqa: E402


def ask(*steps: Any, role: str = "decode") -> Any:
    case = {"op": "case", "seq": 1, "id": "x", "profile": "len32", "role": role, "limits": {}, "steps": list(steps)}
    reply = shim.answer(case)
    return reply.get("steps") or reply.get("reason") or reply


def message(payload: str) -> Any:
    return {"event": "message", "value": {"payload": payload}}


END = {"event": "end"}


class Probes(unittest.TestCase):
    def test_a_message_is_told_again_when_its_chunk_is_gone(self) -> None:
        steps = ask({"poison": True}, {"feed": "000000017800"}, {"eof": True}, {"recall": True})
        self.assertEqual(steps[1], [message("78")])
        self.assertEqual(steps[3], [{"event": "bytes", "hex": "000000017800"}, message("78")])

    def test_a_view_of_the_chunk_is_found_out(self) -> None:
        connection = probes.Connection((lambda: iter([(1, "")]), lambda view: view.hex(), None))
        connection.decoder = type("Views", (), {"push": lambda _, chunk: [memoryview(chunk)], "error": None})()
        connection.read(bytearray(b"x"))
        self.assertEqual(connection.recall()[1]["value"], "a5")

    def test_a_cancelled_read_loses_nothing(self) -> None:
        cancel, feed = {"cancel": True}, lambda text: {"feed": text}
        steps = ask(cancel, feed("0000"), cancel, feed("000278"), cancel, cancel, feed("79"), cancel, {"eof": True})
        self.assertEqual(steps, [[], [], [], [], [], [], [message("7879")], [], [END]])

    def test_an_error_is_told_once_and_ends_the_reading(self) -> None:
        steps = ask({"cancel": True}, {"feed": "00"}, {"eof": True}, {"cancel": True})
        self.assertEqual(steps[2:], [[{"event": "error", "class": "eof.in-prefix", "at": "1", "fatal": True}], []])

    def test_what_is_no_probe_is_declined_or_level_1(self) -> None:
        self.assertEqual(ask({"quota": 3}, role="encode"), "step")
        self.assertEqual(ask({"poison": True}, role="encode"), "step")
        self.assertEqual(ask({"poison": True}, {"cancel": True}), "step")
        self.assertEqual(ask({"eof": True}), [[END]])


if __name__ == "__main__":
    unittest.main()
