"""The implementation drives a pipeline; the harness plays its first stage."""

from families.ranks.messages import request, result, shutdown
from families.ranks.scenario import (
    LIMITS,
    Scenarios,
    act,
    done,
    lost,
    message,
    over,
    quiet,
    rank,
    receive,
    send,
    sync,
    write,
)


def scenarios() -> Scenarios:
    s = Scenarios("pp-session", "The implementation drives a pipeline, and the harness plays its first stage.")
    stage = [rank("a", "pp-driver", 1)]
    for window in (1, 2, 3, 4):
        calls = range(1, window + 1)
        s.add(f"driver-window-{window}", ["pp.acceptance.window", "iut.rank.send-driver"],
              f"With a window of {window} so many calls go out, and the next one when a result has come.", stage,
              [send("a", request(call).value) for call in (*calls, window + 1)],
              [step for call in calls for step in receive("a", request(call).wire)], quiet("a"),
              write("a", result(1).wire), sync("a", message(result(1).value)), receive("a", request(window + 1).wire),
              [write("a", result(call).wire) for call in range(2, window + 2)],
              sync("a", *(message(result(call).value) for call in range(2, window + 2))),
              send("a", shutdown(window + 2).value), receive("a", shutdown(window + 2).wire), over("end", "a"),
              done("a"), limits=LIMITS | {"window": str(window)})
    s.add("driver-stage-reset", ["iut.rank.not-stranded", "iut.rank.lost", "iut.rank.calls", "pp.acceptance.exactly-one"],
          "The stage is gone with two calls in flight: both are lost, and told.", stage,
          send("a", request(1).value), send("a", request(2).value), receive("a", request(1).wire, request(2).wire),
          act("a", "reset"), done("a", lost(1, 2)), limits=LIMITS | {"window": "2"})
    return s
