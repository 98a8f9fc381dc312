"""Ranks on socket pairs, with the other end played by hand. Run: .venv/bin/python test_ranks.py"""

import os
import select
import socket
import struct
import sys
import unittest
from contextlib import suppress
from functools import partial
from typing import Any, Callable, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from contracts import Call, Limits, PPEnvelopeV1, PPResultV1, TensorSpec, TPManifest, is_ok, read_result  # noqa: E402
from driver import Driver, digest  # noqa: E402
from framing import Decoder, WireError  # noqa: E402
from handshake import Admitted, Handshake, Hello, Role, encode_hello  # noqa: E402
from leader import Leader  # noqa: E402
from link import Link  # noqa: E402
from loop import Loop  # noqa: E402
from sending import Ready, prepare  # noqa: E402
from stage import Stage  # noqa: E402
from tp import read_tp  # noqa: E402
from worker import Worker  # noqa: E402

LIMITS, SPEC, TENSOR = Limits(1 << 24), TensorSpec(key="hidden", dtype="float32", shape=[1, 2]), b"12345678"
LOOP, WAIT, SHORT = Loop(), 5.0, 0.05  # seconds that a test and a rank wait


def header(call: int, action: str = "INFER", epoch: int = 1) -> Any:
    return {"call_id": call, "chunk_index": call, "control_epoch": call, "cache_epoch": epoch, "action": action}


def to_worker(call: int, **changes: Any) -> Ready:
    manifest = TPManifest(tp_envelope_version=1, tensor_specs=[SPEC])
    return prepare(Call({**header(call), **changes}, manifest, [TENSOR]), LIMITS)


def noop(call: int, action: str = "NOOP") -> Ready:
    return prepare(Call(header(call, action)), LIMITS)


def request(call: int, epoch: int = 1, first: bool = False) -> Ready:
    ids = {"call_id": call, "chunk_index": call, "cache_epoch": epoch}
    body = PPEnvelopeV1(pp_envelope_version=1, action=1, tensor_specs=[SPEC], **ids)
    body.lm.num_tokens, body.lm.position, body.lm.init_cache = 1, 0 if first else call, first
    return prepare(Call(header(call, epoch=epoch), body, [TENSOR]), LIMITS)


def result(call: int, epoch: int = 1, **fields: Any) -> Ready:
    ids = {"pp_result_version": 1, "call_id": call, "chunk_index": call, "cache_epoch": epoch}
    return prepare(Call(None, PPResultV1(**ids, tensor_specs=[SPEC], **fields), [TENSOR]), LIMITS)


def headers(data: bytes) -> list[tuple[int, str]]:
    decoder = Decoder(partial(read_tp, 1 << 24))
    got = [(message[0]["call_id"], message[0]["action"]) for message in decoder.push(data)]
    assert decoder.end(), "a message is cut"
    return got


class Ranks(unittest.TestCase):
    def setUp(self) -> None:
        self.peers: list[socket.socket] = []

    def tearDown(self) -> None:
        for peer in self.peers:
            peer.close()

    def join(
        self, rank: Any, patience: float = WAIT, hello: Optional[Handshake] = None, sent: bytes = b""
    ) -> tuple[Link, socket.socket]:
        """A link of the rank, and its peer, which has sent something already."""
        own, peer = socket.socketpair()
        peer.settimeout(WAIT)
        peer.send(sent)
        self.peers.append(peer)
        return LOOP.call(lambda: Link(LOOP, own, rank, patience, hello)), peer

    def over(self, link: Link) -> list[Any]:
        """What was told, when the connection has come to its end."""
        LOOP.wait(lambda: link.over)
        return [(kind, *shown(*what)) for kind, *what in link.told]

    def refused(self, job: Callable[[], Any]) -> str:
        with self.assertRaises(WireError) as raised:
            LOOP.call(job)
        return raised.exception.code


def shown(what: Any, *more: Any) -> Any:
    if isinstance(what, WireError):
        return what.code, what.at
    if isinstance(what, Call):
        return (what.header["call_id"] if what.header else what.body.call_id,)
    return what, *more


def rest(peer: socket.socket) -> bytes:
    """All that comes until the end."""
    data = b""
    while chunk := peer.recv(1 << 16):
        data += chunk
    return data


def exactly(peer: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += peer.recv(count - len(data)) or b"?" * count
    return data


class TheLeader(Ranks):
    def test_all_get_the_same_and_end_in_order(self) -> None:
        leader = Leader()
        joined = [self.join(leader) for _ in range(3)]
        messages = [to_worker(1), noop(2), noop(3, "SHUTDOWN")]
        for message in messages:
            LOOP.call(partial(leader.broadcast, message))
        for link, peer in joined:
            self.assertEqual(rest(peer), b"".join(message.data for message in messages))
            peer.close()
            self.assertEqual(self.over(link), [])

    def test_what_a_worker_would_refuse_leaves_no_byte(self) -> None:
        leader = Leader()
        (_, a), (_, b) = self.join(leader), self.join(leader)
        LOOP.call(partial(leader.broadcast, to_worker(5)))
        for changes in ({"call_id": 4}, {"call_id": 5}, {"control_epoch": 7}, {"chunk_index": 4}, {"cache_epoch": 3}):
            message = to_worker(6, **changes)
            self.assertEqual(self.refused(partial(leader.broadcast, message)), "sequence")
        LOOP.call(partial(leader.broadcast, noop(6, "SHUTDOWN")))
        self.assertEqual(self.refused(partial(leader.broadcast, noop(7))), "state")
        for peer in (a, b):
            self.assertEqual(headers(rest(peer)), [(5, "INFER"), (6, "SHUTDOWN")])

    def test_when_one_is_lost_the_others_are_told(self) -> None:
        for how in ("end", "byte"):
            leader = Leader()
            (lost, gone), (other, left) = self.join(leader), self.join(leader)
            LOOP.call(partial(leader.broadcast, to_worker(7)))
            gone.shutdown(socket.SHUT_WR) if how == "end" else gone.send(b"?")
            breach = [("error", "state", 1)] if how == "byte" else []
            self.assertEqual(self.over(lost), [*breach, ("lost", [7])])
            self.assertEqual(headers(rest(left)), [(7, "INFER"), (8, "SHUTDOWN")])
            left.close()
            self.assertEqual(self.over(other), [])

    def test_a_worker_that_takes_nothing_is_given_up_and_the_others_are_not_cut(self) -> None:
        leader = Leader()
        (stuck, _), (other, left) = self.join(leader, SHORT), self.join(leader)
        spec = TensorSpec(key="x", dtype="float32", shape=[1 << 20])
        manifest = TPManifest(tp_envelope_version=1, tensor_specs=[spec])
        LOOP.call(partial(leader.broadcast, prepare(Call(header(1), manifest, [bytes(4 << 20)]), LIMITS)))
        self.assertEqual(self.over(stuck), [("lost", [1])])
        self.assertEqual(headers(rest(left)), [(1, "INFER"), (2, "SHUTDOWN")])
        self.assertEqual(self.refused(partial(leader.broadcast, noop(2))), "state")


class TheWorker(Ranks):
    def told(self, *data: bytes, end: bool = True, patience: float = WAIT) -> Any:
        link, peer = self.join(Worker(LIMITS), patience, sent=b"".join(data))
        if end:
            peer.shutdown(socket.SHUT_WR)
        told = self.over(link)
        self.assertEqual(link.written, 0)  # it has nothing to say
        return told

    def test_the_end(self) -> None:
        shut = noop(2, "SHUTDOWN").data
        self.assertEqual(self.told(to_worker(1).data, shut), [("message", 1), ("message", 2)])
        self.assertEqual(self.told(to_worker(1).data), [("message", 1), ("lost", [1])])
        self.assertEqual(self.told(), [("lost", [])])
        cut = to_worker(1).data[:-1]
        self.assertEqual(self.told(cut), [("error", "eof.in-body", len(cut)), ("lost", [])])
        self.assertEqual(self.told(shut + b"?"), [("message", 2), ("error", "state", 41), ("lost", [2])])

    def test_a_duplicate_is_not_delivered_and_what_runs_back_is_a_breach(self) -> None:
        twice = noop(2).data * 2
        self.assertEqual(self.told(twice), [("message", 2), ("lost", [2])])
        self.assertEqual(self.told(twice + noop(1).data), [("message", 2), ("error", "sequence", 120), ("lost", [2])])

    def test_silence_is_a_loss_before_a_message_and_within_one(self) -> None:
        self.assertEqual(self.told(end=False, patience=SHORT), [("lost", [])])
        self.assertEqual(self.told(noop(1).data, noop(2).data[:7], end=False, patience=SHORT)[1:], [("lost", [1])])
        self.assertEqual(self.told(noop(1, "SHUTDOWN").data, end=False, patience=SHORT), [("message", 1)])


class TheDriver(Ranks):
    def drive(self, *calls: Ready, **options: Any) -> tuple[Driver, Link, socket.socket]:
        driver = Driver(LIMITS, **options)
        link, peer = self.join(driver)
        for call in calls:
            LOOP.call(partial(driver.request, link, call))
        return driver, link, peer

    def test_the_window_and_the_end(self) -> None:
        calls = [request(1, first=True), request(2), noop(3), request(4), noop(5, "SHUTDOWN")]
        _, link, peer = self.drive(*calls, window=1)
        for sent, answer in ((calls[:1], 1), (calls[1:3], 2), (calls[3:], 4)):
            want = b"".join(call.data for call in sent)
            self.assertEqual(exactly(peer, len(want)), want)
            if answer < 4:
                LOOP.call(lambda: None)  # the loop has had its turn
                self.assertEqual(select.select([peer], [], [], 0)[0], [])  # no more than the window
            peer.send(result(answer).data)
        self.assertEqual(rest(peer), b"")
        peer.close()
        self.assertEqual(self.over(link), [("message", 1), ("message", 2), ("message", 4)])

    def test_acceptance(self) -> None:
        first, second, accepted = request(1, first=True), request(2), [("message", 1), ("message", 2)]
        ahead = 3 * len(result(1).data)
        cases: list[tuple[list[Ready], list[Any]]] = [
            ([result(1), result(1)], [("message", 1), ("dropped", "late", 1), ("lost", [2])]),
            ([result(2)], [("error", "sequence", len(result(2).data)), ("lost", [1, 2])]),
            ([result(1, epoch=0)], [("dropped", "stale", 1), ("lost", [1, 2])]),
            ([result(1), result(2), result(2)], [*accepted, ("dropped", "late", 2), ("lost", [])]),
            ([result(1), result(2), result(3)], [*accepted, ("error", "sequence", ahead), ("lost", [])]),
        ]
        for results, want in cases:
            _, link, peer = self.drive(first, second)
            peer.send(b"".join(one.data for one in results))
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(self.over(link), want)

    def test_a_hard_cut_makes_what_is_in_flight_stale_and_takes_its_results(self) -> None:
        driver, link, peer = self.drive(request(1, first=True), request(2), request(3, epoch=2, first=True))
        peer.send(result(1).data + result(2).data + result(3, epoch=2).data)
        LOOP.wait(lambda: len(link.told) == 3)
        LOOP.call(partial(driver.request, link, noop_at(4, 2)))
        rest(peer)
        peer.close()
        self.assertEqual(self.over(link), [("dropped", "stale", 1), ("dropped", "stale", 2), ("message", 3)])

    def test_the_digest(self) -> None:
        for fields, told in (({"output_digest_i64": digest([TENSOR])}, "message"), ({}, "error")):
            _, link, peer = self.drive(request(1, first=True), check_digest=True)
            peer.send(result(1, **fields).data)
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(self.over(link)[0][0], told)
        self.assertEqual(self.over(link)[0][1], "checksum")

    def test_a_stage_that_does_not_answer_is_lost(self) -> None:
        driver = Driver(LIMITS)
        link, peer = self.join(driver, SHORT)
        LOOP.call(partial(driver.request, link, request(1, first=True)))
        self.assertEqual(self.over(link), [("lost", [1])])
        self.assertEqual(self.refused(partial(driver.request, link, request(2))), "state")


def noop_at(call: int, epoch: int) -> Ready:
    return prepare(Call(header(call, "SHUTDOWN", epoch)), LIMITS)


class TheStage(Ranks):
    def results(self, data: bytes) -> list[tuple[int, bool]]:
        decoder = Decoder(partial(read_result, LIMITS))
        return [(one.body.call_id, is_ok(one.body)) for one in decoder.push(data)]

    def test_each_call_has_one_result(self) -> None:
        stage = Stage(LIMITS)
        link, peer = self.join(stage)
        peer.send(request(1, first=True).data + request(2).data * 2 + noop(3, "SHUTDOWN").data)
        LOOP.wait(lambda: len(link.told) == 3)
        self.assertEqual(self.refused(lambda: stage.answer(link, lambda: result(2))), "header.field")
        LOOP.call(lambda: stage.answer(link, lambda: result(2)))
        self.assertEqual(self.refused(lambda: stage.answer(link, lambda: result(3))), "state")
        self.assertEqual(self.results(rest(peer)), [(1, False), (2, True)])
        peer.close()
        self.assertEqual([kind for kind, *_ in self.over(link)], ["message"] * 3)

    def test_the_group_gets_ids_and_tensors_as_they_are(self) -> None:
        group = Leader()
        (_, worker), (link, peer) = self.join(group), self.join(Stage(LIMITS, group))
        peer.send(request(1, first=True).data + noop(2).data + noop(3, "SHUTDOWN").data)
        messages = Decoder(partial(read_tp, 1 << 24)).push(rest(worker))
        self.assertEqual([message[0] for message in messages], [header(1), header(2, "NOOP"), header(3, "SHUTDOWN")])
        manifest = TPManifest(tp_envelope_version=1, tensor_specs=[SPEC]).SerializeToString()
        self.assertEqual([data for data, _ in messages[0][1]], [manifest, TENSOR])

    def test_a_bad_envelope_ends_the_group_and_leaves_nothing_of_it_there(self) -> None:
        group = Leader()
        (member, worker), (link, peer) = self.join(group), self.join(Stage(LIMITS, group))
        bad = request(1, first=True).data.replace(b"float32", b"float31")
        peer.send(bad)
        self.assertEqual(self.over(link), [("error", "spec.mismatch", len(bad)), ("lost", [])])
        self.assertEqual(headers(rest(worker)), [(1, "SHUTDOWN")])
        worker.close()
        self.assertEqual(self.over(member), [])

    def test_when_a_worker_is_lost_each_call_that_is_owed_has_an_error_result(self) -> None:
        group = Leader()
        (lost, gone), (_, left), (link, peer) = self.join(group), self.join(group), self.join(Stage(LIMITS, group))
        peer.send(request(1, first=True).data + request(2).data)
        LOOP.wait(lambda: len(link.told) == 2)
        gone.shutdown(socket.SHUT_WR)
        self.assertEqual(self.results(rest(peer)), [(1, False), (2, False)])
        self.assertEqual(self.over(lost), [("lost", [2])])
        self.assertEqual(headers(rest(left)), [(1, "INFER"), (2, "INFER"), (3, "SHUTDOWN")])
        peer.close()
        self.assertEqual([kind for kind, *_ in self.over(link)], ["message"] * 2)

    def test_a_driver_that_comes_after_the_loss_is_ended_too(self) -> None:
        group = Leader()
        lost, gone = self.join(group)
        gone.shutdown(socket.SHUT_WR)
        self.assertEqual(self.over(lost), [("lost", [])])
        link, peer = self.join(Stage(LIMITS, group), sent=request(1, first=True).data)
        self.assertEqual(rest(peer), b"")
        peer.close()
        self.assertEqual(self.over(link), [])


class NobodyIsStranded(Ranks):
    STREAM = request(1, first=True).data + noop(2).data + request(3).data + noop(4, "SHUTDOWN").data

    def play(self, sent: bytes, *lost: Callable[[socket.socket], Any]) -> list[list[tuple[int, str]]]:
        """A stage with two workers and its driver, of which some are lost. What each worker got before its end."""
        group = Leader()
        members = [self.join(group) for _ in range(2)]
        stage = Stage(LIMITS, group)
        link, peer = self.join(stage)
        peer.send(sent)
        for lose in lost:
            lose(members[0][1])
        peer.shutdown(socket.SHUT_WR)
        LOOP.wait(lambda: not link.reading)
        with suppress(WireError):  # the program above answers what is owed
            for call in (1, 3):
                LOOP.call(lambda: stage.answer(link, lambda: result(call)))
        got = [headers(rest(worker)) for _, worker in members]
        rest(peer)
        for _, worker in members:
            worker.close()
        for one in (link, *(member for member, _ in members)):
            self.over(one)
        return got

    def test_wherever_the_driver_is_lost(self) -> None:
        whole = [(1, "INFER"), (2, "NOOP"), (3, "INFER"), (4, "SHUTDOWN")]
        for cut in range(len(self.STREAM)):
            for got in self.play(self.STREAM[:cut]):
                count = len(got) - 1
                self.assertEqual(got, [*whole[:count], (count + 1, "SHUTDOWN")], cut)

    def test_whenever_a_worker_is_lost(self) -> None:
        for cut in range(len(self.STREAM)):
            left, gone = self.play(self.STREAM[:cut], lambda worker: worker.shutdown(socket.SHUT_WR))[::-1]
            self.assertEqual(left[-1][1], "SHUTDOWN", cut)
            self.assertEqual(left[: len(gone)], gone[: len(left)], cut)


class TheHandshake(Ranks):
    def hello(self, **changes: Any) -> Hello:
        fields: dict[str, Any] = {"hello_version": 1, "job": "j", "role": Role.TP_LEADER, "plan": "p", "peer_rank": 1}
        return Hello(**{**fields, "instance": bytes(16), **changes})

    def worker(self, admitted: Admitted) -> tuple[Link, socket.socket]:
        own = self.hello(role=Role.TP_WORKER, rank=1, peer_rank=0, instance=b"w" * 16)
        return self.join(Worker(LIMITS), hello=Handshake(own, admitted))

    def test_bytes_behind_a_hello_are_the_protocols(self) -> None:
        link, peer = self.worker(Admitted())
        peer.send(encode_hello(self.hello()) + noop(1, "SHUTDOWN").data + b"?")
        (length,) = struct.unpack(">Q", peer.recv(8))
        self.assertEqual(Hello.FromString(peer.recv(length)).instance, b"w" * 16)
        self.assertEqual(self.over(link), [("message", 1), ("error", "state", 41), ("lost", [1])])

    def test_a_stranger_learns_nothing(self) -> None:
        for changes, code in (
            ({"job": "k"}, "header.field"),
            ({"plan": "q"}, "header.field"),
            ({"role": Role.PP_DRIVER}, "header.field"),
            ({"rank": 2}, "header.field"),
            ({"peer_rank": 2}, "header.field"),
        ):
            link, peer = self.worker(Admitted())
            data = encode_hello(self.hello(**changes))
            peer.send(data)
            self.assertEqual((rest(peer), self.over(link)), (b"", [("error", code, len(data)), ("lost", [])]))
        link, peer = self.worker(Admitted())
        peer.send((4097).to_bytes(8, "big"))
        self.assertEqual(self.over(link), [("error", "oversize.declared", 8), ("lost", [])])

    def test_a_second_rank_is_refused_until_the_first_has_ended(self) -> None:
        admitted = Admitted()
        first, peer = self.worker(admitted)
        peer.send(encode_hello(self.hello()))
        LOOP.wait(lambda: first.admitted)
        for changes, ends in (({"instance": b"2" * 16}, ["error", "lost"]), ({}, ["error", "lost"])):
            second, stranger = self.worker(admitted)
            stranger.send(encode_hello(self.hello(**changes)))
            self.assertEqual([kind for kind, *_ in self.over(second)], ends)
            self.assertEqual(second.told[0][1].code, "sequence")
        peer.close()
        self.over(first)
        third, peer = self.worker(admitted)
        peer.send(encode_hello(self.hello(instance=b"3" * 16)))
        LOOP.wait(lambda: third.admitted)

    def test_nothing_leaves_before_the_answer(self) -> None:
        leader = Leader()
        link, peer = self.join(leader, hello=Handshake(self.hello()))
        LOOP.call(partial(leader.broadcast, noop(1, "SHUTDOWN")))
        hello = encode_hello(self.hello())
        self.assertEqual(peer.recv(1 << 16), hello)
        peer.send(encode_hello(self.hello(role=Role.TP_WORKER, rank=1, peer_rank=0)))
        self.assertEqual(rest(peer), noop(1, "SHUTDOWN").data)
        peer.close()
        self.assertEqual(self.over(link), [])


if __name__ == "__main__":
    unittest.main()
