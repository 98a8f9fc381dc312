"""The stateful receivers tp-session and pp-session: the order of ids and epochs on one connection."""

from typing import Any, Callable

from framing import Decoder, Reader, WireError
from tp import ACTIONS, HEADER, IDS

DUPLICATE = object()  # a message that was read to its end and is not delivered


class SessionDecoder(Decoder):
    def push(self, chunk: bytes) -> list[Any]:
        return [message for message in super().push(chunk) if message is not DUPLICATE]


class Session:
    """One connection, of tp or of pp. `read` gives the reader of its next message."""

    def __init__(self, read_message: Callable[[], Reader]) -> None:
        self._read_message = read_message
        self._last: Any = None  # the header of the message before
        self._last_infer: Any = None
        self._closed = False

    def read(self) -> Reader:
        if self._closed:
            yield 1, "eof.in-header"
            raise WireError("state")
        inner = self._read_message()  # its first bytes are the header, which is judged before any other
        data = yield next(inner)
        header = dict(zip((*IDS, "action"), HEADER.unpack(data)))
        duplicate = self._last is not None and header["call_id"] == self._last["call_id"]
        if header["action"] in range(len(ACTIONS)) and not duplicate:
            self._judge(header, ACTIONS[header["action"]] == "INFER")
        try:
            wants = inner.send(data)
            while True:
                wants = inner.send((yield wants))
        except StopIteration as whole:
            message = whole.value
        if duplicate:
            return DUPLICATE
        self._accept(header, message)
        return message

    def _judge(self, header: Any, infer: bool) -> None:
        last, ordered = self._last, header["call_id"] >= 1
        ordered &= header["control_epoch"] >= 0 and header["cache_epoch"] >= 0
        if last is not None:
            ordered &= header["call_id"] > last["call_id"]
            ordered &= header["control_epoch"] == last["control_epoch"] + 1
            ordered &= header["cache_epoch"] - last["cache_epoch"] in (0, 1)
        if infer:
            before = self._last_infer
            same_epoch = before is not None and before["cache_epoch"] == header["cache_epoch"]
            ordered &= header["chunk_index"] >= (before["chunk_index"] if same_epoch else 0)
        if not ordered:
            raise WireError("sequence")

    def _accept(self, header: Any, message: Any) -> None:
        if message.body is not None:
            step = next((getattr(message.body, s) for s in ("lm", "video") if has_step(message.body, s)), None)
            before = self._last_infer
            fresh = before is None or header["cache_epoch"] > before["cache_epoch"]
            if step is not None and step.init_cache != fresh:
                raise WireError("sequence")
            self._last_infer = header
        self._last, self._closed = header, ACTIONS[header["action"]] == "SHUTDOWN"


def has_step(body: Any, name: str) -> bool:
    return name in body.DESCRIPTOR.fields_by_name and body.HasField(name)
