"""Cases of the probes, derived by hand. Run: python3 test_probes.py"""

import os
import sys
import unittest
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probes  # noqa: E402
import shim  # noqa: E402


def ask(*steps: Any, role: str = "decode", **limits: str) -> Any:
    case = {"op": "case", "seq": 1, "id": "x", "profile": "len32", "role": role, "limits": limits, "steps": list(steps)}
    reply = shim.answer(case)
    return reply.get("steps") or reply.get("reason") or reply


def message(payload: str) -> Any:
    return {"event": "message", "value": {"payload": payload}}


def taken(data: str) -> Any:
    return {"event": "bytes", "hex": data}


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

    def test_a_sink_that_takes_little_is_given_all_and_in_order(self) -> None:
        encode, drain = lambda text: {"encode": {"payload": text}}, {"drain": True}
        steps = ask({"quota": 4}, encode("78"), encode(""), drain, drain, drain, role="encode")
        self.assertEqual(steps, [[], [taken("00000001")], [], [taken("78000000")], [taken("00")], []])

    def test_a_refused_message_does_not_wait(self) -> None:
        far = {"encode": {"payload": {"fill": {"byte": 0, "count": 2**40}}}}
        steps = ask({"quota": 9}, far, {"encode": {"payload": ""}}, role="encode", max_frame_length="8")
        refused = {"event": "error", "class": "oversize.declared", "at": "0", "fatal": False}
        self.assertEqual(steps, [[], [refused], [taken("00000000")]])

    def test_a_deadline_passes_at_its_moment_and_once(self) -> None:
        late = {"event": "expired", "at": "3"}
        steps = [{"deadline": 9}, {"feed": "000000"}, {"advance": 8}, {"advance": 1}, {"advance": 9}, {"feed": "0178"}]
        self.assertEqual(ask(*steps), [[], [], [], [late], [], []])
        self.assertEqual(ask(*steps, {"reset": True}, {"feed": "00000000"})[-1], [message("")])

    def test_each_message_has_its_time_and_the_end_has_none(self) -> None:
        steps = [{"deadline": 9}, {"advance": 8}, {"feed": "00000000"}, {"advance": 8}, {"eof": True}, {"advance": 9}]
        self.assertEqual(ask(*steps), [[], [], [message("")], [], [END], []])

    def test_a_write_is_given_up_and_nothing_of_it_follows(self) -> None:
        start = [{"deadline": 9}, {"quota": 2}, {"encode": {"payload": ""}}, {"advance": 8}]
        given_up = ask(*start, {"advance": 1}, {"drain": True}, role="encode")
        self.assertEqual(given_up, [[], [], [taken("0000")], [], [{"event": "expired", "at": "2"}], []])
        made = ask(*start, {"drain": True}, {"advance": 9}, role="encode")
        self.assertEqual(made[4:], [[taken("0000")], []])

    def test_memory_grows_with_what_came(self) -> None:
        trickle = {"trickle": {"byte": 171, "count": 5000}}
        steps = ask({"memory": True}, {"feed": "7fffffff"}, {"memory": True}, trickle, {"memory": True})
        held = [int(steps[i][0]["held"]) for i in (0, 2, 4)]
        self.assertLess(held[1], 100)
        self.assertTrue(5000 <= held[2] < 10_000, held)

    def test_connections_beside_each_other_share_nothing(self) -> None:
        on = [{"on": 0}, {"on": 1}]
        steps = [on[0], {"feed": "0000"}, on[1], {"feed": "000000"}, {"reset": True}, {"feed": "00"}, {"eof": True}]
        cut = {"event": "error", "class": "eof.in-prefix", "at": "1", "fatal": True}
        told = ask(*steps, on[0], {"feed": "000178"}, {"eof": True})
        self.assertEqual(told, [[], [], [], [], [], [], [cut], [], [message("78")], [END]])

    def test_what_is_no_probe_is_declined_or_level_1(self) -> None:
        self.assertEqual(ask({"quota": 3}), "step")
        self.assertEqual(ask({"quota": 3}, {"feed": ""}, role="encode"), "step")
        self.assertEqual(ask({"poison": True}, role="encode"), "step")
        self.assertEqual(ask({"poison": True}, {"cancel": True}), "step")
        self.assertEqual(ask({"eof": True}), [[END]])


if __name__ == "__main__":
    unittest.main()
