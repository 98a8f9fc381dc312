"""The two Hellos before the first byte of TP or PP: spec/handshake.md."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from contracts import Versioned, check  # also finds generated/
from framing import Reader, WireError, encode_frame, read_frame
from google.protobuf.message import DecodeError
from link_pb2 import Hello, Role

if TYPE_CHECKING:
    from link import Link

VERSION_1, MAX_HELLO, MAX_JOB, DIGEST, INSTANCE = 1, 4096, 128, 32, 16  # bytes but for the version
COMPLEMENTS = {
    (Role.TP_LEADER, Role.TP_WORKER),
    (Role.TP_WORKER, Role.TP_LEADER),
    (Role.PP_DRIVER, Role.PP_STAGE),
    (Role.PP_STAGE, Role.PP_DRIVER),
    (Role.PP_STAGE, Role.PP_STAGE),
}
Rank = tuple[int, int]  # role and number: driver 0 and stage 0 are two


@dataclass
class Admitted:
    """Who has a connection with one listener: by rank its instance, and the lanes that are open."""

    ranks: dict[Rank, tuple[bytes, set[int]]] = field(default_factory=dict)

    def admit(self, hello: Hello) -> None:
        instance, lanes = self.ranks.setdefault((hello.role, hello.rank), (hello.instance, set()))
        check(hello.instance == instance, "sequence")  # r[link.hello.instance.held]
        check(hello.lane not in lanes, "sequence")  # r[link.hello.lane]
        lanes.add(hello.lane)

    def release(self, hello: Hello) -> None:
        _, lanes = self.ranks[hello.role, hello.rank]
        lanes.discard(hello.lane)
        if not lanes:
            del self.ranks[hello.role, hello.rank]


class Handshake:
    """The handshake of one connection. Who dialled has no `admitted`: it says its Hello first."""

    def __init__(self, own: Hello, admitted: Optional[Admitted] = None) -> None:
        data = encode_hello(own)
        self._own, self._admitted, self._peer = own, admitted, None
        self.first = None if admitted else data

    def read(self, link: "Link") -> Reader:
        """Returns how many bytes of the connection were the handshake's."""
        _, data = yield from read_frame("len64", MAX_HELLO)  # r[link.hello.limit]
        peer = judge(data, self._own)
        if self._admitted is None:
            check(peer.lane == self._own.lane, "header.field")
        else:
            self._admitted.admit(peer)
            self._peer = peer
            answer = Hello()
            answer.CopyFrom(self._own)
            answer.lane = peer.lane
            link.greet(encode_hello(answer))  # r[link.hello.answer]
        return 8 + len(data)

    def release(self) -> None:
        """The connection is over: its rank and lane are free again."""
        if self._admitted and self._peer:
            self._admitted.release(self._peer)


def judge(data: bytes, own: Hello) -> Any:
    """What the peer says of itself, held against what this side is."""
    try:
        check(Versioned.FromString(data).version == VERSION_1, "version")  # r[link.hello.version-first]
        peer = Hello.FromString(data)
    except DecodeError:
        raise WireError("header.length") from None
    judge_alone(peer)
    both = peer.weights_digest and own.weights_digest
    check(peer.job == own.job and peer.plan == own.plan, "header.field")
    check((peer.role, own.role) in COMPLEMENTS, "header.field")
    check(peer.rank == own.peer_rank and peer.peer_rank == own.rank, "header.field")
    check(not both or peer.weights_digest == own.weights_digest, "header.field")  # r[link.hello.weights]
    return peer


def judge_alone(hello: Hello) -> None:
    check(1 <= len(hello.job.encode()) <= MAX_JOB and hello.role in Role.values()[1:], "header.field")
    check(len(hello.weights_digest) in (0, DIGEST) and len(hello.instance) == INSTANCE, "header.field")


def encode_hello(hello: Hello) -> bytes:
    """One whole frame. r[link.hello.encode]"""
    judge_alone(hello)
    return encode_frame("len64", hello.SerializeToString(deterministic=True), MAX_HELLO)
