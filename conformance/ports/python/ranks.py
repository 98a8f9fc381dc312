"""The roles of ranks (spec/iut-protocol.md, "Ranks"). Started like full_shim.py, which it extends with wire.py."""

import socket
import sys
from functools import partial
from typing import Any, Callable

import contracts
import full_shim  # noqa: F401  (gives the shim its profiles)
import shim
import wire
from driver import Driver
from framing import Decoder, WireError
from full_values import BODIES, SESSIONS, encode, show_call
from handshake import Admitted, Handshake, Hello
from leader import Leader
from link import PATIENCE, Link
from loop import Loop
from sending import Ready
from stage import Stage
from values import MAX_FRAME, Declined
from worker import Worker

PROFILE = {"tp-leader": "tp-session", "tp-worker": "tp-session", "pp-driver": "pp-session", "pp-stage": "pp-session"}
DIALS, OWN_LIMITS = {"tp-leader", "pp-driver"}, {"window", "deadline_ms", "check_digest"}
loop = Loop()
groups: dict[str, tuple[Leader, contracts.Limits]] = {}
listeners: dict[str, tuple[Any, Admitted]] = {}  # the request that opened each, and whom it has admitted
conns: dict[str, tuple[Link, Any, contracts.Limits]] = {}


def open_rank(request: dict[str, Any], sock: socket.socket, admitted: Any) -> None:
    role, numbers = request["role"], {name: int(text) for name, text in request["limits"].items()}
    of = contracts.Limits(**{"max_frame_length": MAX_FRAME, **{n: numbers[n] for n in numbers.keys() - OWN_LIMITS}})
    of.max_tensor_length = numbers.get("max_tensor_length", of.max_frame_length)
    if role == "tp-leader":
        rank: Any = groups.setdefault(request["group"], (Leader(), of))[0]
    elif role == "pp-driver":
        rank = Driver(of, numbers.get("window"), numbers.get("check_digest") == 1)
    elif role == "pp-stage":
        rank = Stage(of, groups.setdefault(request["group"], (Leader(), of))[0] if "group" in request else None)
    else:
        rank = Worker(of)
    hello = Handshake(own_hello(request["identity"]), admitted) if "identity" in request else None
    patience = numbers["deadline_ms"] / 1000 if "deadline_ms" in numbers else PATIENCE
    link = loop.call(partial(Link, loop, sock, rank, patience, hello))
    conns[request["conn"]] = (link, rank, of)


def own_hello(identity: dict[str, Any]) -> Hello:
    raw = {name: bytes.fromhex(identity[name]) for name in ("weights_digest", "instance")}
    return Hello(hello_version=1, **{**identity, **raw})


def check_rank(request: dict[str, Any]) -> None:
    """Whether this port plays that role, and the limits of its codec are those of the profile."""
    if PROFILE.get(request["role"]) != request["profile"] or (request["role"] in DIALS) != (request["op"] == "dial"):
        raise Declined("role")
    shim.choose(request["profile"], "decode", codec_limits(request))


def codec_limits(request: dict[str, Any]) -> dict[str, str]:
    return {name: text for name, text in request["limits"].items() if name not in OWN_LIMITS}


def ready(kind: type, limits: contracts.Limits, value: Any) -> Ready:
    """A value of the harness, encoded; read back, it is what the receiver will have."""
    data, read = encode(kind, limits, value), partial(contracts.read_call, kind, limits)
    decoder = Decoder(partial(contracts.read_result, limits) if kind is contracts.PPResultV1 else read)
    (call,) = decoder.push(data)
    return Ready(call, data)


def refused(job: Callable[[], None]) -> list[Any]:
    """The events of a message that cannot be sent."""
    try:
        loop.call(job)
        return []
    except WireError as error:
        return [{"event": "error", "class": error.code, "at": "0", "fatal": False}]


def send(link: Link, rank: Any, limits: contracts.Limits, value: Any) -> list[Any]:
    if isinstance(rank, Stage):
        return refused(lambda: rank.answer(link, partial(ready, BODIES["pp-result"], limits, value)))
    return refused(lambda: rank.request(link, ready(SESSIONS["pp-session"], limits, value)))


def broadcast(name: str, value: Any) -> dict[str, Any]:
    leader, limits = groups[name]
    events = refused(lambda: leader.broadcast(ready(SESSIONS["tp-session"], limits, value)))
    return {"op": "sent", "group": name, "events": events}


def act(op: str, request: dict[str, Any]) -> list[Any]:
    link, rank, limits = conns[request["conn"]]
    if op == "send":
        return send(link, rank, limits, request["value"])
    if op == "sync" and request.get("end"):
        loop.wait(lambda: link.over)
    elif op == "sync":
        loop.wait(lambda: link.read >= request["n"] or not link.reading)
    elif op in ("pause", "resume"):
        loop.call(partial(setattr, link, "paused", op == "pause"))
    elif op == "close":
        loop.call(link.end if request["how"] == "end" else link.reset)
    return []


def state(link: Link) -> dict[str, Any]:
    told, link.told = link.told, []
    numbers = {"read": link.read, "written": link.written, "buffered": link.buffered, "reading": link.reading}
    return {"op": "state", **numbers, "events": [show_event(*event) for event in told]}


def show_event(kind: str, *what: Any) -> Any:
    if kind == "message":
        return {"event": kind, "value": show_call(what[0])}
    if kind == "error":
        return {"event": kind, "class": what[0].code, "at": str(what[0].at), "fatal": True}
    if kind == "dropped":
        return {"event": kind, "reason": what[0], "call_id": str(what[1])}
    return {"event": kind, "calls": [str(call) for call in what[0]]}


def clear() -> None:
    for link, _, _ in conns.values():
        loop.call(link.reset)
    for table in (conns, groups, listeners):
        table.clear()


def handle(request: dict[str, Any]) -> dict[str, Any]:
    op, name = request["op"], request.get("conn")
    if op == "clear":
        clear()
    elif op == "listen" and request["role"] != "peer":
        check_rank(request)
        listeners[request["listener"]] = (request, Admitted())
        request = {**request, "role": "peer", "limits": codec_limits(request)}  # a listener is like any other
    elif op == "send" and "group" in request:
        return broadcast(request["group"], request["value"])
    elif op == "accept" and request["listener"] in listeners:
        opened, admitted = listeners[request["listener"]]
        listener, _ = wire.opened["listener " + request["listener"]]
        open_rank({**opened, "conn": name}, listener.accept()[0], admitted)
    elif op == "dial" and request["role"] != "peer":
        check_rank(request)
        open_rank(request, dial(request["address"]), None)
    if name not in conns:
        return wire.handle(request)
    events = act(op, request)
    shown = loop.call(partial(state, conns[name][0]))
    return {**shown, "conn": name, "events": [*shown["events"], *events]}


def dial(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    sock = socket.socket(socket.AF_UNIX if address.startswith("/") else socket.AF_INET)
    sock.connect(address if address.startswith("/") else (host, int(port)))
    return sock


shim.OPERATIONS.update(dict.fromkeys("listen accept dial sync send pause resume close clear".split(), handle))
shim.CAPABILITIES.append("ranks")
if __name__ == "__main__":
    shim.main(*sys.argv[1:])
