"""The driver of a pipeline: sends requests within its window, and judges what answers them. spec/pp-contract.md"""

from collections import deque
from hashlib import sha256
from typing import Any, Optional

from contracts import Call, Limits, check, is_ok, read_result, require
from framing import Reader, WireError
from link import Link
from rank import Rank, Why
from sending import Outgoing, Ready


class Driver(Rank):
    def __init__(self, limits: Limits, window: Optional[int] = None, check_digest: bool = False) -> None:
        self._limits, self._window, self._check_digest = limits, window, check_digest
        self._out = Outgoing()
        self._waiting: deque[Ready] = deque()  # requests that have no room yet
        self._flying: list[Call] = []  # INFERs that were sent and have no result, in their order
        self._epoch: Optional[int] = None  # the cache_epoch of the last request
        self._last_sent = 0  # the call_id of the last INFER that was sent
        self._shut = False

    def request(self, link: Link, message: Ready) -> None:
        """Sends it as soon as the window has room, behind those before it."""
        if link.over or not link.reading:
            raise WireError("state")
        self._out.claim(message)
        self._waiting.append(message)
        self._epoch = message.call.header["cache_epoch"]  # a hard cut is one from here on, not when it has room
        self._send(link)

    def _send(self, link: Link) -> None:
        while self._waiting:
            message = self._waiting[0]
            infer = message.call.body is not None
            if infer and self._window is not None and len(self._flying) >= self._window:
                return  # r[pp.acceptance.window]
            self._waiting.popleft()
            self._shut = message.call.header["action"] == "SHUTDOWN"
            if infer:
                if not self._flying:
                    link.restart()
                self._flying.append(message.call)
                self._last_sent = message.call.header["call_id"]
            link.write(message.data)
        if self._shut and not self._flying:
            link.end()

    def read(self, link: Link) -> Reader:
        result = yield from read_result(self._limits)
        dropped = self._judge(result)
        if dropped:
            link.tell("dropped", dropped, result.body.call_id)
        else:
            link.tell("message", result)
        link.restart()
        self._send(link)

    def _judge(self, result: Call) -> Optional[str]:
        """Why it is dropped; None where it is accepted. A call that it answers is done."""
        body = result.body
        if self._epoch not in (None, body.cache_epoch):  # r[pp.acceptance.stale-epoch]
            ids = (body.call_id, body.cache_epoch)
            self._flying = [c for c in self._flying if (c.header["call_id"], c.header["cache_epoch"]) != ids]
            return "stale"
        due = next((call for call in self._flying if call.header["cache_epoch"] == self._epoch), None)
        if due is None:
            check(body.call_id <= self._last_sent, "sequence")  # r[pp.acceptance.ahead]
            return "late"
        if body.call_id < due.header["call_id"] or body.chunk_index < due.header["chunk_index"]:
            return "late"  # r[pp.acceptance.late]
        check((body.call_id, body.chunk_index) == (due.header["call_id"], due.header["chunk_index"]), "sequence")
        if is_ok(body):
            self._judge_fit(result, due)
        self._flying.remove(due)
        return None

    def _judge_fit(self, result: Call, due: Call) -> None:
        body = result.body
        if due.body.HasField("video"):
            calls = due.body.video.expected_generator_calls
            check(body.observed_generator_calls == calls, "header.field")  # r[pp.acceptance.generator-calls]
            require(body, "latents_out", lambda spec: spec.dtype == "bfloat16")  # r[pp.acceptance.latents-out]
        if self._check_digest:  # r[pp.acceptance.digest]
            check(body.HasField("output_digest_i64") and body.output_digest_i64 == digest(result.tensors), "checksum")

    def awaits(self, link: Link) -> bool:
        return bool(self._flying)

    def ended(self, link: Link, why: Why) -> None:
        if self._shut and not self._flying and not link.buffered and isinstance(why, str):
            return link.close()
        link.lose(why, [call.header["call_id"] for call in self._flying])  # r[pp.acceptance.exactly-one]
        self._flying, self._waiting = [], deque()


def digest(tensors: Any) -> int:
    return int.from_bytes(sha256(b"".join(tensors)).digest()[:8], "little", signed=True)
