"""What vectors/history.json says: by version of the corpus, the digests of what came or changed in it."""

import hashlib
import json


class HistoryFault(Exception):
    """What a version that was released does not allow."""


def history(
    stored: dict | None, corpus: str | None, digests: dict[str, str], *,
    version: str, changed: list[dict], removed: list[dict], anchors: dict[str, str] | None = None,
) -> dict:
    """
    `stored` is the history so far, `corpus` the hash of the corpus that is stored with it, `digests` has all that there is now. What
    stands under an earlier version is released, and stays as it is: its digests must have the hash that `anchors` says. Under this one it
    follows the vectors.
    """
    stored = stored or {"version": version, "released": {}, "digests": {}}
    if _order(version) < _order(stored["version"]):
        raise HistoryFault(f"history.json is of version {stored['version']}, and VERSION is {version}")
    released = dict(stored["released"])
    if version != stored["version"]:
        released[stored["version"]] = corpus
    for each in sorted(released, key=_order):
        found = hashlib.sha256(json.dumps(stored["digests"].get(each, {}), sort_keys=True).encode()).hexdigest()
        if anchors is not None and anchors.get(each) != found:
            raise HistoryFault(f"the digests of release {each} have the hash {found}, and RELEASED says {anchors.get(each)}")
    past: dict[str, str] = {}
    for each in sorted(released, key=_order):
        past |= stored["digests"].get(each, {})
    # What is gone keeps its last digest.
    every = {**stored["digests"].get(version, {}), **digests}
    current = {id_: digest for id_, digest in every.items() if past.get(id_) != digest}
    explained = {entry["id"] for entry in changed if entry["in"] == version}
    silent = [id_ for id_ in current if id_ in past and id_ not in explained]
    if silent:
        raise HistoryFault(
            f"another meaning than when it was released, and CHANGED has no reason for {version}: {', '.join(silent[:5])}"
        )
    earlier = {each: ids for each, ids in stored["digests"].items() if each != version}
    return {
        "version": version,
        "released": released,
        "digests": {**earlier, **({version: current} if current else {})},
        "changed": changed,
        "removed": removed,
    }


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
