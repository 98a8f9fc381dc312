#!/usr/bin/env python3
"""Writes the corpus: vectors/<profile>/*.json, their .bin files, vectors/wire/*.json,
vectors/history.json and vectors/lock.json.

    python3 generate.py            write what differs, remove what is no longer generated
    python3 generate.py --check    write nothing; exit 1 if a stored file differs

This is one of the two derivations of the golden bytes: Python's standard library and the layouts in spec/, and no code
of the TypeScript packages. `verify.ts` is the other half.
"""

import hashlib
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from canonical import canonical  # noqa: E402
from defects import DEFECTS  # noqa: E402
from digest import bins_of, scenario_digest, vector_digest  # noqa: E402
from families import all_families, all_profiles, ranks, wire  # noqa: E402
from history import HistoryFault, history  # noqa: E402
from versions import CHANGED, RELEASED, REMOVED, VERSION  # noqa: E402

ROOT = Path(__file__).resolve().parents[2] / "vectors"


def corpus() -> dict[str, bytes]:
    """Every file of the corpus but the schemas, by its path below vectors/."""
    files: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    profiles = {profile["profile"]: profile for profile in all_profiles()}
    for name, profile in profiles.items():
        files[f"{name}/profile.json"] = canonical(profile).encode()
    families = list(all_families())
    for family in families:
        document = family.document()
        files[f"{family.profile}/{family.family}.json"] = canonical(document).encode()
        if family.bin.content:
            files[f"{family.profile}/{family.bin.name}"] = bytes(family.bin.content)
        for vector in family.vectors:
            digests[vector["id"]] = vector_digest(vector, profiles[family.profile], bins_of(family.bin))
    for path, document in (*wire.files(), *ranks.files()):
        files[path] = canonical(document).encode()
        for scenario in document["scenarios"]:
            digests[scenario["id"]] = scenario_digest(scenario, document["profile"])
    files["defects.json"] = canonical({"defects": DEFECTS}).encode()
    files["history.json"] = canonical(
        history(_json("history.json"), (_json("lock.json") or {}).get("corpus"), digests,
                version=VERSION, changed=CHANGED, removed=REMOVED, anchors=RELEASED)
    ).encode()
    hashes = {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}
    # The lines that `sha256sum` prints, so that the hash of the corpus can be had without this script.
    lines = "".join(f"{digest}  {path}\n" for path, digest in hashes.items())
    lock = {"corpus": "sha256:" + hashlib.sha256(lines.encode()).hexdigest(), "files": hashes}
    files["lock.json"] = (json.dumps(lock, indent=2) + "\n").encode()
    return files


def _json(name: str) -> dict | None:
    path = ROOT / name
    return json.loads(path.read_text()) if path.exists() else None


def stored() -> dict[str, bytes]:
    found = {}
    for path in ROOT.rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and path.suffix in (".json", ".bin") and not name.startswith("schema/"):
            found[name] = path.read_bytes()
    return found


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 64
    try:
        wanted = corpus()
    except HistoryFault as fault:
        print(f"vectors/history.json: {fault}", file=sys.stderr)
        return 1
    present = stored()
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if arguments == ["--check"]:
        for name in stale:
            print(f"vectors/{name}: the generator gives other bytes than those stored", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        path = ROOT / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted[name])
        else:
            path.unlink()
    print(f"{len(wanted)} files, {len(stale)} changed")
    print("\n".join(wire.summary()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
