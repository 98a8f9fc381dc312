"""What a family is made of: streams built field by field, with the events that they give written down on the way.

Nothing here decodes. Every offset is the size of what was put before it, so the expectations are those of the writer
and not of any reader. Python's standard library only; no byte comes from the TypeScript packages.
"""

from dataclasses import dataclass, field

# Longer runs of bytes go into the .bin file beside the family.
INLINE = 256


@dataclass(frozen=True)
class Fill:
    """`count` times the byte `byte`: large payloads that need no file."""

    byte: int
    count: int

    def __len__(self) -> int:
        return self.count


Data = bytes | Fill


def varied(count: int, seed: int = 1) -> bytes:
    """Bytes without a visible period, so that a lost, doubled or moved stretch shows (a 64-bit LCG, high byte)."""
    state, out = seed, bytearray()
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        out.append(state >> 56)
    return bytes(out)


@dataclass
class Bin:
    """The file of long byte strings beside a family; equal strings are stored once."""

    name: str
    content: bytearray = field(default_factory=bytearray)
    known: dict[bytes, int] = field(default_factory=dict)

    def ref(self, data: bytes) -> dict:
        if data not in self.known:
            self.known[data] = len(self.content)
            self.content += data
        return {"file": self.name, "offset": self.known[data], "length": len(data)}


class Family:
    def __init__(self, profile: str, family: str, about: str):
        self.profile, self.family, self.about = profile, family, about
        self.bin = Bin(f"{family}.bin")
        self.vectors: list[dict] = []

    def raw(self, data: Data) -> str | dict:
        """Bytes as they stand in a value: hex, {fill} or {bin}."""
        if isinstance(data, Fill):
            return {"fill": {"byte": data.byte, "count": data.count}}
        return data.hex() if len(data) <= INLINE else {"bin": self.bin.ref(data)}

    def stream(self) -> "Stream":
        return Stream(self)

    def id(self, slug: str) -> str:
        return f"{self.profile}/{slug}"

    def decode(
        self, slug: str, why: str, rules: list[str], stream: "Stream", *,
        limits: dict | None = None, at_eof: str | None = "end", sibling: str | None = None,
        sweeps: dict | None = None, level: str = "must", proof: bool = False,
        canonical: bool = True, defects: list[str] | None = None,
        alternatives: "list[tuple[str, Stream]] | None" = None,
    ) -> None:
        """`alternatives`: reasons, and streams of the same bytes with the other events that are as right."""
        vector = {"id": self.id(slug), "rules": rules, "level": level, "role": "decode", "why": why}
        vector["limits"] = {k: str(v) for k, v in (limits or {}).items()}
        vector["bytes"] = stream.segments
        vector["events"] = stream.events
        if not stream.failed:
            vector["at_eof"] = at_eof
        if alternatives:
            vector["alternatives"] = [
                {"reason": reason, "events": other.events} | ({} if other.failed else {"at_eof": "end"})
                for reason, other in alternatives
            ]
        if proof:
            vector["position_proof"] = True
        if not canonical:
            vector["noncanonical"] = True
        self._finish(vector, sibling, defects, sweeps)

    def encode(
        self, slug: str, why: str, rules: list[str], value: dict, result: "Stream | str", *,
        limits: dict | None = None, sibling: str | None = None, sweeps: dict | None = None,
        level: str = "must", defects: list[str] | None = None,
    ) -> None:
        vector = {"id": self.id(slug), "rules": rules, "level": level, "role": "encode", "why": why}
        vector["limits"] = {k: str(v) for k, v in (limits or {}).items()}
        vector["value"] = value
        if isinstance(result, str):
            vector["refusal"] = result
        else:
            vector["bytes"] = result.segments
        self._finish(vector, sibling, defects, sweeps)

    def _finish(
        self, vector: dict, sibling: str | None, defects: list[str] | None, sweeps: dict | None
    ) -> None:
        if sibling:
            vector["sibling"] = self.id(sibling)
        if defects:
            vector["defects"] = defects
        vector["sweeps"] = sweeps or {}
        self.vectors.append(vector)

    def document(self) -> dict:
        return {"family": self.family, "profile": self.profile, "about": self.about, "vectors": self.vectors}


class Stream:
    """The bytes of one connection with their field marks, and the events that they give."""

    def __init__(self, family: Family):
        self.family = family
        self.segments: list[dict] = []
        self.events: list[dict] = []
        self.size = 0

    def put(self, name: str, data: Data, note: str | None = None) -> "Stream":
        segment: dict = {"field": name}
        if note:
            segment["note"] = note
        raw = self.family.raw(data)
        segment.update({"hex": raw} if isinstance(raw, str) else raw)
        if len(data) > 0:
            self.segments.append(segment)
            self.size += len(data)
        return self

    def message(self, value: dict) -> "Stream":
        """The message that ends here; none after an error."""
        if self.failed:
            return self
        self.events.append({"at": self.size, "event": "message", "value": value})
        return self

    def dropped(self) -> "Stream":
        """The message that ends here is read and not delivered."""
        self.events.append({"at": self.size, "event": "dropped"})
        return self

    @property
    def failed(self) -> bool:
        return any(event["event"] == "error" for event in self.events)

    def error(self, error_class: str, at: int | None = None) -> "Stream":
        self.events.append({"at": self.size if at is None else at, "event": "error", "class": error_class})
        return self
