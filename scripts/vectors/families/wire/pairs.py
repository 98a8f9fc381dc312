"""
Ends of connections in every pair of circumstances: who dials, over what, who ends how and where, in what writes, under what limit, beside
how many others, with messages of what size. A covering array, not the product; the words of a scenario's id are its values.
"""

from functools import cache

from covering import Row, covered, covering
from families.wire.scenario import Scenarios
from families.wire.streams import LAYOUTS, Layout, Written, answer, written

STRENGTH = 2
LARGE = 100_000  # more than one read

AXES: dict[str, tuple[str, ...]] = {
    "dials": ("harness", "iut"),
    "over": ("tcp", "unix"),
    # Harness: its end at once behind the last byte; its end alone, then an answer; its reset. Implementation: its end before the last
    # byte, and its reset.
    "ends": ("end", "half", "reset", "ours", "drop"),
    "where": ("boundary", "prefix", "body"),
    # A message a write, all in one, cut in each length, and cut there and byte by byte.
    "writes": ("whole", "glued", "cut", "bytes"),
    "limit": ("default", "exact", "over"),
    "beside": ("alone", "three"),
    "size": ("zero", "one", "large"),
}
SIZES = {"zero": 0, "one": 1, "large": LARGE}


def _possible(row: Row, bare: bool) -> bool:
    """`bare`: a message without data has no body in which anything could end."""
    over = row["limit"] == "over"
    return not (
        # A Unix socket has no reset.
        (row["over"] == "unix" and row["ends"] in ("reset", "drop"))
        # The length decides, so that it must be there; then the connection is over, and says nothing more.
        or (over and (row["where"] == "prefix" or row["ends"] in ("half", "drop")))
        or (bare and row["where"] == "body" and row["size"] == "zero" and not over)
        # A barrier for each byte: only of few. And nobody knows how much an implementation's own limit allows.
        or (row["size"] == "large" and (row["writes"] == "bytes" or row["limit"] == "default"))
    )


@cache
def rows(bare: bool) -> tuple[Row, ...]:
    return tuple(covering(AXES, lambda row: _possible(row, bare), STRENGTH))


def pairs(layout: Layout) -> list[dict]:
    s = Scenarios(layout.name)
    for row in rows(layout.bare):
        scenario = Pair(layout, row)
        more = {"opened_by": "iut"} if row["dials"] == "iut" else {}
        more |= {"over": "unix"} if row["over"] == "unix" else {}
        s.steps(
            "-".join(("pairs", *row.values())), scenario.rules(), why(row, layout), *scenario.steps(),
            limits=scenario.own.limits, **more,
        )
    return s.list


def summary() -> list[str]:
    """The strength, for who runs the generator."""
    lines = []
    for bare, what in ((True, "frames"), (False, "messages in frames")):
        (triples, all_triples) = covered(list(rows(bare)), AXES, lambda row: _possible(row, bare), STRENGTH + 1)
        profiles = ", ".join(layout.name for layout in LAYOUTS if layout.bare == bare)
        lines.append(
            f"pairs of {what}: strength {STRENGTH} over {len(AXES)} axes in {len(rows(bare))} scenarios,"
            f" {triples} of {all_triples} triples ({profiles})"
        )
    return lines


WORDS = {
    "harness": "the harness dials", "iut": "the implementation dials",
    "tcp": "", "unix": " a Unix socket",
    "alone": "", "three": " three times",
    "zero": "nothing", "one": "one {unit} each", "large": f"{LARGE:,} {{unit}}s each",
    "default": "the implementation's own limit", "exact": "a limit that the longest of them reaches",
    "over": "a limit that the second is above by one",
    "whole": "each in a write", "glued": "both in one write", "cut": "cut in each length", "bytes": "byte by byte",
    "end": "the harness ends its direction", "half": "the harness ends its direction and still listens,",
    "reset": "the harness resets", "ours": "the implementation, which has ended its own direction, sees the end",
    "drop": "the implementation is told to reset",
    "boundary": "on a boundary", "prefix": "inside a length", "body": "inside a body",
}


def why(row: Row, layout: Layout) -> str:
    unit = "byte" if layout.width == 1 else "element"
    w = {axis: WORDS[value].format(unit=unit) for axis, value in row.items()}
    return (
        f"What an end means does not hang on what else is so: here {w['dials']}{w['over']}{w['beside']}, two messages carry"
        f" {w['size']} under {w['limit']}, {w['writes']}, and {w['ends']} {w['where']}."
    )


class Pair:
    def __init__(self, layout: Layout, row: Row) -> None:
        self.layout, self.row = layout, row
        size = SIZES[row["size"]]
        self.own = written(layout, size, 0x61, row["limit"])
        # Each carries other bytes, with a length that differs in more than its last byte, and ends on its boundary.
        sign = 1 if row["limit"] == "default" else -1
        beside = (("b", 258), ("c", 300)) if row["beside"] == "three" else ()
        self.others = {conn: written(layout, max(size + sign * more, 0), ord(conn), "default") for conn, more in beside}
        self.stop = self._stop()

    @property
    def over(self) -> bool:
        return self.row["limit"] == "over"

    def _stop(self) -> int:
        end, size = self.own.lengths[1], self.own.stream.size
        return {"boundary": size, "prefix": end - 1, "body": end + (size - end) // 2}[self.row["where"]]

    def rules(self) -> list[str]:
        derived = self.layout.profile["derived"]
        ends = self.row["ends"]
        found = ["iut.wire.dial" if self.row["dials"] == "iut" else "iut.wire.listen", "iut.wire.sync"]
        found += {"reset": ["iut.wire.reset"], "ours": ["iut.wire.close"], "drop": ["iut.wire.close"]}.get(ends, [])
        if self.over:
            found += ["iut.wire.refusal", *derived.get("limit.refuse", [])]
        elif ends in ("end", "half", "ours"):
            found.append("iut.wire.half-close")
            end = self.own.end(self.stop)
            found += derived.get(end.get("class", "end"), [])
        if self.row["limit"] == "exact":
            found += derived.get("limit.accept", [])
        found += derived.get("glued" if self.row["writes"] == "glued" else "chunking", [])
        if self.others:
            named = ["iut.wire.accept"] if self.row["dials"] == "harness" else []
            found += ["iut.wire.connections", *named, *derived.get("isolation", [])]
        return list(dict.fromkeys(found))

    def cuts(self, of: Written, stop: int) -> list[int]:
        # Before its last byte: up to there the lengths of two connections can differ.
        inside = [end - 1 for end in of.lengths]
        if of is not self.own:
            # They are all inside a length while the other one ends.
            inside = inside if self.row["writes"] in ("cut", "bytes") else inside[1:]
        elif self.row["writes"] in ("whole", "glued"):
            inside = []
        borders = [of.second] if self.row["writes"] == "whole" else []
        return [0, *sorted(at for at in {*inside, *borders} if 0 < at < stop), stop]

    def steps(self) -> list[dict]:
        conns = {"a": (self.own, self.cuts(self.own, self.stop))}
        conns |= {conn: (of, self.cuts(of, of.stream.size)) for conn, of in self.others.items()}
        steps: list[dict] = []
        for turn in range(max(len(cuts) for _, cuts in conns.values()) - 2):
            now = [(conn, of, cuts[turn : turn + 2]) for conn, (of, cuts) in conns.items() if turn < len(cuts) - 2]
            steps += [self._write(conn, of, *piece) for conn, of, piece in now]
            steps += [{"conn": conn, "sync": "read", "events": of.events(*piece)} for conn, of, piece in now]
        steps += self._ending(*conns["a"][1][-2:])
        for conn, (of, cuts) in list(conns.items())[1:]:
            steps += [
                self._write(conn, of, *cuts[-2:]),
                {"conn": conn, "end": True},
                {"conn": conn, "sync": "end", "events": [*of.events(*cuts[-2:]), {"event": "end"}]},
            ]
        return steps

    def _write(self, conn: str, of: Written, since: int, until: int) -> dict:
        step = {"conn": conn, "write": of.bytes(since, until)}
        bitten = of is self.own and self.row["writes"] == "bytes" and until - since > 1
        return step | {"bite": 1} if bitten else step

    def _ending(self, since: int, until: int) -> list[dict]:
        last, told, end = self._write("a", self.own, since, until), self.own.events(since, until), self.own.end(until)
        read = {"sync": "read", "events": told}
        closed = [{"close": "end"}, {"sees": "end"}]
        if self.over:
            return {
                "end": [last, {"end": True}, {"sync": "end", "events": told}, {"sees": "close"}],
                "reset": [last, read, {"sees": "close"}, {"reset": True}, {"sync": "end", "events": []}],
                "ours": [*closed, last, read],
            }[self.row["ends"]]
        finish = [{"end": True}, {"sync": "end", "events": [end]}]
        return {
            "end": [last, {"end": True}, {"sync": "end", "events": [*told, end]}, *closed],
            "half": [last, read, *finish, *self._answer(), *closed],
            "reset": [last, read, {"reset": True}, {"sync": "end", "events": [{"event": "reset", "at": str(until)}]}],
            "ours": [*closed, last, read, *finish],
            "drop": [last, read, {"close": "reset"}, {"sees": "reset"}],
        }[self.row["ends"]]

    def _answer(self) -> list[dict]:
        if not self.layout.sends:
            return []
        value, data = answer(self.layout, SIZES[self.row["size"]])
        return [{"send": value}, {"receive": data}]
