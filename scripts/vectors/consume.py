#!/usr/bin/env python3
"""A consumer without the harness, as an example: runs an exported list against the codecs of conformance/ports/python.

    bun run tensorwire conformance --export-cases cases.jsonl
    python3 scripts/vectors/consume.py cases.jsonl

A line is one case: the steps, and for each step the events that must come. The sweeps are expanded already. Lines that name a
`scenario` (level 2) ask for sockets, and lines that `require` something (level 3) for probes: this consumer has neither.
"""

import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conformance/ports/python"))
from framing import Decoder, WireError  # noqa: E402
from values import PROFILES, Declined, codec, show  # noqa: E402


def play(case: dict) -> list[list[dict]]:
    """The events of each step."""
    limits = {name: int(text) for name, text in case["limits"].items()}
    read, show_message, encode = codec(case["profile"], limits)
    decoder, lists = Decoder(read), []
    for step in case["steps"]:
        ((kind, given),) = step.items()
        events, before = [], decoder.error
        if kind == "reset":
            decoder, before = Decoder(read), None
        elif kind == "encode":
            try:
                data = show(encode(given))
                events.append({"event": "bytes"} | (data if isinstance(data, dict) else {"hex": data}))
            except WireError as error:
                events.append({"event": "error", "class": error.code, "at": "0", "fatal": False})
        elif kind == "eof":
            events += [{"event": "end"}] if decoder.end() else []
        else:
            chunk = bytes.fromhex(given) if kind == "feed" else bytes([given["byte"]]) * given["count"]
            events += [{"event": "message", "value": show_message(message)} for message in decoder.push(chunk)]
        if decoder.error and decoder.error is not before:  # fatal, and told once
            events.append({"event": "error", "class": decoder.error.code, "at": str(decoder.error.at), "fatal": True})
        lists.append(events)
    return lists


def main(path: str) -> int:
    counts: Counter[str] = Counter()
    for line in Path(path).open():
        case = json.loads(line)
        if "scenario" in case or "requires" in case:
            counts["other level"] += 1
            continue
        allowed = [case["expected"], *(other["expected"] for other in case.get("alternatives", []))]
        try:
            known = case["profile"] in PROFILES
            verdict = ("pass" if play(case) in allowed else "fail") if known else "other profile"
        except Declined:
            verdict = "declined"
        counts[verdict] += 1
        if verdict == "fail":
            print(f"{case['id']}: {case['why']}")
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 1 if counts["fail"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
