"""The families of the corpus, in the order of the chapters."""

from collections.abc import Iterator

from families import bodies, leads, multipart, multipart_encodes, multipart_typed, prefix
from families import sessions as session
from families import pp, pp_encodes, pp_requests, pp_results, pp_steps
from families import tp, tp_encodes, tp_headers, tp_infer, tp_kwargs, tp_specs
from families.encodes import encodes
from families.ends import ends
from families.frames import frames, large
from families.kinds import ENVELOPE, RESULT, TP
from families.limits import limits
from layout import Family


def all_profiles() -> Iterator[dict]:
    for p in prefix.PREFIXES:
        yield prefix.profile(p)
    for name in ("multipart", "multipart-typed"):
        yield multipart.profile(name)
    yield from (tp.profile(), pp.envelope_profile(), pp.result_profile())
    yield from (session.profile(session.TP), session.profile(session.PP))


def all_families() -> Iterator[Family]:
    for p in prefix.PREFIXES:
        for build in (frames, ends, limits, large, encodes):
            yield build(p)
    yield from (leads.tags(), leads.encode_tags(), leads.flags(), leads.encode_flags())
    for name in ("multipart", "multipart-typed"):
        for build in (multipart.messages, multipart.refusals, multipart_encodes.encodes):
            yield build(name)
    yield from (multipart_typed.untyped_view(), multipart_typed.typed_messages(), multipart_typed.typed_refusals())
    yield from (tp_headers.headers(), tp_headers.actions(), tp_infer.infer(), tp_infer.manifests())
    yield from (tp_specs.specs(), tp_specs.plans(), tp_encodes.encodes(), bodies.protobufs(TP), tp_kwargs.kwargs())
    yield from (tp_headers.headers(ENVELOPE), tp_headers.actions(ENVELOPE), pp_requests.requests(), pp_steps.steps())
    yield from (bodies.bodies(ENVELOPE), bodies.protobufs(ENVELOPE), tp_specs.specs(ENVELOPE), pp_encodes.requests())
    yield from (pp_results.results(), bodies.bodies(RESULT), bodies.protobufs(RESULT), tp_specs.specs(RESULT))
    yield from (pp_encodes.results(), session.sessions(session.TP), session.sessions(session.PP))
