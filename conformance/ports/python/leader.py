"""The leader of a TP group: every worker is sent the same messages, and none is left waiting. spec/tp-control.md"""

from typing import Callable

from framing import Reader, WireError
from link import Link
from rank import Rank, Why
from sending import HELD, Outgoing, Ready


class Leader(Rank):
    def __init__(self) -> None:
        self.links: list[Link] = []
        self.on_lost: list[Callable[[], None]] = []  # called when a worker is lost
        self._out = Outgoing()
        self.lost = False  # what becomes of the workers is known
        self._over = False  # no more is broadcast

    def broadcast(self, message: Ready) -> None:
        """One message to all. Refused, it leaves no byte on any connection. r[tp.send.nothing]"""
        if self._over:
            raise WireError("state")
        self._out.claim(message)
        for link in self.links:
            link.write(message.data)  # the same bytes for all
        if self._out.closed:
            self._end()

    def shut(self) -> None:
        """The group is lost. Ends it, unless it has ended: SHUTDOWN behind what was sent, which is whole."""
        self.lost = True
        if not self._over:
            message = self._out.shutdown()
            for link in self.links:
                link.write(message.data)
            self._end()

    @property
    def full(self) -> bool:
        """A worker does not take what it was sent."""
        return any(link.buffered > HELD for link in self.links)

    def _end(self) -> None:
        self._over = True
        for link in self.links:
            link.end()

    def joined(self, link: Link) -> None:
        self.links.append(link)

    def read(self, link: Link) -> Reader:
        yield 1, "eof.in-header"
        raise WireError("state")  # a worker has nothing to say

    def ended(self, link: Link, why: Why) -> None:
        if self.lost or (self._over and not link.buffered and isinstance(why, str)):
            return link.finish()  # it had its SHUTDOWN, or its loss is that of the group
        last = self._out.last
        link.lose(why, [last["call_id"]] if last else [])
        self.shut()
        for tell in self.on_lost:
            tell()
