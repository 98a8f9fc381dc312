"""Twisted's Int32StringReceiver on a StringTransport, behind level 1 of the IUT protocol (spec/iut-protocol.md)."""

import hashlib
import json
import os
import socket
from importlib.metadata import version
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.protocols.basic import Int32StringReceiver

MAX_FRAME = 2**32 - 1
MAX_BUILT = 64 << 20  # a longer run is not built to have a library refuse it
PREFIX = 4


class Declined(Exception):
    """The reason, and what to say."""


class Receiver(Int32StringReceiver):
    def __init__(self, limit: int) -> None:
        self.MAX_LENGTH = limit
        self.events: list[Any] = []
        self.start = 0  # where the frame begins that comes next: the library names no offsets
        self.makeConnection(StringTransport())

    def stringReceived(self, string: bytes) -> None:
        self.start += PREFIX + len(string)
        self.events.append({"event": "message", "value": {"payload": show(string)}})

    def lengthLimitExceeded(self, length: int) -> None:
        at = str(self.start + PREFIX)
        self.events.append({"event": "error", "class": "oversize", "at": at, "fatal": True, "text": f"length {length}"})
        super().lengthLimitExceeded(length)  # it closes the connection

    def take(self, kind: str, value: Any) -> list[Any]:
        self.events = []
        closing = self.transport.disconnecting  # a transport that was told to close reads no more
        if kind == "eof" and not closing:
            self.connectionLost()  # it says nothing, whatever is left
            self.events.append({"event": "end"})
        elif kind != "eof" and not closing:
            self.dataReceived(build(value))
        return self.events


def show(data: bytes) -> Any:
    return data.hex() if len(data) <= 4096 else {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def build(value: Any) -> bytes:
    if isinstance(value, str):
        return bytes.fromhex(value)
    run = value.get("fill", value)
    if run["count"] > MAX_BUILT:
        raise Declined("limit", f"{run['count']} bytes are not built here for a library to refuse")
    return bytes([run["byte"]]) * run["count"]


def encode(value: Any) -> Any:
    receiver = Receiver(0)
    receiver.sendString(build(value["payload"]))  # it has no maximum but the width of the prefix
    data = show(receiver.transport.value())
    return {"event": "bytes", **({"hex": data} if isinstance(data, str) else data)}


def run_case(request: Any) -> list[Any]:
    if request["op"] != "case":
        raise Declined("operation", "only case")
    if request["profile"] != "len32":
        raise Declined("profile", "only len32")
    limit = int(request["limits"].get("max_frame_length", MAX_FRAME))
    if limit > MAX_FRAME:
        raise Declined("limit", f"above {MAX_FRAME}")
    receiver, lists = Receiver(limit), []
    for step in request["steps"]:
        ((kind, value),) = step.items()
        if kind == "reset":
            receiver = Receiver(limit)
            lists.append([])
        elif kind == "encode":
            lists.append([encode(value)])
        elif kind in ("feed", "feed_fill", "eof"):
            lists.append(receiver.take(kind, value))
        else:
            raise Declined("step", kind)
    return lists


def answer(request: Any) -> Any:
    try:
        return {"op": "result", "seq": request["seq"], "steps": run_case(request)}
    except Declined as declined:
        reason, text = declined.args
        return {"op": "declined", "seq": request["seq"], "reason": reason, "text": text}
    except Exception as error:
        return {"op": "errored", "seq": request["seq"], "text": repr(error)}


def main() -> None:
    host, _, port = os.environ["TENSORWIRE_ADDR"].rpartition(":")
    with socket.create_connection((host, int(port))) as peer, peer.makefile("rwb") as stream:

        def send(message: Any) -> None:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()

        profiles = {"len32": {"roles": ["decode", "encode"], "max_frame_length": str(MAX_FRAME)}}
        iut = {"name": "Twisted", "version": version("Twisted"), "language": "python"}
        token = os.environ.get("TENSORWIRE_TOKEN", "")
        hello = {"op": "hello", "protocol": 1, "token": token, "iut": iut, "profiles": profiles}
        send({**hello, "capabilities": [], "error_granularity": "stage"})
        for line in stream:
            request = json.loads(line)
            if request["op"] == "bye":
                return
            if request["op"] != "welcome":
                send(answer(request))


if __name__ == "__main__":
    main()
