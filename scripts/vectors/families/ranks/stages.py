"""The implementation is a stage of a pipeline; the harness plays the driver before it, and the TP group that it leads."""

from families.pp_steps import RECOMPUTE, RECOMPUTED, of_video
from families.ranks import faults
from families.ranks.kills import WAYS, Cut, closed, cuts, die
from families.ranks.messages import MIB, Message, answer, noop, passed, request, result, shutdown
from families.ranks.scenario import (
    LIMITS,
    SHORT,
    SPOKEN,
    Scenarios,
    act,
    breach,
    done,
    lost,
    message,
    over,
    quiet,
    rank,
    receive,
    refused,
    send,
    sync,
    workers,
    write,
)
from families.tp import Tensor
from layout import Fill

BOUND, LOST, ONCE, TORN = "iut.rank.not-stranded", "iut.rank.lost", "pp.result.exactly-one", "iut.rank.not-torn"
RULES_OF = {"end": ["pp-session.eof"], "reset": [], "silence": ["iut.rank.deadline"]}
ALONE = [rank("a", "pp-stage", 0)]
GROUP = [*workers("b", "c"), rank("a", "pp-stage", 0, "g")]


def scenarios() -> Scenarios:
    s = Scenarios("pp-session", "The implementation is a stage, and the harness plays the driver and the stage's group.")
    _orderly(s)
    _refused_results(s)
    _retried(s)
    _corrupt(s)
    _upstream_killed(s)
    _worker_killed(s)
    return s


def asked(*calls: Message, group: bool = False) -> list[dict]:
    """Requests that the stage takes, and passes on to its group."""
    steps = [step for call in calls for step in (write("a", call.wire), sync("a", message(call.value)))]
    numbers = [int(call.value["header"]["call_id"]) for call in calls]
    return steps + (receive("bc", *(passed(number).wire for number in numbers)) if group else [])


def answered(*results: Message) -> list[dict]:
    return [step for one in results for step in (send("a", one.value), *receive("a", one.wire))]


def goodbye(call: int, group: bool = False, **slots: int) -> list[dict]:
    last = shutdown(call, **slots)
    passed_on = receive("bc", last.wire) if group else []
    return [write("a", last.wire), *passed_on, *over("end", "abc" if group else "a"), done("a", message(last.value)),
            *([done("b"), done("c")] if group else [])]


def _orderly(s: Scenarios) -> None:
    s.add("stage-session", [ONCE, "iut.rank.send-stage", "iut.rank.shutdown"],
          "A stage answers each request once, and ends behind SHUTDOWN.", ALONE, asked(request(1)), answered(result(1)),
          asked(request(2)), answered(result(2)), goodbye(3))
    for depth in (1, 2, 3, 4):
        calls = range(1, depth + 1)
        s.add(f"stage-depth-{depth}", [ONCE, "iut.rank.send-stage"],
              f"With {depth} requests waiting each is answered once, in order, whatever is behind it.", ALONE,
              asked(*(request(n) for n in calls)), quiet("a"), answered(*(result(n) for n in calls)), goodbye(depth + 1),
              upstream="queue-depth")
    s.add("stage-shutdown-owed", [ONCE, "iut.rank.shutdown"],
          "SHUTDOWN behind calls that are at work: the stage ends when it owes nothing more.", ALONE,
          asked(request(1), request(2)), write("a", shutdown(3).wire), sync("a", message(shutdown(3).value)), quiet("a"),
          answered(result(1)), answered(result(2)), over("end", "a"), done("a"))
    cut = request(2, True, cache_epoch=1, chunk_index=0)
    s.add("stage-hard-cut", [ONCE, "pp-session.cache-epoch.step"],
          "The call before a hard cut is owed its result all the same, though it will come late.", ALONE,
          asked(request(1)), write("a", cut.wire), sync("a", message(cut.value)), answered(result(1)),
          answered(result(2, chunk=0, epoch=1)), goodbye(3, cache_epoch=1), upstream="late-result")
    s.add("stage-group-session", ["iut.rank.stage-group", "pp-session.rebroadcast", ONCE],
          "A stage that leads a group passes each request on, and its SHUTDOWN.", GROUP, asked(request(1), group=True),
          answered(result(1)), asked(request(2), group=True), answered(result(2)), goodbye(3, True))
    s.add("stage-group-noop", ["iut.rank.stage-group", "iut.rank.silent"],
          "A NOOP is passed on as one; a duplicate is nobody's.", GROUP, write("a", noop(1).wire, noop(1).wire),
          sync("a", message(noop(1).value)), receive("bc", noop(1).wire), quiet("bc"), goodbye(2, True))
    again = request(1, envelope=of_video(RECOMPUTE, RECOMPUTED))
    s.add("stage-group-recompute", ["iut.rank.stage-group", "pp.video.context-frames"],
          "A recompute with its context frames reaches the group whole.", GROUP, write("a", again.wire),
          sync("a", message(again.value)), receive("bc", passed(1, RECOMPUTED).wire), answered(result(1)),
          goodbye(2, True), upstream="OM-10")


def _refused_results(s: Scenarios) -> None:
    flag = Tensor("flag", "bool", (1,), b"\1")
    for slug, bad, word, why in (
        ("dtype", result(1, (flag,)), "spec.mismatch", "A tensor of bool is none that can be sent."),
        ("no-tensor", result(1, ()), "spec.mismatch", "An ok result without a tensor is none."),
        ("no-message", result(1, (), ok=False), "header.field", "An error result without a message is none."),
        ("message", result(1, error_message="fine"), "header.field", "An ok result with an error message is none."),
        ("call", result(2, chunk=0), "header.field", "A result of another call than the oldest that is owed."),
        ("chunk", result(1, chunk=4), "header.field", "A result of another chunk."),
        ("epoch", result(1, epoch=1), "header.field", "A result of another cache_epoch."),
    ):
        s.add(f"stage-result-{slug}", [ONCE, "iut.rank.send-stage", "pp.send.nothing"],
              f"{why} The call gets an error result in its place, and the next one its own.", ALONE, asked(request(1)),
              send("a", bad.value, refused(word)), {"conn": "a", "error_result": answer(1)}, asked(request(2)),
              answered(result(2)), goodbye(3), upstream="OM-02" if slug == "dtype" else None)
    s.add("stage-result-unasked", [ONCE, "iut.rank.send-stage"], "A result that nobody is owed leaves no byte.", ALONE,
          send("a", result(1).value, refused("state")), quiet("a"), asked(request(1)), answered(result(1)),
          send("a", result(1).value, refused("state")), quiet("a"), goodbye(2))


def _retried(s: Scenarios) -> None:
    s.add("stage-duplicate", ["pp-session.call-id.duplicate", ONCE],
          "An envelope that comes again is dropped: one call, one output.", ALONE, asked(request(1)),
          write("a", request(1).wire), sync("a"), answered(result(1)), write("a", request(1).wire), sync("a"), quiet("a"),
          asked(request(2)), answered(result(2)), goodbye(3), upstream="duplicate")
    s.add("stage-group-duplicate", ["pp-session.call-id.duplicate", ONCE, TORN],
          "Nor does the group see it twice.", GROUP, asked(request(1), group=True), write("a", request(1).wire), sync("a"),
          quiet("bc"), answered(result(1)), goodbye(2, True), upstream="duplicate")
    two = [*ALONE, rank("b", "pp-stage", 0)]
    retried = [{**step, "conn": "b"} for step in (*asked(request(1)), *answered(result(1)), *goodbye(2))]
    s.add("stage-retry", [ONCE, "iut.rank.stage-lost"],
          "A driver gives up, and asks again on another connection: what the first was owed is owed no more.", two,
          asked(request(1)), act("a", "reset"), done("a", lost()), send("a", result(1).value, refused("state")), retried,
          upstream="retry")
    s.add("stage-lanes", [BOUND, "iut.wire.connections"], "A lane that is lost takes no other with it.", two,
          asked(request(1)), [{**step, "conn": "b"} for step in asked(request(1))], act("a", "end"), over("close", "a"),
          done("a", lost()), [{**step, "conn": "b"} for step in (*answered(result(1)), *goodbye(2))])


def _corrupt(s: Scenarios) -> None:
    """OM-07, OM-02, OM-03, OM-10: what is wrong with an envelope reaches no worker, and the group gets SHUTDOWN."""
    rules = ["pp-session.rebroadcast", BOUND, LOST]
    for fault in (*faults.envelopes(), *faults.steps()):
        s.add(f"stage-{fault.slug}", [*rules, *fault.rules], f"{fault.why} The group sees no byte of it, and SHUTDOWN.", GROUP,
              write("a", fault.message.wire), over("close", "a"), over("shutdown", "bc"),
              done("a", breach(fault.word, len(fault.message)), lost()), done("b"), done("c"), upstream=fault.upstream)
    for fault in faults.envelopes(2)[:4]:
        s.add(f"stage-later-{fault.slug}", [*rules, *fault.rules], f"{fault.why} Behind a call that was answered.", GROUP,
              asked(request(1), group=True), answered(result(1)), write("a", fault.message.wire), over("close", "a"),
              over("shutdown", "bc"), done("a", breach(fault.word, len(request(1)) + len(fault.message)), lost()), done("b"),
              done("c"), upstream="OM-07")
    sequence = (
        ("call-id", request(2, True), request(1, chunk_index=1, control_epoch=3), "pp-session.call-id.increasing"),
        ("sequence", request(1), request(2, control_epoch=7), "pp-session.sequence.step"),
        ("cache-epoch", request(1), request(2, cache_epoch=3), "pp-session.cache-epoch.step"),
        ("chunk", request(1, chunk_index=4), request(2, chunk_index=3), "pp-session.chunk-index"),
    )
    for slug, first, bad, rule in sequence:
        call = int(first.value["header"]["call_id"])
        chunk = int(first.value["header"]["chunk_index"])
        to_group = passed(call, chunk_index=chunk)
        s.add(f"stage-header-{slug}", [*rules, rule], "A header out of order is refused before its envelope is looked at.",
              GROUP, write("a", first.wire), sync("a", message(first.value)), receive("bc", to_group.wire),
              answered(result(call, chunk=chunk)), write("a", bad.wire), over("close", "a"), over("shutdown", "bc"),
              done("a", breach("sequence", len(first) + 40), lost()), done("b"), done("c"), upstream="out-of-order")
    over_limit = Message({}, (request(1).bytes[:40], (65537).to_bytes(8, "big")))
    s.add("stage-oversize", [*rules, "pp.infer.oversize"], "A frame above the limit is refused by its prefix.", GROUP,
          write("a", over_limit.wire), over("close", "a"), over("shutdown", "bc"),
          done("a", breach("oversize.declared", 48), lost()), done("b"), done("c"), upstream="OM-07")
    s.add("stage-action", [*rules, "pp.action.values"], "An action that nobody knows.", GROUP,
          write("a", request(1).bytes[:32] + (3).to_bytes(8, "little")), over("close", "a"), over("shutdown", "bc"),
          done("a", breach("header.field", 40), lost()), done("b"), done("c"), upstream="OM-07")


def _upstream_killed(s: Scenarios) -> None:
    """OM-13: the driver dies at each step of its request: the group is released, and sees no part of what was cut."""
    rules = [BOUND, LOST, TORN, "iut.rank.stage-lost"]
    for way in WAYS:
        why = {"end": "The driver ends its direction", "reset": "The driver is cut off",
               "silence": "The driver falls silent"}[way]
        for state in ("", "-answered", "-at-work"):
            call = 2 if state else 1
            bad = request(call)
            for cut in cuts(bad):
                if _skipped(way, state, cut, len(bad)):
                    continue
                whole = cut.bytes == len(bad)
                before = [] if not state else [*asked(request(1), group=True),
                                               *(answered(result(1)) if state == "-answered" else [])]
                size = len(request(1)) if state else 0
                steps, told = die("a", way, cut, bad, size, [], [message(bad.value)] if whole else [])
                patience = None if way != "silence" else SPOKEN if state else SHORT
                group = [*workers("b", "c"), rank("a", "pp-stage", 0, "g", patience)]
                s.add(f"stage-driver-{way}-{cut.slug}{state}", [*rules, *RULES_OF[way]],
                      f"{why}: its stage does not outlive it, and the group not its stage.", group, before, steps,
                      closed("a", way), over("released", "bc", *([passed(call).wire] if whole else [])),
                      done("a", *told, lost()), done("b"), done("c"), upstream="OM-13")


def _skipped(way: str, state: str, cut: Cut, size: int) -> bool:
    if way == "silence" and (cut.bytes == size or (state == "-at-work" and cut.bytes == 0)):
        return True  # While the stage owes a result, a driver may wait without a word.
    return state == "-answered" and cut.slug not in ("before-header", "behind-header", "in-tensor")


def _worker_killed(s: Scenarios) -> None:
    rules = [BOUND, LOST, TORN, "iut.rank.stage-lost", "iut.rank.calls"]
    ends = [*over("released", "b"), *over("close", "a")]
    for way in ("end", "reset"):
        gone = [act("c", way), *ends, *closed("c", way)]
        for slug, before, owed, calls in (
            ("idle", [], [], []),
            ("answered", [*asked(request(1), group=True), *answered(result(1))], [], [1]),
            ("at-work", asked(request(1), group=True), [1], [1]),
            ("two-at-work", asked(request(1), request(2), group=True), [1, 2], [2]),
        ):
            errors = [{"conn": "a", "error_result": answer(call)} for call in owed]
            s.add(f"stage-worker-{way}-{slug}", [*rules, ONCE] if owed else rules,
                  "A worker of the stage dies: each call that is owed gets an error result, and all are released.", GROUP,
                  before, gone[:1], errors, gone[1:], done("c", lost(*calls)), done("b"), done("a"))
    s.add("stage-worker-writes", [*rules, "iut.rank.worker-writes"], "A worker that sends a byte is out of its part.", GROUP,
          asked(request(1), group=True), write("c", b"\0"), {"conn": "a", "error_result": answer(1)}, ends,
          over("close", "c"), done("c", breach("state", 1), lost(1)), done("b"), done("a"), upstream="OM-06")
    size = 16 * MIB
    hidden = Tensor("hidden", "float32", (1, size // 4), Fill(171, size))
    roomy = LIMITS | {"max_frame_length": str(2 * size)}
    huge = request(1, envelope=faults.Envelope(tensors=(hidden,), lm=faults.lm(1)))
    to_group = passed(1, (hidden,))
    s.add("stage-driver-gone-worker-stalls", [*rules, "tp.send.poison"],
          "The driver is gone while a worker does not read: nobody is waited for without end.",
          [*workers("b", "c", limits={"deadline_ms": "2500"}), rank("a", "pp-stage", 0, "g", {"deadline_ms": "2500"})],
          act("c", "stall"), write("a", huge.wire), act("a", "reset"), over("released", "b", to_group.wire),
          over("cut", "c", to_group.wire), done("b"), upstream="OM-13", limits=roomy)
    stalled = [*workers("b", "c", limits={"deadline_ms": "2500"}), rank("a", "pp-stage", 0, "g")]
    s.add("stage-worker-stalls", [*rules, ONCE, "tp.send.poison"],
          "A worker that does not read is lost at its deadline: upstream gets an error result, the other worker its release.",
          stalled, act("c", "stall"), write("a", huge.wire), {"conn": "a", "error_result": answer(1)},
          over("released", "b", to_group.wire), over("cut", "c", to_group.wire), over("close", "a"), done("c", lost(1)),
          done("b"), upstream="OM-05", limits=roomy)
    big = result(1, (hidden,))
    s.add("stage-driver-stalls", [BOUND, LOST, "iut.rank.stage-lost"],
          "A driver that does not take its result is lost at the deadline, and the group is released.",
          [*workers("b", "c"), rank("a", "pp-stage", 0, "g", {"deadline_ms": "1000"})], asked(request(1), group=True),
          act("a", "stall"), send("a", big.value), over("released", "bc"), over("cut", "a", big.wire), done("a", lost()),
          done("b"), done("c"), upstream="OM-05", limits=roomy)
