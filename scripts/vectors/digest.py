#!/usr/bin/env python3
"""What a vector or a scenario means, as a text, and the SHA-256 of that text: its digest in history.json.

    python3 digest.py len64/hello wire/len64/split     the digest of each, and the text behind it

In the text stands what an implementation is held to: profile, role, level, rules, limits, the bytes however they are
stored, what an end behind each of them is called, events, value. Left out is what changes no verdict: `why`, notes and
reasons, `sibling`, `defects`, `upstream`, the marks of lints; and `sweeps`, whose cases follow from the rest, and come
and go by ids of their own. A scenario that names cases has their names in it; what those mean is in their own digests.

It is JSON without spaces, its keys in the order of their UTF-16 units, its rules sorted.

`conformance/src/corpus/digest.ts` is the other derivation.
"""

import hashlib
import json
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from layout import Bin

# Longer ones are told apart by length and byte, or length and SHA-256.
HEX_LIMIT = 4096

Bins = Callable[[str], bytes]


def vector_digest(vector: dict, profile: dict, bins: Bins) -> str:
    return _digest(vector_text(vector, profile, bins))


def scenario_digest(scenario: dict, profile: str) -> str:
    return _digest(scenario_text(scenario, profile))


def vector_text(vector: dict, profile: dict, bins: Bins) -> str:
    content = {
        "profile": profile["profile"],
        "rules": sorted(vector["rules"]),
        **{name: vector[name] for name in ("role", "level", "limits")},
        **_outcome(vector, bins),
    }
    if "bytes" in vector:
        content["bytes"] = _shown(b"".join(_data(segment, bins) for segment in vector["bytes"]))
    if vector["role"] == "decode":
        content["ends"] = _ends(vector["bytes"], profile)
    if "alternatives" in vector:
        content["alternatives"] = [_outcome(other, bins) for other in vector["alternatives"]]
    return _canonical(content)


def scenario_text(scenario: dict, profile: str) -> str:
    kept = {name: value for name, value in scenario.items() if name not in ("id", "why", "upstream")}
    return _canonical({**_resolved(kept, _no_bins), "rules": sorted(scenario["rules"]), "profile": profile})


def _outcome(of: dict, bins: Bins) -> dict:
    names = ("events", "at_eof", "value", "refusal")
    return {name: _resolved(of[name], bins) for name in names if name in of}


def _ends(segments: list[dict], profile: dict) -> list[list]:
    """What the end of the stream is called behind how many bytes: all that the names of the fields decide."""
    runs: list[list] = []
    for segment in segments:
        name, length = profile["fields"][segment["field"]]["eof"], _length(segment)
        if runs and runs[-1][0] == name:
            runs[-1][1] += length
        else:
            runs.append([name, length])
    return runs


def _length(segment: dict) -> int:
    if "hex" in segment:
        return len(segment["hex"]) // 2
    return segment["fill"]["count"] if "fill" in segment else segment["bin"]["length"]


def _data(of: dict, bins: Bins) -> bytes:
    if "hex" in of:
        return bytes.fromhex(of["hex"])
    if "fill" in of:
        return bytes([of["fill"]["byte"]]) * of["fill"]["count"]
    return bins(of["bin"]["file"])[of["bin"]["offset"] :][: of["bin"]["length"]]


def _resolved(value: object, bins: Bins) -> object:
    """Bytes that a file may write in several ways are written in one."""
    if isinstance(value, list):
        return [_resolved(item, bins) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"fill"} and value["fill"]["count"] > HEX_LIMIT:
        # Not built: a fill may be larger than any memory.
        return {"byte": value["fill"]["byte"], "length": value["fill"]["count"]}
    if value.keys() in ({"fill"}, {"bin"}):
        return _shown(_data(value, bins))
    if value.keys() == {"parts"}:
        parts = ({"hex": part} if isinstance(part, str) else part for part in value["parts"])
        return _shown(b"".join(_data(part, bins) for part in parts))
    return {name: _resolved(item, bins) for name, item in value.items()}


def _no_bins(file: str) -> bytes:
    raise ValueError(f"a scenario has no file {file}")


def _shown(data: bytes) -> str | dict:
    if len(data) <= HEX_LIMIT:
        return data.hex()
    if data.count(data[0]) == len(data):
        return {"byte": data[0], "length": len(data)}
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _canonical(value: object) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_canonical(name)}:{_canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value)
    text = json.dumps(value, ensure_ascii=False)
    # A surrogate alone has no UTF-8.
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text)


def _number(value: int | float) -> str:
    """Whole ones up to 2^53 in digits; others by their eight bytes, because languages write them differently."""
    if abs(value) < 2**53 and value == int(value):
        return str(int(value))
    return f'{{"f64":"{struct.pack(">d", value).hex()}"}}'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def bins_of(bin_: Bin) -> Bins:
    return lambda _: bytes(bin_.content)


def main(ids: list[str]) -> int:
    root = Path(__file__).resolve().parents[2] / "vectors"
    for id_ in ids:
        for path in sorted((root / id_.rpartition("/")[0].split("/")[0]).glob("*.json")):
            document = json.loads(path.read_text())
            for item in (*document.get("vectors", ()), *document.get("scenarios", ())):
                if item["id"] != id_:
                    continue
                if "vectors" in document:
                    profile = json.loads((path.parent / "profile.json").read_text())
                    text = vector_text(item, profile, lambda name, at=path.parent: (at / name).read_bytes())
                else:
                    text = scenario_text(item, document["profile"])
                print(f"{_digest(text)}  {id_}\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
