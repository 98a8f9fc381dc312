"""A stage of a pipeline: owes each INFER one result, and may lead a TP group. spec/pp-contract.md"""

from collections import deque
from functools import partial
from typing import Any, Callable, Optional

from contracts import VERSION_1, Call, Limits, PPEnvelopeV1, PPResultV1, TPManifest, check, read_call
from framing import Reader, WireError
from leader import Leader
from link import Link
from rank import Rank, Why
from sending import HELD, Ready, prepare
from sessions import DUPLICATE, Session

IDS = ("call_id", "chunk_index", "cache_epoch")  # what a result repeats of its request


class Stage(Rank):
    def __init__(self, limits: Limits, group: Optional[Leader] = None) -> None:
        self._session = Session(partial(read_call, PPEnvelopeV1, limits), limits.max_frame_length)
        self._limits, self._group = limits, group
        self._owed: deque[Any] = deque()  # headers of the calls without a result
        self._last = False  # SHUTDOWN has come
        self._failed = False  # the group is lost

    def joined(self, link: Link) -> None:
        if self._group:
            self._group.on_lost.append(partial(self._fail, link))
            if self._group.lost:
                self._fail(link)

    def read(self, link: Link) -> Reader:
        message = yield from self._session.read()  # r[pp-session.rebroadcast]: whole, and judged
        if message is DUPLICATE or self._failed:
            return
        link.tell("message", message)
        if message.body is not None:
            self._owed.append(message.header)  # r[pp.result.exactly-one]
        self._last = message.header["action"] == "SHUTDOWN"
        if self._group:
            try:
                self._group.broadcast(prepare(for_group(message), self._limits))
            except WireError:  # no fault of the driver: its calls get error results
                self._fail(link)
        self._finish(link)

    def answer(self, link: Link, make: Callable[[], Ready]) -> None:
        """Sends the result of the oldest call: what `make` gives, or an error result where it cannot be sent."""
        if not self._owed:
            raise WireError("state")
        header = self._owed.popleft()
        try:
            result = make()
            check(all(getattr(result.call.body, name) == header[name] for name in IDS), "header.field")
            link.write(result.data)
        except WireError as error:
            link.write(failure(header, f"the result cannot be sent: {error.code}"))
            raise
        finally:
            link.restart()
            self._finish(link)

    def _fail(self, link: Link) -> None:
        """The group is lost: no call can be done. Each one that is owed has an error result, and then the end."""
        if not self._failed and not link.over:
            self._failed = True
            while self._owed:
                link.write(failure(self._owed.popleft(), "the group of the stage is lost"))
            if self._group:
                self._group.shut()
            link.drain()
            link.end()

    def _finish(self, link: Link) -> None:
        if self._last and not self._owed:
            link.end()

    def awaits(self, link: Link) -> bool:
        return not self._owed and not self._last  # the driver may be waiting for this stage

    def takes(self, link: Link) -> bool:
        return link.buffered <= HELD and not (self._group and self._group.full)

    def ended(self, link: Link, why: Why) -> None:
        done = self._failed or (self._last and not self._owed and not link.buffered)
        if why == "end" and (self._failed or self._last):
            pass  # in order: what is owed still goes, and then the end
        elif done and isinstance(why, str):
            link.finish()
        else:
            self._owed.clear()
            link.lose(why, [])
            if self._group and link.admitted:
                self._group.shut()


def for_group(message: Call) -> Call:
    """The same ids and tensors as a TP message, kwargs empty, no plan."""
    if message.body is None:
        return message
    manifest = TPManifest(tp_envelope_version=VERSION_1, tensor_specs=message.body.tensor_specs)
    return Call(message.header, manifest, message.tensors)


def failure(header: Any, why: str) -> bytes:
    ids = {name: header[name] for name in IDS}
    body = PPResultV1(pp_result_version=VERSION_1, **ids, ok=False, error_message=why)
    return prepare(Call(None, body), Limits(1 << 20)).data
