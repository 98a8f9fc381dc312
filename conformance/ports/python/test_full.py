"""Cases of the profiles that full_shim.py adds, derived by hand. Run: .venv/bin/python test_full.py"""

import struct
import unittest
from typing import Any

import full_shim  # noqa: F401  (gives the shim its profiles)
from test_port import error, flat, message, run


def header(call: int, chunk: int, control: int, cache: int, action: int) -> str:
    return struct.pack("<5q", call, chunk, control, cache, action).hex()


def frame(*records: str) -> str:
    payload = "".join(f"{len(record) // 2:016x}{record}" for record in records)
    return f"{len(payload) // 2:016x}{payload}"


def ids(call: int, chunk: int, control: int, cache: int, action: str) -> dict[str, str]:
    names = ("call_id", "chunk_index", "control_epoch", "cache_epoch")
    return {**{name: str(value) for name, value in zip(names, (call, chunk, control, cache))}, "action": action}


# Call 7, chunk 3, cache epoch 1; input_ids int64 [2]; lm with position 0, 2 tokens, init_cache.
SPEC = "0a09" + b"input_ids".hex() + "1a05" + b"int64".hex() + "220102"
LM = "4204" "1002" "1801"
ENVELOPE = "0801" "1001" "1807" "2003" "2801" + f"32{len(SPEC) // 2:02x}{SPEC}" + LM
TENSOR = "0100000000000000" "0200000000000000"
LM_VALUE = {
    "pp_envelope_version": 1,
    "action": "INFER",
    "call_id": "7",
    "chunk_index": "3",
    "cache_epoch": "1",
    "tensor_specs": [{"key": "input_ids", "dtype": "int64", "shape": [2]}],
    "lm": {"position": 0, "num_tokens": 2, "init_cache": True},
    "tensors": [TENSOR],
}


class Envelope(unittest.TestCase):
    HEAD = header(7, 3, 9, 1, 1)

    def judge(self, *records: str) -> Any:
        (event,) = flat(run("pp-envelope", self.HEAD + frame(*records)))
        return event.get("class") or event["value"]

    def test_both_ways(self) -> None:
        stream, value = self.HEAD + frame(ENVELOPE, TENSOR), {"header": ids(7, 3, 9, 1, "INFER"), **LM_VALUE}
        self.assertEqual(run("pp-envelope", stream, None), [[message(value)], [{"event": "end"}]])
        self.assertEqual(run("pp-envelope", {"encode": value}, role="encode"), [[{"event": "bytes", "hex": stream}]])

    def test_refusals_stand_at_the_end_of_the_frame(self) -> None:
        stream = self.HEAD + frame("0802", TENSOR)
        self.assertEqual(run("pp-envelope", stream), [[error("version", len(stream) // 2)]])

    def test_each_rule(self) -> None:
        self.assertEqual(self.judge(ENVELOPE.replace("1807", "1808"), TENSOR), "header.field")  # another call_id
        self.assertEqual(self.judge(ENVELOPE.replace("1001", "1000"), TENSOR), "header.field")  # NOOP
        self.assertEqual(self.judge(ENVELOPE.replace(LM, ""), TENSOR), "header.field")  # no step
        self.assertEqual(self.judge(ENVELOPE.replace(LM, "4204" "0801" "1002"), TENSOR)["lm"]["position"], 1)
        self.assertEqual(self.judge(ENVELOPE.replace(LM, "4206" "0801" "1002" "1801"), TENSOR), "header.field")
        self.assertEqual(self.judge(ENVELOPE.replace(LM, "4204" "1003" "1801"), TENSOR), "spec.mismatch")
        self.assertEqual(self.judge(ENVELOPE, TENSOR[:-2]), "spec.mismatch")
        self.assertEqual(self.judge(ENVELOPE), "spec.mismatch")
        self.assertEqual(self.judge(ENVELOPE + "ff", TENSOR), "header.length")


class Result(unittest.TestCase):
    def test_both_ways(self) -> None:
        spec = "0a01" "78" "1a07" + b"float32".hex()
        body = "0801" "1007" "1803" "2001" + f"2a{len(spec) // 2:02x}{spec}" + "50ffffffffffffffffff01"
        stream = frame(body, "0000803f")
        value = {
            "pp_result_version": 1,
            "call_id": "7",
            "chunk_index": "3",
            "cache_epoch": "1",
            "tensor_specs": [{"key": "x", "dtype": "float32", "shape": []}],
            "ok": True,
            "error_message": "",
            "observed_generator_calls": 0,
            "mesh_current_start_frame": "0",
            "output_digest_i64": "-1",
            "tensors": ["0000803f"],
        }
        self.assertEqual(run("pp-result", stream, None), [[message(value)], [{"event": "end"}]])
        self.assertEqual(run("pp-result", {"encode": value}, role="encode"), [[{"event": "bytes", "hex": stream}]])
        refused = {**value, "error_message": "no"}
        self.assertEqual(run("pp-result", {"encode": refused}, role="encode"), [[error("header.field", 0, False)]])

    def test_an_error_result_has_no_tensors(self) -> None:
        failed = "0801" "1007" "3000" "3a02" "6e6f"
        self.assertEqual(flat(run("pp-result", frame(failed)))[0]["value"]["ok"], False)
        for body, code in ((failed.replace("3000", ""), "header.field"), ("0801" "1007", "spec.mismatch")):
            self.assertEqual(flat(run("pp-result", frame(body)))[0]["class"], code)


class Sessions(unittest.TestCase):
    def tell(self, profile: str, *headers: str) -> Any:
        events = flat(run(profile, "".join(headers), None))
        return [e.get("class") or e.get("value", {}).get("header", {}).get("call_id") or e["event"] for e in events]

    def test_order(self) -> None:
        noop = [header(n, 0, 10 + n, 1, 0) for n in range(4)]
        self.assertEqual(self.tell("tp-session", noop[1], noop[2], noop[2], noop[3]), ["1", "2", "3", "end"])
        self.assertEqual(self.tell("tp-session", noop[1], noop[1]), ["1", "end"])  # a duplicate ends on a boundary too
        other = header(1, -5, -6, -7, 1) + frame("ffff")  # nothing else of a duplicate is judged
        self.assertEqual(self.tell("tp-session", noop[1], header(1, 0, 0, 0, 2), other, noop[2]), ["1", "2", "end"])
        self.assertEqual(self.tell("tp-session", noop[1], header(1, 0, 0, 0, 3)), ["1", "header.field"])
        self.assertEqual(self.tell("tp-session", noop[0]), ["sequence"])
        self.assertEqual(self.tell("tp-session", noop[2], noop[1]), ["2", "sequence"])
        self.assertEqual(self.tell("tp-session", noop[1], noop[3]), ["1", "sequence"])
        self.assertEqual(self.tell("tp-session", noop[1], header(2, 0, 12, 3, 0)), ["1", "sequence"])
        self.assertEqual(self.tell("tp-session", header(1, 0, 1, -1, 0)), ["sequence"])

    def test_shutdown_is_the_last(self) -> None:
        self.assertEqual(self.tell("pp-session", header(1, 0, 1, 1, 2)), ["1", "end"])
        got = flat(run("pp-session", header(1, 0, 1, 1, 2) + "0000"))
        self.assertEqual(got[1], error("state", 41))

    def test_init_cache(self) -> None:
        first = header(7, 3, 9, 1, 1) + frame(ENVELOPE, TENSOR)
        second = header(8, 3, 10, 1, 1) + frame(ENVELOPE.replace("1807", "1808"), TENSOR)
        cut = header(8, 3, 10, 2, 1) + frame(ENVELOPE.replace("1807", "1808").replace("2801", "2802"), TENSOR)
        self.assertEqual(self.tell("pp-session", first, second), ["7", "sequence"])
        self.assertEqual(self.tell("pp-session", first, cut), ["7", "8", "end"])
        new = {"reset": True}
        self.assertEqual([len(events) for events in run("pp-session", first, new, first)], [1, 0, 1])

    def test_chunk_index(self) -> None:
        self.assertEqual(self.tell("pp-session", header(1, -1, 1, 1, 1)), ["sequence"])
        self.assertEqual(self.tell("pp-session", header(1, -1, 1, 1, 0)), ["1", "end"])


class Manifest(unittest.TestCase):
    def test_kwargs_stay_exact(self) -> None:
        manifest = {"tp_envelope_version": 1, "tensor_specs": []}
        for number, fine in ((2**53 - 1, True), (2**53, False), (1e300, False), (-0.0, True)):
            header = ids(1, 0, 1, 1, "INFER")
            value = {"header": header, "manifest": {**manifest, "kwargs": {"n": [number]}}, "tensors": []}
            (event,) = flat(run("tp", {"encode": value}, role="encode"))
            self.assertEqual(event["event"], "bytes" if fine else "error", number)
            if fine:
                (back,) = flat(run("tp", event["hex"]))
                self.assertEqual(str(back["value"]["manifest"]["kwargs"]["n"][0]), str(float(number)))


if __name__ == "__main__":
    unittest.main()
