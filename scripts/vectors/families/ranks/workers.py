"""The implementation is a worker of a TP group; the harness plays its leader."""

from families.ranks.messages import shutdown, tp
from families.ranks.scenario import Scenarios, act, done, lost, message, over, rank, sync, write

BOUND = "iut.rank.not-stranded"


def scenarios() -> Scenarios:
    s = Scenarios("tp-session", "The implementation is a worker of a TP group, and the harness plays its leader.")
    leader = [rank("a", "tp-worker", 0)]
    s.add("worker-session", ["iut.rank.shutdown", "iut.rank.silent", "tp-session.shutdown.last"],
          "A worker takes what its leader sends, and ends behind SHUTDOWN without a word.", leader,
          write("a", tp(1).wire, shutdown(2).wire), over("end", "a"),
          done("a", message(tp(1).value), message(shutdown(2).value)))
    s.add("worker-orphan-end", [BOUND, "iut.rank.lost", "iut.rank.calls", "tp-session.eof"],
          "The leader is gone without SHUTDOWN: the worker has lost it, and does not outlive it.", leader,
          write("a", tp(1).wire), sync("a", message(tp(1).value)), act("a", "end"), over("close", "a"),
          done("a", lost(1)), upstream="OM-13")
    return s
