"""What profiles with a control header, and profiles with a manifest, share: one family is written for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

from families import pp
from families import tp as tp_
from families.tp import INFER, Header, Manifest, Tensor
from layout import Stream

# Rules of the TP chapter that the PP chapter states otherwise, or takes over by name.
PP_RULES = {
    "header.layout": ["pp.header.layout", "tp.header.layout"],
    "header.byte-order": ["pp.header.layout", "tp.header.byte-order"],
    "header.int64-exact": ["pp.header.layout", "tp.header.int64-exact"],
    "header.unjudged": ["pp.header.layout", "tp.header.unjudged"],
    "header.cut": ["pp.header.layout", "tp.header.cut"],
    "action.unknown": ["pp.action.values"],
    "action.full-width": ["pp.action.values"],
    "error.delivered-before": ["pp.error.sticky"],
    "manifest.varint": ["pp.manifest.protobuf", "tp.manifest.varint"],
    "manifest.twice": ["pp.manifest.protobuf", "tp.manifest.twice"],
    "manifest.finite": ["pp.manifest.protobuf", "tp.manifest.finite"],
    "manifest.several-faults": ["pp.manifest.protobuf", "tp.manifest.several-faults"],
}


@dataclass(frozen=True)
class Kind:
    profile: str
    specs_field: int
    """The number of tensor_specs in the body."""
    good: str
    """The slug of the smallest message with a body."""
    header: Callable[[Stream, Header], Stream] | None
    """A message that is a header alone, with its event."""
    whole: Callable[..., Stream]
    """(stream, tensors, body=None): a good message with its event; `body` means the same."""
    broken: Callable[..., Stream]
    """(stream, tensors, body=None, parts=None): its bytes, right or wrong, without the event."""
    body: Callable[[tuple[Tensor, ...]], bytes]
    tensors: tuple[Tensor, ...]
    """Those of the smallest message."""
    carried: tuple[Tensor, ...] = ()
    """Those that a message has beside the ones that it is given, or its smallest ones."""

    @property
    def own_tensors(self) -> int:
        return len(self.carried) - len(self.tensors)

    def rules(self, *names: str) -> list[str]:
        """The ids of rules that both chapters have, and of any that is spelled out (`tp.spec.order`)."""
        found: list[str] = []
        for name in names:
            if name.startswith(("tp.", "pp.")):
                found.append(name)
            elif self.profile == "tp":
                found.append(f"tp.{name}")
            else:
                found += PP_RULES.get(name, [f"pp.{name}"])
        return list(dict.fromkeys(found))

    def spec_rules(self, names: list[str]) -> list[str]:
        return names if self.profile == "tp" else ["pp.spec.tensors", *names]


def _tp_broken(stream: Stream, tensors: tuple[Tensor, ...], body: bytes | None = None, parts=None) -> Stream:
    data = [tensor.data for tensor in tensors] if parts is None else parts
    return tp_.records(stream, Manifest(tensors).wire() if body is None else body, data)


def _pp_broken(stream: Stream, tensors: tuple[Tensor, ...], body: bytes | None = None, parts=None) -> Stream:
    envelope = pp.Envelope(tensors=pp.with_input(tensors))
    if parts is not None:
        at = envelope.tensors.index(pp.INPUT)
        parts = [*parts[:at], pp.INPUT.data, *parts[at:]]
    return pp.broken_request(stream, envelope, body, parts)


TP = Kind(
    "tp", 2, "infer",
    lambda stream, header: tp_.message(stream, header),
    lambda stream, tensors=(), body=None: tp_.message(stream, INFER, Manifest(tensors), body),
    _tp_broken, lambda tensors=(): Manifest(tensors).wire(), (),
)
ENVELOPE = Kind(
    "pp-envelope", 6, "infer",
    lambda stream, header: pp.request(stream, header),
    lambda stream, tensors=(), body=None: pp.request(stream, pp.Envelope(tensors=pp.with_input(tensors)), body),
    _pp_broken, lambda tensors=(): pp.Envelope(tensors=pp.with_input(tensors)).wire(), (), (pp.INPUT,),
)
RESULT = Kind(
    "pp-result", 5, "ok", None,
    lambda stream, tensors=(pp.HIDDEN,), body=None: pp.result(stream, pp.Result(tensors), body),
    lambda stream, tensors, body=None, parts=None: pp.broken_result(stream, pp.Result(tensors), body, parts),
    lambda tensors=(pp.HIDDEN,): pp.Result(tensors).wire(), (pp.HIDDEN,), (pp.HIDDEN,),
)
