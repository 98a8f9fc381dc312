"""The six probes of spec/iut-protocol.md, level 3. Started like shim.py, which it extends."""

import asyncio
import math
import sys
from collections import deque
from typing import Any, Callable

import shim
from framing import WireError
from values import Declined, show

run_level_1 = shim.run_case


class Connection:
    """A decoder, what it was given and what it handed out."""

    def __init__(self, codec: Any) -> None:
        read, self.show, _ = codec
        self.decoder, self.told = shim.Decoder(read), False
        self.chunks, self.kept = bytearray(), []  # type: ignore[var-annotated]

    def read(self, chunk: bytearray) -> list[Any]:
        messages = self.decoder.push(chunk)
        self.chunks += chunk  # as the read has left it
        self.kept += messages
        events = self.messages(messages) + self.refusal()
        chunk[:] = b"\xa5" * len(chunk)
        return events

    def end(self) -> list[Any]:
        return [{"event": "end"}] if self.decoder.end() else self.refusal()

    def messages(self, messages: list[Any]) -> list[Any]:
        return [{"event": "message", "value": self.show(message)} for message in messages]

    def refusal(self) -> list[Any]:
        error, told, self.told = self.decoder.error, self.told, self.decoder.error is not None
        return [] if told or not error else [{"event": "error", "class": error.code, "at": str(error.at), "fatal": True}]

    def recall(self) -> list[Any]:
        return [*told_bytes(self.chunks), *self.messages(self.kept)]


class Reader:
    """A task that waits for bytes on a stream of asyncio and decodes them. To cancel it is to cancel the task."""

    def __init__(self, codec: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.connection, self.loop, self.events = Connection(codec), loop, []  # type: ignore[var-annotated]
        self.stream = asyncio.StreamReader(loop=loop)
        self.task = loop.create_task(self.run())

    async def run(self) -> None:
        while self.connection.decoder.error is None:
            chunk = await self.stream.read(1 << 30)
            if not chunk:
                self.events += self.connection.end()
                return
            self.events += self.connection.read(bytearray(chunk))

    def cancel(self) -> None:
        if not self.task.done():  # else there is no read that waits
            self.task.cancel()
            self.tell()
            self.task = self.loop.create_task(self.run())

    def tell(self) -> list[Any]:
        """What has happened, once nothing happens any more."""
        for _ in range(4):
            self.loop.run_until_complete(asyncio.sleep(0))
        if self.task.done() and not self.task.cancelled():
            self.task.result()  # raises what the task raised
        told, self.events = self.events, []
        return told


class Sink:
    """Where a sender writes: takes so many bytes, and then none until it is drained."""

    def __init__(self, quota: float) -> None:
        self.quota, self.room, self.total = quota, quota, 0

    def write(self, data: memoryview) -> int:
        count = int(min(self.room, len(data)))
        self.room, self.total = self.room - count, self.total + count
        return count


class Sender:
    """Messages that wait for a sink, in order, each with the moment at which it is given up."""

    def __init__(self, sink: Sink) -> None:
        self.sink, self.waiting = sink, deque[tuple[memoryview, float]]()

    def send(self, data: bytes, due: float) -> list[Any]:
        self.waiting.append((memoryview(data), due))
        return self.flush()

    def flush(self) -> list[Any]:
        taken = bytearray()
        while self.waiting:
            data, due = self.waiting.popleft()
            count = self.sink.write(data)
            taken += data[:count]
            if count < len(data):
                self.waiting.appendleft((data[count:], due))
                break
        return told_bytes(taken) if taken else []


def told_bytes(data: bytes) -> list[Any]:
    shown = show(bytes(data))
    return [{"event": "bytes", **({"hex": shown} if isinstance(shown, str) else shown)}]


def chunk_of(kind: str, value: Any) -> bytearray:
    if kind not in ("feed", "feed_fill"):
        raise Declined("step")
    return bytearray.fromhex(value) if kind == "feed" else bytearray([value["byte"]]) * value["count"]


Open = Callable[[], Any]  # a codec for one more connection: a session is part of it
Steps = list[tuple[str, Any]]


def poison(codec: Open, steps: Steps) -> list[Any]:
    connection, lists = Connection(codec()), []
    for kind, value in steps:
        if kind == "recall":
            lists.append(connection.recall())
        elif kind == "eof":
            lists.append(connection.end())
        else:
            lists.append([] if kind == "poison" else connection.read(chunk_of(kind, value)))
    return lists


def cancel(codec: Open, steps: Steps) -> list[Any]:
    loop, lists = asyncio.new_event_loop(), []
    reader = Reader(codec(), loop)
    try:
        for kind, value in steps:
            if kind == "cancel":
                reader.cancel()
            elif kind == "eof":
                reader.stream.feed_eof()
            elif not reader.task.done():
                reader.stream.feed_data(chunk_of(kind, value))
            lists.append(reader.tell())
    finally:
        reader.cancel()
        reader.task.cancel()
        reader.tell()
        loop.close()
    return lists


def memory(codec: Open, steps: Steps) -> list[Any]:
    connection, lists = Connection(codec()), []
    for kind, value in steps:
        if kind == "memory":
            lists.append([{"event": "memory", "held": str(connection.decoder.held)}])
        elif kind == "eof":
            lists.append(connection.end())
        elif kind == "trickle":
            reads = (connection.read(bytearray([value["byte"]])) for _ in range(value["count"]))
            lists.append([event for events in reads for event in events])
        else:
            lists.append(connection.read(chunk_of(kind, value)))
    return lists


def beside(codec: Open, steps: Steps) -> list[Any]:
    connections, on, lists = {0: Connection(codec())}, 0, []
    for kind, value in steps:
        if kind == "on":
            on = value
        if kind == "reset" or on not in connections:
            connections[on] = Connection(codec())
        if kind in ("on", "reset"):
            lists.append([])
        else:
            lists.append(connections[on].end() if kind == "eof" else connections[on].read(chunk_of(kind, value)))
    return lists


def clock(codec: Open, steps: Steps) -> list[Any]:
    """The time is a number, which `advance` alone moves."""
    connection, over, now, limit, lists = Connection(codec()), False, 0, math.inf, []
    due = limit
    for kind, value in steps:
        events: list[Any] = []
        if kind == "deadline":
            limit, due = value, now + value
        elif kind == "reset":
            connection, over, due = Connection(codec()), False, now + limit
        elif kind == "advance":
            now += value
            if now >= due and not over:
                events, over = [{"event": "expired", "at": str(len(connection.chunks))}], True
        elif not over:
            events = connection.end() if kind == "eof" else connection.read(chunk_of(kind, value))
            over = kind == "eof" or connection.told
            due = now + limit if events else due
        lists.append(events)
    return lists


def writes(codec: Open, steps: Steps) -> list[Any]:
    """The probes of senders: quota, and clock."""
    encode, now, limit, lists = codec()[2], 0, math.inf, []
    sender, over = Sender(Sink(math.inf)), False
    for kind, value in steps:
        events: list[Any] = []
        if kind in ("quota", "reset"):
            sender, over = Sender(Sink(value if kind == "quota" else sender.sink.quota)), False
        elif kind == "deadline":
            limit = value
        elif kind == "advance":
            now += value
            if sender.waiting and now >= sender.waiting[0][1]:
                events, over = [{"event": "expired", "at": str(sender.sink.total)}], True
                sender.waiting.clear()
        elif kind == "drain":
            sender.sink.room = sender.sink.quota
            events = sender.flush()
        elif kind != "encode":
            raise Declined("step")
        else:
            try:
                data = encode(value)
                events = [] if over else sender.send(data, now + limit)
            except WireError as error:
                events = [{"event": "error", "class": error.code, "at": str(error.at), "fatal": False}]
        lists.append(events)
    return lists


CAPABILITIES = ["poison", "quota", "cancel", "clock", "memory", "beside"]
# By the first step of a case.
PROBES = {
    "decode": {"poison": poison, "cancel": cancel, "deadline": clock, "memory": memory, "on": beside},
    "encode": {"quota": writes, "deadline": writes},
}


def run_case(profile: str, role: str, limits: dict[str, str], steps: list[dict[str, Any]]) -> list[Any]:
    first = next(iter(steps[0]), "") if steps else ""
    if not any(first in probes for probes in PROBES.values()):
        return run_level_1(profile, role, limits, steps)
    shim.choose(profile, role, limits)  # declines what the port does not have
    if first not in PROBES[role] or any(len(step) != 1 for step in steps):
        raise Declined("step")
    codec = lambda: shim.choose(profile, role, limits)  # noqa: E731
    return PROBES[role][first](codec, [item for step in steps for item in step.items()])


shim.run_case = run_case
shim.CAPABILITIES.extend(CAPABILITIES)
if __name__ == "__main__":
    shim.main(*sys.argv[1:])
