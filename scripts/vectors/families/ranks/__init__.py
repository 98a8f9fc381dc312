"""Scenarios of ranks (vectors/wire/ranks-*.json): the implementation takes a role, the harness plays every other rank."""

from collections.abc import Iterator

from families.ranks import drivers, handshakes, leaders, stages, workers


def files() -> Iterator[tuple[str, dict]]:
    for name, build in (("leader", leaders), ("worker", workers), ("driver", drivers), ("stage", stages)):
        yield f"wire/ranks-{name}.json", build.scenarios().document()
    yield "wire/ranks-hello-tp.json", handshakes.tp_scenarios().document()
    yield "wire/ranks-hello-pp.json", handshakes.pp_scenarios().document()
