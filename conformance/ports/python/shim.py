"""Speaks the IUT protocol (spec/iut-protocol.md, level 1) for the codecs beside it. README.md says how to start it."""

import json
import os
import socket
import socketserver
import sys
from typing import Any, BinaryIO

from framing import Decoder, WireError
from values import LIMITS, MAX_FRAME, PROFILES, Declined, codec, show

STEPS = {"decode": {"feed", "feed_fill", "eof", "reset"}, "encode": {"encode", "reset"}}
ROLES = {name: [*STEPS] for name in PROFILES}
CAPABILITIES: list[str] = []
OPERATIONS = {"case": lambda r: {"op": "result", "steps": run_case(r["profile"], r["role"], r["limits"], r["steps"])}}


def choose(profile: str, role: str, limits: dict[str, str]) -> Any:
    if role not in ROLES.get(profile, []):
        raise Declined("role" if profile in ROLES else "profile")
    numbers = {name: int(text) for name, text in limits.items()}
    if not numbers.keys() <= LIMITS or max(numbers.values(), default=0) > MAX_FRAME:
        raise Declined("limit")
    return codec(profile, numbers)


def run_case(profile: str, role: str, limits: dict[str, str], steps: list[dict[str, Any]]) -> list[Any]:
    read, show_message, encode = choose(profile, role, limits)
    decoder, lists = Decoder(read), []
    for step in steps:
        if len(step) != 1 or not step.keys() <= STEPS[role]:
            raise Declined("step")
        ((kind, value),) = step.items()
        told, events = decoder.error, []
        try:
            if kind == "reset":
                decoder = Decoder(choose(profile, role, limits)[0])
            elif kind == "encode":
                data = show(encode(value))
                events.append({"event": "bytes", **({"hex": data} if isinstance(data, str) else data)})
            elif kind == "eof":
                events += [{"event": "end"}] if decoder.end() else []
            else:  # one feed is one read
                chunk = bytes.fromhex(value) if kind == "feed" else bytes([value["byte"]]) * value["count"]
                events += [{"event": "message", "value": show_message(m)} for m in decoder.push(chunk)]
            if decoder.error and decoder.error is not told:  # an error is told once
                raise decoder.error
        except WireError as error:
            events.append({"event": "error", "class": error.code, "at": str(error.at), "fatal": kind != "encode"})
        lists.append(events)
    return lists


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        if request["op"] not in OPERATIONS:
            raise Declined("operation")
        reply = OPERATIONS[request["op"]](request)
    except Declined as declined:
        reply = {"op": "declined", "reason": str(declined)}
    except Exception as error:
        reply = {"op": "errored", "text": repr(error)}
    return {**reply, "seq": request["seq"]}


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    def send(message: dict[str, Any]) -> None:
        writer.write(json.dumps(message).encode() + b"\n")
        writer.flush()

    iut = {"name": "tensorwire-python", "version": "1", "language": "python"}
    profiles = {name: {"roles": roles, "max_frame_length": str(MAX_FRAME)} for name, roles in ROLES.items()}
    hello = {"op": "hello", "protocol": 1, "token": os.environ.get("TENSORWIRE_TOKEN", ""), "iut": iut}
    send({**hello, "profiles": profiles, "capabilities": CAPABILITIES, "error_granularity": "class"})
    while (line := reader.readline(8 << 20)).endswith(b"\n") and (request := json.loads(line))["op"] != "bye":
        if request["op"] != "welcome":
            send(answer(request))


def main(way: str = "", place: str = "") -> None:
    if way == "--stdio":
        return serve(sys.stdin.buffer, sys.stdout.buffer)
    host, _, port = (place or os.environ["TENSORWIRE_ADDR"]).rpartition(":")
    if way == "--listen":
        handler = type("Handler", (socketserver.StreamRequestHandler,), {"handle": lambda h: serve(h.rfile, h.wfile)})
        return socketserver.ThreadingTCPServer((host, int(port)), handler).serve_forever()
    with socket.create_connection((host, int(port))) as peer, peer.makefile("rwb") as stream:
        serve(stream, stream)


if __name__ == "__main__":
    main(*sys.argv[1:])
