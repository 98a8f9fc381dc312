"""The order of ids and epochs on one connection, and the stateful receivers tp-session and pp-session."""

from typing import Any, Callable

from framing import Decoder, Reader, WireError, read_frame
from tp import ACTIONS, HEADER, IDS

DUPLICATE = object()  # a message that was read to its end and is not delivered


class SessionDecoder(Decoder):
    def push(self, chunk: bytes) -> list[Any]:
        return [message for message in super().push(chunk) if message is not DUPLICATE]


class Order:
    """Where one connection stands. A receiver judges what comes by it, and a sender what is to go."""

    def __init__(self) -> None:
        self.last: Any = None  # the header of the message before
        self._last_infer: Any = None

    @property
    def closed(self) -> bool:
        return self.last is not None and self.last["action"] == "SHUTDOWN"

    def repeats(self, header: Any) -> bool:
        return self.last is not None and header["call_id"] == self.last["call_id"]

    def judge(self, header: Any) -> None:
        last, ordered = self.last, header["call_id"] >= 1
        ordered &= header["control_epoch"] >= 0 and header["cache_epoch"] >= 0
        if last is not None:
            ordered &= header["call_id"] > last["call_id"]
            ordered &= header["control_epoch"] == last["control_epoch"] + 1
            ordered &= header["cache_epoch"] - last["cache_epoch"] in (0, 1)
        if header["action"] == "INFER":
            before = self._last_infer
            same_epoch = before is not None and before["cache_epoch"] == header["cache_epoch"]
            ordered &= header["chunk_index"] >= (before["chunk_index"] if same_epoch else 0)
        if not ordered:
            raise WireError("sequence")

    def accept(self, header: Any, body: Any = None) -> None:
        """The message is whole: it is the one before the next."""
        if body is not None:
            step = next((getattr(body, s) for s in ("lm", "video") if has_step(body, s)), None)
            before = self._last_infer
            fresh = before is None or header["cache_epoch"] > before["cache_epoch"]
            if step is not None and step.init_cache != fresh:
                raise WireError("sequence")
            self._last_infer = header
        self.last = header


class Session:
    """One connection, of tp or of pp. `read` gives the reader of its next message; `limit` is that of a frame."""

    def __init__(self, read_message: Callable[[], Reader], limit: int) -> None:
        self._read_message, self._limit = read_message, limit
        self._order = Order()

    def read(self) -> Reader:
        if self._order.closed:
            yield 1, "eof.in-header"
            raise WireError("state")
        inner = self._read_message()  # its first bytes are the header, which is judged before any other
        data = yield next(inner)
        *ids, action = HEADER.unpack(data)
        header = {**dict(zip(IDS, ids)), "action": ACTIONS[action] if action in range(len(ACTIONS)) else None}
        if header["action"]:  # what no action is, `inner` refuses
            if self._order.repeats(header):  # told by its id alone: what its frame holds is nobody's
                if header["action"] == "INFER":
                    yield from read_frame("len64", self._limit)
                return DUPLICATE
            self._order.judge(header)
        try:
            wants = inner.send(data)
            while True:
                wants = inner.send((yield wants))
        except StopIteration as whole:
            message = whole.value
        self._order.accept(header, message.body)
        return message


def has_step(body: Any, name: str) -> bool:
    return name in body.DESCRIPTOR.fields_by_name and body.HasField(name)
