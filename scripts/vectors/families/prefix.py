"""The four prefix profiles: one layout with a different lead byte and width of length."""

from dataclasses import dataclass

from layout import Data, Family, Stream


@dataclass(frozen=True)
class Prefix:
    profile: str
    rules: str
    """The first part of the profile's rule ids."""
    lead: str | None
    """The name of the byte before the length, where there is one."""
    width: int
    """Bytes of length."""

    @property
    def size(self) -> int:
        return self.width + (1 if self.lead else 0)

    @property
    def largest(self) -> int:
        return 256**self.width - 1

    @property
    def unsigned(self) -> str:
        """The rule about reading the length as what it is."""
        return self.rule("length.unsigned" if self.width == 4 else "length.exact")

    def rule(self, name: str) -> str:
        return f"{self.rules}.{name}"

    def value(self, family: Family, payload: Data, lead: int = 0) -> dict:
        value: dict = {self.lead: lead} if self.lead else {}
        value["payload"] = family.raw(payload)
        return value

    def prefix(self, stream: Stream, length: int, lead: int = 0) -> Stream:
        if self.lead:
            stream.put(self.lead, bytes([lead]))
        return stream.put("length", length.to_bytes(self.width, "big"), note=str(length))

    def frame(self, stream: Stream, payload: Data, lead: int = 0) -> Stream:
        self.prefix(stream, len(payload), lead).put("payload", payload)
        return stream.message(self.value(stream.family, payload, lead))

    def frames(self, family: Family, *payloads: Data) -> Stream:
        stream = family.stream()
        for payload in payloads:
            self.frame(stream, payload)
        return stream

    def sweep(self, *froms: int) -> list[dict]:
        """Every way to cut the prefix that starts at each of these offsets."""
        return [{"from": at, "width": self.size} for at in froms]


LEN32 = Prefix("len32", "len32", None, 4)
LEN64 = Prefix("len64", "len64", None, 8)
LEN56 = Prefix("len56-tagged", "len56", "tag", 7)
GRPC = Prefix("grpc-lpm", "grpc", "flag", 4)
PREFIXES = (LEN32, LEN64, LEN56, GRPC)

# Small limit of most vectors: streams with equal limits are glued with each other.
LIMIT = {"max_frame_length": 1024}


def profile(p: Prefix) -> dict:
    fields: dict = {}
    if p.lead:
        about = "logical channel, 0 to 255" if p.lead == "tag" else "compression flag; only 0 is accepted here"
        fields[p.lead] = {"type": "u8", "eof": "eof.in-prefix", "about": about}
    kind = {4: "u32be", 7: "u56be", 8: "u64be"}[p.width]
    fields["length"] = {"type": kind, "eof": "eof.in-prefix", "about": "payload bytes, unsigned, big-endian"}
    fields["payload"] = {"type": "bytes", "eof": "eof.in-body", "about": "the message"}
    rule = p.rule
    return {
        "profile": p.profile,
        "about": f"A prefix of {p.size} bytes before each payload (spec/framing.md).",
        "fields": fields,
        "derived": {
            "chunking": [rule("boundary.chunking")],
            "glued": [rule("boundary.glued")],
            "end": [rule("eof.boundary")],
            "eof.in-prefix": [rule("eof.mid-prefix")],
            "eof.in-body": [rule("eof.mid-body")],
            "sticky": [rule("error.sticky")],
            "delivered": [rule("error.delivered-before")],
            "isolation": [rule("state.isolated")],
            "limit.accept": [rule("limit.exact")],
            "limit.refuse": [rule("limit.oversize"), rule("limit.before-body")],
            "limit.wide": [p.unsigned, rule("limit.oversize"), rule("limit.before-body"), rule("limit.allocation")],
            "encode.again": [rule("encode.layout")],
            "encode.after": [rule("encode.refusal")],
            "memory": [rule("limit.allocation")],
        },
    }
