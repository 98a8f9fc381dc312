"""Covering arrays: few rows in which every combination of values of any `strength` axes occurs, where it is possible at all."""

from collections.abc import Callable
from itertools import combinations, product

Row = dict[str, str]
Combination = tuple[tuple[str, str], ...]


def covering(axes: dict[str, tuple[str, ...]], possible: Callable[[Row], bool], strength: int = 2) -> list[Row]:
    """
    Greedy, over all possible rows, and the same every time: the next row is the first of those that bring most of what is missing. An
    impossible combination is one that no possible row has.
    """
    rows = _possible(axes, possible)
    bits: dict[Combination, int] = {}
    masks = [
        sum(1 << bits.setdefault(combination, len(bits)) for combination in _combinations(row, strength)) for row in rows
    ]
    missing, chosen = (1 << len(bits)) - 1, []
    while missing:
        best = max(range(len(rows)), key=lambda i: (masks[i] & missing).bit_count())
        chosen.append(best)
        missing &= ~masks[best]
    return [rows[i] for i in sorted(chosen)]


def covered(rows: list[Row], axes: dict[str, tuple[str, ...]], possible: Callable[[Row], bool], strength: int) -> tuple[int, int]:
    """How many of the possible combinations of so many axes occur in the rows, and how many there are."""
    every = {each for row in _possible(axes, possible) for each in _combinations(row, strength)}
    return len({each for row in rows for each in _combinations(row, strength)} & every), len(every)


def _possible(axes: dict[str, tuple[str, ...]], possible: Callable[[Row], bool]) -> list[Row]:
    return [row for values in product(*axes.values()) if possible(row := dict(zip(axes, values)))]


def _combinations(row: Row, strength: int) -> list[Combination]:
    return list(combinations(row.items(), strength))
