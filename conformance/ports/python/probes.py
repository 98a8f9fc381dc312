"""The probes poison and cancel of spec/iut-protocol.md, level 3. Started like shim.py, which it extends."""

import asyncio
import sys
from typing import Any

import shim
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
        data = show(bytes(self.chunks))
        return [{"event": "bytes", **({"hex": data} if isinstance(data, str) else data)}, *self.messages(self.kept)]


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


def chunk_of(kind: str, value: Any) -> bytearray:
    if kind not in ("feed", "feed_fill"):
        raise Declined("step")
    return bytearray.fromhex(value) if kind == "feed" else bytearray([value["byte"]]) * value["count"]


def poison(codec: Any, steps: list[Any]) -> list[Any]:
    connection, lists = Connection(codec), []
    for kind, value in steps:
        if kind == "recall":
            lists.append(connection.recall())
        elif kind == "eof":
            lists.append(connection.end())
        else:
            lists.append([] if kind == "poison" else connection.read(chunk_of(kind, value)))
    return lists


def cancel(codec: Any, steps: list[Any]) -> list[Any]:
    loop, lists = asyncio.new_event_loop(), []
    reader = Reader(codec, loop)
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


PROBES = {"poison": poison, "cancel": cancel}


def run_case(profile: str, role: str, limits: dict[str, str], steps: list[dict[str, Any]]) -> list[Any]:
    first = next(iter(steps[0]), "") if steps else ""
    if first not in PROBES:
        return run_level_1(profile, role, limits, steps)
    codec = shim.choose(profile, role, limits)
    if role != "decode" or any(len(step) != 1 for step in steps):
        raise Declined("step")
    return PROBES[first](codec, [item for step in steps for item in step.items()])


shim.run_case = run_case
shim.CAPABILITIES.extend(PROBES)
if __name__ == "__main__":
    shim.main(*sys.argv[1:])
