"""One thread that owns every socket of the ranks: nothing else reads, writes or closes them. No rank needs a lock."""

import select
import socket
import traceback
from collections import deque
from concurrent.futures import Future
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from link import Link

LONGEST = 60.0  # seconds of one turn


class Loop:
    def __init__(self) -> None:
        self.links: list[Link] = []
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._turned = Condition()
        self._awake, self._waker = socket.socketpair()
        Thread(target=self._run, daemon=True).start()

    def call(self, job: Callable[[], Any]) -> Any:
        """Has the loop do a job, and gives what it returns or raises."""
        done: Future[Any] = Future()
        self._jobs.append((job, done))
        self._waker.send(b"!")
        return done.result()

    def wait(self, until: Callable[[], bool]) -> None:
        """Waits, outside of the loop, for something that a turn of it brings about."""
        with self._turned:
            self._turned.wait_for(until)

    def _run(self) -> None:
        while True:
            self._turn()
            with self._turned:
                self.links = [link for link in self.links if not link.over]
                self._turned.notify_all()

    def _turn(self) -> None:
        readers = [link for link in self.links if link.wants_read()]
        writers = [link for link in self.links if link.wants_write()]
        rest = min([link.due() - monotonic() for link in self.links], default=LONGEST)
        ready, free, _ = select.select([self._awake, *readers], writers, [], max(0.0, min(rest, LONGEST)))
        if self._awake in ready:
            self._awake.recv(1 << 10)
        for link in readers:  # before the writers: what a peer said before it went is heard
            self._guard(link, link.readable if link in ready else None)
        for link in free:
            self._guard(link, link.writable)
        for link in list(self.links):
            self._guard(link, link.expire if link.due() <= monotonic() else None)
        while self._jobs:
            job, done = self._jobs.popleft()
            try:
                done.set_result(job())
            except Exception as error:
                done.set_exception(error)

    def _guard(self, link: "Link", act: Any) -> None:
        """A fault in one rank's code ends its connection, and no other."""
        try:
            if act and not link.over:
                act()
        except Exception:
            traceback.print_exc()
            link.reset()
