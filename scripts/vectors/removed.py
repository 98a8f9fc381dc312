"""The version of the corpus, and tombstones of the vectors that it no longer has."""

# A vector that is not in the history yet is of this version.
VERSION = "0.1"

# {"id": "len32/old", "until": "0.2", "reason": "It tested what len32/new tests."}: the id is never used again.
REMOVED: list[dict] = []
