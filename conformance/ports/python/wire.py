"""Level 2 of the IUT protocol (spec/iut-protocol.md): the same codecs on real sockets. Started like shim.py, which it extends."""

import select
import socket
import struct
import sys
from contextlib import suppress
from functools import partial
from threading import Condition, Thread
from typing import Any, Callable, Optional

import shim
from framing import WireError
from values import Declined

opened: dict[str, Any] = {}  # connections by their names, listeners by theirs
closers: list[Callable[[], None]] = []  # what clear has to do


class Connection:  # one thread reads and decodes, one writes at times; what they have to say waits for the next answer
    def __init__(self, sock: socket.socket, codec: Any) -> None:
        self.sock, (read, self.show, self.encode) = sock, codec
        self.decoder, self.changed = shim.Decoder(read), Condition()
        self.events: list[Any] = []  # what shows a message is called when it is told: it may decline
        self.writer: Optional[Thread] = None
        self.read = self.accepted = self.written = 0
        self.reading, self.paused, self.waiting = True, False, False
        Thread(target=self.reads, daemon=True).start()
        closers.append(self.drop)

    def reads(self) -> None:
        while self.reading:
            self.wait(lambda: not self.paused)
            chunk = None
            with suppress(OSError):
                chunk = self.sock.recv(1 << 16)
            with self.changed:
                self.reading = self.reading and self.act(chunk)
                self.changed.notify_all()

    def act(self, chunk: Optional[bytes]) -> bool:
        """Tells what one read gives; false when it was the last."""
        if chunk:
            self.read += len(chunk)
            self.events += [partial(self.show, message) for message in self.decoder.push(chunk)]
        elif chunk is None:
            self.events.append({"event": "reset", "at": str(self.read)})
        elif self.decoder.end():
            self.events.append({"event": "end"})
        if error := self.decoder.error:
            self.events.append({"event": "error", "class": error.code, "at": str(error.at), "fatal": True})
        if error and chunk:  # the peer learns of a refusal by the close
            self.sock.shutdown(socket.SHUT_WR)
        return bool(chunk) and not error

    def do(self, job: Callable[[], None]) -> None:  # until the job is done, or the peer takes no more
        def run(before: Optional[Thread] = self.writer) -> None:
            if before:
                before.join()
            with suppress(OSError):  # the peer is gone: the reader tells of it
                job()
            self.turn(waiting=True)

        self.waiting, self.writer = False, Thread(target=run, daemon=True)
        self.writer.start()
        self.wait(lambda: self.waiting)

    def write(self, data: bytes, count: int) -> None:
        for _ in range(count):
            self.accepted, view = self.accepted + len(data), memoryview(data)
            while view:
                try:
                    taken = self.sock.send(view, socket.MSG_DONTWAIT)
                    view, self.written = view[taken:], self.written + taken
                except BlockingIOError:
                    self.turn(waiting=True)
                    select.select([], [self.sock], [])

    def turn(self, **news: bool) -> None:
        with self.changed:
            self.__dict__.update(news)
            self.changed.notify_all()

    def wait(self, until: Callable[[], bool]) -> None:
        with self.changed:
            self.changed.wait_for(until)

    def handle(self, op: str, request: dict[str, Any]) -> None:
        if op == "sync":
            self.wait(lambda: not self.reading or (self.read >= request["n"] and not request.get("end")))
        elif op == "send":
            try:
                data = self.encode(request["value"])
                self.do(lambda: self.write(data, request.get("count", 1)))
            except WireError as error:
                self.events.append({"event": "error", "class": error.code, "at": "0", "fatal": False})
        elif op != "close":
            self.turn(paused=op == "pause")
        elif request["how"] == "end":
            self.do(lambda: self.sock.shutdown(socket.SHUT_WR))
        else:  # closed like this, a TCP socket sends a reset
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.drop(socket.SHUT_RD)

    def state(self) -> dict[str, Any]:
        with self.changed:
            written, events, self.events = self.written, self.events, []
            numbers = {"read": self.read, "written": written, "buffered": self.accepted - written}
            told = [{"event": "message", "value": event()} if callable(event) else event for event in events]
            return {"op": "state", **numbers, "reading": self.reading, "events": told}

    def drop(self, how: int = socket.SHUT_RDWR) -> None:
        self.turn(reading=False, paused=False)
        with suppress(OSError):
            self.sock.shutdown(how)  # wakes the reader
        self.sock.close()


def handle(request: dict[str, Any]) -> dict[str, Any]:
    op, name = request["op"], request.get("conn", "")
    if op == "clear":
        while closers:
            closers.pop()()
        return {"op": "cleared"}
    if op in ("listen", "dial"):
        if request["role"] != "peer":
            raise Declined("role")
        spoken, unix = (request["profile"], "decode", request["limits"]), request["address"].startswith("/")
        codec, (host, _, port) = shim.choose(*spoken), request["address"].rpartition(":")
        family, place = (socket.AF_UNIX, request["address"]) if unix else (socket.AF_INET, (host, int(port)))
    if op == "listen":
        listener = socket.create_server(place, family=family)
        opened["listener " + request["listener"]], at = (listener, spoken), listener.getsockname()
        closers.append(listener.close)
        return {"op": "listening", "address": at if unix else f"{at[0]}:{at[1]}"}
    if op == "accept":
        listener, spoken = opened["listener " + request["listener"]]
        opened[name] = Connection(listener.accept()[0], shim.choose(*spoken))
    elif op == "dial":
        sock = socket.socket(family)
        sock.connect(place)
        opened[name] = Connection(sock, codec)
    else:
        opened[name].handle(op, request)
    return {**opened[name].state(), "conn": name}


shim.OPERATIONS.update(dict.fromkeys("listen accept dial sync send pause resume close clear".split(), handle))
shim.CAPABILITIES.append("wire")
if __name__ == "__main__":
    shim.main(*sys.argv[1:])
