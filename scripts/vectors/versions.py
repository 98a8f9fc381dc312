"""The version of the corpus, what it changed of the meaning of vectors, and tombstones of those that it no longer has."""

# What is not in the history yet is of this version. Raised when the next begins: from then on, what the history has of this one stays.
VERSION = "0.1"

# {"0.1": "<SHA-256>"}: of the digests of each version that is released, so that the history cannot be rewritten with the vectors. The
# generator says it when VERSION is raised.
RELEASED: dict[str, str] = {}

# {"id": "len32/hello", "in": "0.2", "reason": "The specification now allows another end."}: its digest is another than in the release before.
CHANGED: list[dict] = []

# {"id": "len32/old", "until": "0.2", "reason": "It tested what len32/new tests."}: the id is never used again.
REMOVED: list[dict] = []
