"""The implementation leads a TP group; the harness plays its workers."""

from families.ranks.messages import shutdown, tp
from families.ranks.scenario import Scenarios, act, broadcast, done, lost, over, quiet, receive, refused, workers
from families.tp import Manifest

BOUND, TORN, NOTHING = "iut.rank.not-stranded", "iut.rank.not-torn", "tp.send.nothing"


def scenarios() -> Scenarios:
    s = Scenarios("tp-session", "The implementation leads a TP group, and the harness plays its workers.")
    s.add("leader-session", ["iut.rank.send-group", "iut.rank.shutdown", "tp.infer.payload"],
          "Three workers get the same two messages and SHUTDOWN, and the leader ends in order.", workers("a", "b", "c"),
          broadcast(tp(1).value), broadcast(tp(2).value), receive("abc", tp(1).wire, tp(2).wire),
          broadcast(shutdown(3).value), receive("abc", shutdown(3).wire), over("end", "abc"),
          [done(conn) for conn in "abc"])
    for slug, kwargs, word, why in (
        ("2-53", {"n": 1 << 53}, "header.field", "An integer that a Struct would round leaves no byte."),
    ):
        bad = tp(1, Manifest((), kwargs))
        s.add(f"leader-kwargs-{slug}", [NOTHING, "tp.kwargs.exact", BOUND], why, workers("a", "b", "c"),
              broadcast(bad.value, refused(word)), quiet("abc"), broadcast(tp(1).value), receive("abc", tp(1).wire),
              broadcast(shutdown(2).value), receive("abc", shutdown(2).wire), over("end", "abc"), upstream="OM-01")
    s.add("leader-worker-reset", [BOUND, TORN, "iut.rank.lost", "iut.rank.calls", "iut.rank.others"],
          "A worker is gone: the leader names it with the call, and the others do not wait for it.",
          workers("a", "b", "c"), broadcast(tp(1).value), receive("abc", tp(1).wire), act("b", "reset"),
          over("released", "ac"), done("b", lost(1)), done("a"), done("c"))
    return s
