"""A worker of a TP group: follows its leader, says nothing, and ends when the leader is gone. spec/tp-control.md"""

from functools import partial
from typing import Optional

from contracts import Limits, TPManifest, read_call
from framing import Reader
from link import Link
from rank import Rank, Why
from sessions import DUPLICATE, Session


class Worker(Rank):
    def __init__(self, limits: Limits) -> None:
        self._session = Session(partial(read_call, TPManifest, limits), limits.max_frame_length)
        self._call: Optional[int] = None
        self._shut = False

    def read(self, link: Link) -> Reader:
        message = yield from self._session.read()
        if message is DUPLICATE:
            return
        self._call, self._shut = message.header["call_id"], message.header["action"] == "SHUTDOWN"
        link.tell("message", message)
        if self._shut:
            link.end()

    def awaits(self, link: Link) -> bool:
        return True  # a leader that says nothing is gone: OM-13

    def ended(self, link: Link, why: Why) -> None:
        if self._shut and isinstance(why, str):
            link.close()
        else:  # without SHUTDOWN an end is a loss: r[tp-session.eof]
            link.lose(why, [] if self._call is None else [self._call])
