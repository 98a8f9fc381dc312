"""Length-prefix framing and multipart payloads, as in spec/framing.md. Sans-I/O, standard library only."""

from typing import Any, Callable, Generator, Optional

# Reads one message: yields (bytes wanted, the error class if the stream ends first), is sent the bytes, returns it.
Reader = Generator[tuple[int, str], bytes, Any]

PREFIX = {"len32": (0, 4), "len64": (0, 8), "len56-tagged": (1, 7), "grpc-lpm": (1, 4)}  # bytes of lead and length
TYPED = 1 << 63
Record = tuple[bytes, Optional[int]]  # data, and the type hash of a typed record


class WireError(Exception):
    """`code` is an error class of spec/iut-protocol.md, `at` the bytes of the stream that were needed to decide."""

    def __init__(self, code: str, at: int = 0) -> None:
        self.code, self.at = code, at


class Decoder:
    """Cuts one connection's stream into messages. The first error ends it for good."""

    def __init__(self, read: Callable[[], Reader]) -> None:
        self._read = read
        self._buffer = bytearray()  # what arrived and no reader has taken yet: never more than one wants
        self._offset = 0  # bytes of the stream that readers have taken
        self.error: Optional[WireError] = None
        self._begin()

    def _begin(self) -> None:
        self._start, self._reader = self._offset, self._read()
        self._want, self._eof = next(self._reader)

    def push(self, chunk: bytes) -> list[Any]:
        """The messages that `chunk` completed. Look at `error` afterwards."""
        if self.error:
            return []
        self._buffer += chunk
        messages, at = list[Any](), 0
        try:
            while len(self._buffer) - at >= self._want:
                data = bytes(self._buffer[at : at + self._want])
                at, self._offset = at + self._want, self._offset + self._want
                try:
                    self._want, self._eof = self._reader.send(data)
                except StopIteration as whole:
                    messages.append(whole.value)
                    self._begin()
        except WireError as error:
            self.error = WireError(error.code, self._offset)
        del self._buffer[:at]  # once for each read, not for each message: linear in the bytes
        return messages

    @property
    def held(self) -> int:
        """Bytes of memory that the buffer takes, used or not."""
        return self._buffer.__sizeof__()

    @property
    def partial(self) -> bool:
        """Some bytes of a message have come, and not all."""
        return self._offset + len(self._buffer) > self._start

    def end(self) -> bool:
        """True if the stream ended cleanly, between two messages. Else look at `error`."""
        if not self.error and self.partial:
            self.error = WireError(self._eof, self._offset + len(self._buffer))
        return self.error is None


def check_lead(profile: str, lead: int) -> None:
    if profile == "grpc-lpm" and lead != 0:
        raise WireError("codec.unsupported" if lead == 1 else "flags.reserved")
    if lead not in range(256 ** PREFIX[profile][0]):
        raise WireError("header.field")


def read_frame(profile: str, limit: int) -> Reader:
    """Returns (lead, payload): the tag of len56-tagged or the flag of grpc-lpm, else 0."""
    lead_size, length_size = PREFIX[profile]
    lead = int.from_bytes((yield lead_size, "eof.in-prefix"), "big")
    check_lead(profile, lead)  # before the length is there
    length = int.from_bytes((yield length_size, "eof.in-prefix"), "big")
    if length > limit:
        raise WireError("oversize.declared")
    return lead, (yield length, "eof.in-body")


def encode_frame(profile: str, payload: bytes, limit: int, lead: int = 0) -> bytes:
    lead_size, length_size = PREFIX[profile]
    check_lead(profile, lead)
    if len(payload) > min(limit, 256**length_size - 1):
        raise WireError("oversize.declared")
    return lead.to_bytes(lead_size, "big") + len(payload).to_bytes(length_size, "big") + payload


def read_record(typed: bool) -> Reader:
    length, typehash = int.from_bytes((yield 8, "eof.in-prefix"), "big"), None
    if typed and length & TYPED:
        length, typehash = length ^ TYPED, int.from_bytes((yield 8, "eof.in-header"), "big")
    return (yield length, "eof.in-body"), typehash


def read_multipart(typed: bool, limit: int, max_parts: Optional[int] = None) -> Reader:
    """Returns the records of one len64 frame: the body, then the parts."""
    _, payload = yield from read_frame("len64", limit)
    inner = Decoder(lambda: read_record(typed))  # the payload is a stream of records that ends with the frame
    records = inner.push(payload)
    if not inner.end() or not records:
        raise WireError(inner.error.code if inner.error else "eof.in-prefix")
    if max_parts is not None and len(records) - 1 > max_parts:
        raise WireError("oversize.declared")
    return records


def encode_multipart(records: list[Record], typed: bool, limit: int) -> bytes:
    out = []
    for data, typehash in records:
        if typehash is not None and not (typed and typehash in range(1 << 64)):
            raise WireError("header.field")
        out.append((len(data) | (0 if typehash is None else TYPED)).to_bytes(8, "big"))
        out += [data] if typehash is None else [typehash.to_bytes(8, "big"), data]
    return encode_frame("len64", b"".join(out), limit)
