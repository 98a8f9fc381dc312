"""Two messages in a row for each layout, of any size: what the scenarios of pairs write, and what comes of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from families import multipart, pp, prefix, tp
from families import sessions as session
from families.prefix import PREFIXES, Prefix
from families.tp import Header, Manifest, Tensor
from layout import Data, Family, Fill, Stream

# Longer runs are shown by length and digest in events.
HEX_LIMIT = 4096

# (stream, data, which of the messages it is): one good message that carries these bytes.
Message = Callable[[Stream, Data, int], Stream]


@dataclass(frozen=True)
class Layout:
    profile: dict
    message: Message
    bare: bool
    """Nothing stands behind the length but the data: a message without data has no body."""
    sends: bool = True
    """What sends must have a codec that encodes; a session is only read."""
    width: int = 1
    """Bytes of one element of the data."""

    @property
    def name(self) -> str:
        return self.profile["profile"]


@dataclass(frozen=True)
class Written:
    """A stream of two messages, the second of which may be one byte too long."""

    layout: Layout
    stream: Stream
    limits: dict
    lengths: tuple[int, int]
    """Where the length of each message ends."""
    second: int
    """Where the second message begins."""

    def events(self, since: int, until: int) -> list[dict]:
        """What so many bytes bring, and fewer do not."""
        return [_told(event) for event in self.stream.events if since < event["at"] <= until]

    def end(self, at: int) -> dict | None:
        """What the end of the stream behind so many bytes gives; nothing behind an error."""
        if any(event["event"] == "error" and event["at"] <= at for event in self.stream.events):
            return None
        if at in (0, self.second, self.stream.size):
            return {"event": "end"}
        return {"event": "error", "class": self._missing(at), "at": str(at), "fatal": True}

    def _missing(self, at: int) -> str:
        start = 0
        for segment in self.stream.segments:
            start += _size(segment)
            if at < start:
                return self.layout.profile["fields"][segment["field"]]["eof"]
        raise ValueError(f"nothing is missing behind byte {at}")

    def bytes(self, since: int, until: int) -> str | dict:
        return _joined(self.stream.segments, since, until)


def written(layout: Layout, size: int, byte: int, limit: str) -> Written:
    """`limit`: the implementation's own (`default`), that of the longer message (`exact`), or the second is one byte longer (`over`)."""
    messages = [_message(layout, size, byte, nth) for nth in (0, 1)]
    most = max(message.size - _length_end(message) for message in messages)
    stream = Family(layout.name, "pairs", "").stream()
    first, second = messages
    lengths = (_length_end(first), first.size + _length_end(second))
    for message in messages:
        over = limit == "over" and message is second
        for segment in message.segments:
            is_length = over and segment["field"] == "length"
            stream.put(segment["field"], _longest(segment, most) if is_length else _data(segment))
        if over:
            rest = most + 1 - (stream.size - lengths[1])
            stream.put(list(layout.profile["fields"])[-1], bytes([byte]) * rest)
            stream.error("oversize.declared", lengths[1])
        else:
            stream.message(message.events[0]["value"])
    limits = {} if limit == "default" else {"max_frame_length": str(most)}
    return Written(layout, stream, limits, lengths, first.size)


def _longest(segment: dict, most: int) -> bytes:
    """A length one above what is allowed."""
    return (most + 1).to_bytes(_size(segment), "big")


def _data(segment: dict) -> Data:
    return bytes.fromhex(segment["hex"]) if "hex" in segment else Fill(**segment["fill"])


def answer(layout: Layout, size: int) -> tuple[dict, str | dict]:
    """A message to send, and its bytes."""
    message = _message(layout, size, 0x7A, 0)
    return message.events[0]["value"], _joined(message.segments, 0, message.size)


@dataclass(frozen=True)
class Said:
    """One message: as a value to send, as bytes, and as it is told."""

    value: dict
    bytes: str | dict
    event: dict
    length: int
    """What a limit counts of it."""


def said(layout: Layout, size: int, byte: int, nth: int = 0) -> Said:
    message = _message(layout, size, byte, nth)
    event = message.events[0]
    return Said(event["value"], _joined(message.segments, 0, message.size), _told(event), message.size - _length_end(message))


def _message(layout: Layout, size: int, byte: int, nth: int) -> Stream:
    count = size * layout.width
    data: Data = bytes([byte]) * count if count < 16 else Fill(byte, count)
    return layout.message(Family(layout.name, "pairs", "").stream(), data, nth)


def _length_end(message: Stream) -> int:
    at = 0
    for segment in message.segments:
        at += _size(segment)
        if segment["field"] == "length":
            return at
    raise ValueError("a message without a length")


def _size(segment: dict) -> int:
    return len(segment["hex"]) // 2 if "hex" in segment else segment["fill"]["count"]


def _joined(segments: list[dict], since: int, until: int) -> str | dict:
    """As a scenario writes bytes: hex, a run, or several of these behind each other."""
    parts: list[str | dict] = []
    at = 0
    for segment in segments:
        start, end = max(since, at), min(until, at + _size(segment))
        at += _size(segment)
        if start >= end:
            continue
        if "fill" in segment:
            parts.append({"fill": {"byte": segment["fill"]["byte"], "count": end - start}})
            continue
        offset = at - _size(segment)
        piece = segment["hex"][2 * (start - offset) : 2 * (end - offset)]
        if parts and isinstance(parts[-1], str):
            parts[-1] += piece
        else:
            parts.append(piece)
    return parts[0] if len(parts) == 1 else {"parts": parts}


def _told(event: dict) -> dict:
    if event["event"] == "error":
        return {"event": "error", "class": event["class"], "at": str(event["at"]), "fatal": True}
    return {"event": "message", "value": _shown(event["value"])}


def _shown(value: object) -> object:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"fill"}:
        data = bytes([value["fill"]["byte"]]) * value["fill"]["count"]
        return data.hex() if len(data) <= HEX_LIMIT else {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {name: _shown(item) for name, item in value.items()}


def _prefixed(p: Prefix) -> Message:
    return lambda stream, data, _: p.frame(stream, data)


def _multipart(typehash: int | None) -> Message:
    return lambda stream, data, _: multipart.frame(stream, multipart.Record(data, typehash))


def _header(nth: int) -> Header:
    return Header(7 + nth, 3 + nth, 40 + nth, 2, "INFER")


def _tensor(data: Data) -> Tensor:
    """Its key comes behind those of a step."""
    return Tensor("x", "float16", (len(data) // 2,), data)


def _tp(stream: Stream, data: Data, nth: int) -> Stream:
    return tp.message(stream, _header(nth), Manifest((_tensor(data),)))


def _tp_session(stream: Stream, data: Data, nth: int) -> Stream:
    tensors = (session.COND, session.LIST, session.LATENTS, _tensor(data))
    return tp.message(stream, _header(nth), Manifest(tensors, tp_plan=session.V1, video=session.STEP | {"init_cache": nth == 0}))


def _envelope(stream: Stream, data: Data, nth: int) -> Stream:
    lm = {"position": nth, "num_tokens": 1, "init_cache": nth == 0}
    return pp.request(stream, pp.Envelope(_header(nth), (pp.INPUT, _tensor(data)), lm))


def _result(stream: Stream, data: Data, nth: int) -> Stream:
    return pp.result(stream, pp.Result((_tensor(data),), 7 + nth, 3 + nth))


LAYOUTS = (
    *(Layout(prefix.profile(p), _prefixed(p), bare=True) for p in PREFIXES),
    Layout(multipart.profile("multipart"), _multipart(None), bare=False),
    Layout(multipart.profile("multipart-typed"), _multipart(multipart.STRING_HASH), bare=False),
    Layout(tp.profile(), _tp, bare=False, width=2),
    Layout(pp.envelope_profile(), _envelope, bare=False, width=2),
    Layout(pp.result_profile(), _result, bare=False, width=2),
    Layout(session.profile(session.TP), _tp_session, bare=False, sends=False, width=2),
    Layout(session.profile(session.PP), _envelope, bare=False, sends=False, width=2),
)
