"""The implementation is a stage of a pipeline; the harness plays the driver before it and the TP group that it leads."""

from families.ranks.messages import answer, passed, request, result, shutdown
from families.ranks.scenario import Scenarios, act, done, lost, message, over, rank, receive, send, sync, workers, write


def scenarios() -> Scenarios:
    s = Scenarios("pp-session", "The implementation is a stage, and the harness plays the driver and the stage's group.")
    alone, group = [rank("a", "pp-stage", 0)], [*workers("b", "c"), rank("a", "pp-stage", 0, "g")]
    s.add("stage-session", ["pp.result.exactly-one", "iut.rank.send-stage", "iut.rank.shutdown"],
          "A stage answers each request once, and ends behind SHUTDOWN.", alone,
          write("a", request(1).wire), sync("a", message(request(1).value)), send("a", result(1).value),
          receive("a", result(1).wire), write("a", shutdown(2).wire), over("end", "a"),
          done("a", message(shutdown(2).value)))
    s.add("stage-group-session", ["iut.rank.stage-group", "pp.result.exactly-one"],
          "A stage that leads a group passes each request on, and its SHUTDOWN.", group,
          write("a", request(1).wire), sync("a", message(request(1).value)), receive("bc", passed(1).wire),
          send("a", result(1).value), receive("a", result(1).wire), write("a", shutdown(2).wire),
          receive("bc", shutdown(2).wire), over("end", "abc"), done("a", message(shutdown(2).value)))
    s.add("stage-group-worker-reset", ["iut.rank.not-stranded", "iut.rank.stage-lost", "pp.result.exactly-one"],
          "A worker is gone with a call at work: upstream gets an error result, and the other worker SHUTDOWN.", group,
          write("a", request(1).wire), sync("a", message(request(1).value)), receive("bc", passed(1).wire),
          act("c", "reset"), {"conn": "a", "error_result": answer(1)}, over("released", "b"), over("close", "a"),
          done("c", lost(1)), done("b"), done("a"))
    return s
