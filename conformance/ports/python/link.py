"""One connection of a rank: reads with a deadline, writes whole messages, and ends in order or by a reset."""

import socket
import struct
from collections import deque
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Any, Optional, Protocol

from framing import Decoder, Reader, WireError
from loop import Loop
from rank import Rank, Why

PATIENCE, HELLO_PATIENCE = 60.0, 5.0  # seconds; the second is r[link.hello.deadline]
READ = 1 << 16  # bytes of one read


class Hello(Protocol):
    """The handshake of one link: handshake.py."""

    first: Optional[bytes]  # what is said before the peer has said anything

    def read(self, link: "Link") -> Reader: ...

    def release(self) -> None: ...


class Link:
    """What is told of a connection stands in `told`: ("message", …), ("dropped", reason, call_id), ("error", WireError)
    and ("lost", call_ids). All but that and the counters is for the loop and the rank, which run in its thread."""

    def __init__(
        self, loop: Loop, sock: socket.socket, rank: Rank, deadline: float = PATIENCE, hello: Optional[Hello] = None
    ) -> None:
        sock.setblocking(False)
        self._sock, self._rank, self._deadline, self._hello = sock, rank, deadline, hello
        self.told: list[tuple[Any, ...]] = []  # what came about here, for the program above
        self.read = self.written = self.buffered = 0  # bytes
        self.reading, self.paused, self.over, self.admitted = True, False, False, hello is None
        self._ending = self._ended = self._gone = False  # this direction is to end, has ended; the peer takes nothing
        self._out: deque[memoryview] = deque()
        self._held: list[bytes] = []  # what waits for the handshake: r[link.hello.first]
        self._since = self._head_since = monotonic()
        self._offset = 0  # where the protocol's own bytes begin: r[link.hello.offsets]
        self._decoder: Optional[Decoder] = Decoder(self._next)
        loop.links.append(self)
        rank.joined(self)
        if hello and hello.first:
            self.greet(hello.first)

    def tell(self, kind: str, *what: Any) -> None:
        self.told.append((kind, *what))

    # What a rank does with its link.

    def write(self, data: bytes) -> None:
        """Sends one whole message, behind those before it."""
        if not (self._ending or self._gone or self.over):
            self.buffered += len(data)
            self._held.append(data)
            self._send_held()

    def end(self) -> None:
        """Ends this direction behind everything that was sent."""
        self._ending = True
        self._flush()

    def reset(self) -> None:
        """Closed like this, a TCP socket sends a reset: the peer sees that a message was cut."""
        with suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        if not self.over:
            self.reading, self.over = False, True
            self._sock.close()
            if self._hello:
                self._hello.release()

    def lose(self, why: Why, calls: list[int]) -> None:
        """The rank at the other end is lost: tells so and closes, by a reset where a message would be cut."""
        if isinstance(why, WireError):
            self.tell("error", why)
        self.tell("lost", calls if self.admitted else [])
        self.reset() if why == "deadline" else self.finish()

    def finish(self) -> None:
        """Closes at once: by a reset where a message would be left cut before an end."""
        self.reset() if self._out else self.close()

    def drain(self) -> None:
        """What still comes is thrown away."""
        self._decoder = None

    def restart(self) -> None:
        """From now on the peer has the whole deadline again."""
        self._since = monotonic()

    def greet(self, data: bytes) -> None:
        """Sends a Hello, before all that is held back for the handshake."""
        self.buffered += len(data)
        self._queue(data)
        self._flush()

    # What the loop asks of it.

    def fileno(self) -> int:
        return self._sock.fileno()

    def wants_read(self) -> bool:
        return self.reading and (self._gone or (not self.paused and self._rank.takes(self)))

    def wants_write(self) -> bool:
        return bool(self._out) and not self._gone

    def due(self) -> float:
        """When its patience is over."""
        if self._gone and not self.reading:
            return 0.0
        head = self._head_since + self._deadline if self._out else inf
        if not self.admitted:
            return min(self._since + min(HELLO_PATIENCE, self._deadline), head)
        owed = (self._decoder is not None and self._decoder.partial) or self._rank.awaits(self)
        waits = self.reading and (self._ended or (owed and self.wants_read()))
        return min(self._since + self._deadline if waits else inf, head)

    def expire(self) -> None:
        self._stop("reset" if self._gone else "deadline")
        self.reset()

    def readable(self) -> None:
        try:
            chunk: Optional[bytes] = self._sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            chunk = None
        decoder = self._decoder
        if chunk:
            self.read += len(chunk)
            if decoder:
                begins = not decoder.partial
                decoder.push(chunk)
                if begins and decoder.partial:
                    self.restart()
        elif decoder and chunk is not None and not self._gone:
            decoder.end()
        if decoder and decoder.error and self._decoder:
            self._stop(WireError(decoder.error.code, decoder.error.at - self._offset))
        elif not chunk:
            self._stop("reset" if chunk is None or self._gone else "end")

    def writable(self) -> None:
        self._flush()

    def _next(self) -> Reader:
        if self._hello and not self.admitted:
            self._offset = yield from self._hello.read(self)
            self.admitted = True
            self._send_held()
        else:
            yield from self._rank.read(self)
        self.restart()

    def _stop(self, why: Why) -> None:
        self.reading = False
        self._rank.ended(self, why)
        self._flush()

    def _send_held(self) -> None:
        if self.admitted:
            for data in self._held:
                self._queue(data)
            self._held = []
            self._flush()

    def _queue(self, data: bytes) -> None:
        if not self._out:
            self._head_since = monotonic()
        self._out.append(memoryview(data))

    def _flush(self) -> None:
        """Gives the system what it takes. That a peer is gone is told by a later turn, not in the midst of a sender."""
        if self.over:
            return
        try:
            while self._out and not self._gone:
                taken = self._sock.send(self._out[0])
                self.written, self.buffered = self.written + taken, self.buffered - taken
                self._out[0] = self._out[0][taken:]
                if not self._out[0]:
                    self._out.popleft()
                    self._head_since = monotonic()
            if self._ending and not (self._ended or self._held or self._gone):
                self._sock.shutdown(socket.SHUT_WR)
                self._ended = True
                self.restart()
        except BlockingIOError:
            pass
        except OSError:
            self._gone = True
        if self._ended and not self.reading:
            self.close()
