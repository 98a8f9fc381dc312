"""The sender's order, as a type: what is Ready has nothing left that may fail but the connection itself."""

from dataclasses import dataclass
from typing import Any

from contracts import Call, Limits, judge
from framing import WireError, encode_multipart
from sessions import Order
from tp import encode_tp

HELD = 1 << 20  # bytes that may wait for a peer before its rank takes nothing more to do


@dataclass(frozen=True)
class Ready:
    """A message as it is, and all of its bytes."""

    call: Call
    data: bytes


def prepare(call: Call, limits: Limits) -> Ready:
    """Validates, serialises, checks the specs, materialises, in this order. r[tp.send.order] r[pp.send.order]"""
    if call.body is None:
        return Ready(call, encode_tp(call.header, [], limits.max_frame_length))
    body = call.body.SerializeToString(deterministic=True)
    if len(body) > limits.max_manifest_length:
        raise WireError("oversize.declared")
    judge(call.body, [len(data) for data in call.tensors], limits, call.header)
    records = [(body, None), *((bytes(data), None) for data in call.tensors)]
    if call.header is None:
        return Ready(call, encode_multipart(records, False, limits.max_frame_length))
    return Ready(call, encode_tp(call.header, records, limits.max_frame_length))


class Outgoing:
    """The ids of what one sender sends. What a receiver would refuse is refused here, before a byte."""

    def __init__(self) -> None:
        self._order = Order()

    @property
    def closed(self) -> bool:
        return self._order.closed

    @property
    def last(self) -> Any:
        """The header of the last message, or None."""
        return self._order.last

    def claim(self, message: Ready) -> None:
        """The message is the next one. One that was sent is not sent again: a receiver would drop it."""
        if self._order.closed:
            raise WireError("state")
        self._order.judge(message.call.header)
        self._order.accept(message.call.header, message.call.body)

    def shutdown(self) -> Ready:
        """The SHUTDOWN that comes next."""
        last = self._order.last or {"call_id": 0, "chunk_index": 0, "control_epoch": 0, "cache_epoch": 0}
        ids = {"call_id": last["call_id"] + 1, "control_epoch": last["control_epoch"] + 1}
        return prepare(Call({**last, **ids, "action": "SHUTDOWN"}), Limits(0))
