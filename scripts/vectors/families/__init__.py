"""The families of the corpus, in the order of the chapters."""

from collections.abc import Iterator

from families import prefix
from families.encodes import encodes
from families.ends import ends
from families.frames import frames, large
from families.limits import limits
from layout import Family


def all_profiles() -> Iterator[dict]:
    for p in prefix.PREFIXES[:2]:
        yield prefix.profile(p)


def all_families() -> Iterator[Family]:
    for p in prefix.PREFIXES[:2]:
        for build in (frames, ends, limits, large, encodes):
            yield build(p)
