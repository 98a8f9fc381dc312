"""Scenarios on real connections (vectors/wire/), one file for each profile. The cases that they replay are the corpus's own."""

from collections.abc import Iterator

from families.prefix import PREFIXES
from families.wire.messages import multipart, pp_envelope, pp_result, session, tp
from families.wire.pairs import pairs, summary
from families.wire.prefixed import prefixed
from families.wire.streams import LAYOUTS

__all__ = ["files", "summary"]


def files() -> Iterator[tuple[str, dict]]:
    """The path of each file below vectors/, and its document."""
    for p in PREFIXES:
        yield _file(p.profile, f"{p.profile} on sockets: what a codec's sweeps cannot show.", prefixed(p))
    for name in ("multipart", "multipart-typed"):
        yield _file(name, "Multipart messages on sockets.", multipart(name))
    yield _file("tp", "TP headers and messages on sockets.", tp())
    yield _file("pp-envelope", "PP requests on sockets.", pp_envelope())
    yield _file("pp-result", "PP results on sockets.", pp_result())
    for name in ("tp-session", "pp-session"):
        yield _file(name, "A receiver's order of ids and epochs, on sockets.", session(name))
    for layout in LAYOUTS:
        yield f"wire/pairs-{layout.name}.json", {
            "profile": layout.name,
            "about": "Ends of connections in every pair of circumstances.",
            "scenarios": pairs(layout),
        }


def _file(profile: str, about: str, scenarios: list[dict]) -> tuple[str, dict]:
    return f"wire/{profile}.json", {"profile": profile, "about": about, "scenarios": scenarios}
