"""The implementation is a worker of a TP group; the harness plays its leader."""

from families.ranks import faults
from families.ranks.kills import WAYS, closed, cuts, die
from families.ranks.messages import Message, noop, shutdown, tp
from families.ranks.scenario import SHORT, SPOKEN, Scenarios, act, breach, done, lost, message, over, rank, sync, write

BOUND, LOST = "iut.rank.not-stranded", "iut.rank.lost"
DEADLINE = ["iut.rank.deadline"]
LEADER = [rank("a", "tp-worker", 0)]


def scenarios() -> Scenarios:
    s = Scenarios("tp-session", "The implementation is a worker of a TP group, and the harness plays its leader.")
    _orderly(s)
    _orphaned(s)
    _refused(s)
    _out_of_order(s)
    return s


def _orderly(s: Scenarios) -> None:
    first, last = message(tp(1).value), message(shutdown(2).value)
    s.add("worker-session", ["iut.rank.shutdown", "iut.rank.silent", "tp-session.shutdown.last"],
          "A worker takes what its leader sends, and ends behind SHUTDOWN without a word.", LEADER,
          write("a", tp(1).wire, shutdown(2).wire), over("end", "a"), done("a", first, last))
    s.add("worker-idle", ["iut.rank.shutdown"], "A worker that had nothing to do ends in order too.", LEADER,
          write("a", noop(1).wire, shutdown(2).wire), over("end", "a"), done("a", message(noop(1).value), last))
    s.add("worker-duplicate", ["tp-session.call-id.duplicate", "iut.rank.silent"],
          "A message that comes again is dropped: the worker works once.", LEADER,
          write("a", tp(1).wire), sync("a", first), write("a", tp(1).wire), sync("a"), write("a", tp(2).wire, tp(2).wire),
          sync("a", message(tp(2).value)), write("a", shutdown(3).wire), over("end", "a"),
          done("a", message(shutdown(3).value)), upstream="duplicate")
    cut = tp(2, chunk_index=0, cache_epoch=1)
    end = shutdown(3, cache_epoch=1)
    s.add("worker-hard-cut", ["tp-session.cache-epoch.step", "tp-session.chunk-index.hard-cut"],
          "A hard cut is a step of the session and nobody's loss.", LEADER, write("a", tp(1).wire), sync("a", first),
          write("a", cut.wire), sync("a", message(cut.value)), write("a", end.wire), over("end", "a"),
          done("a", message(end.value)))


def _orphaned(s: Scenarios) -> None:
    """OM-13: the leader is gone. The second worker has a leader of its own, and goes on."""
    rules = [BOUND, LOST, "iut.rank.calls", "tp-session.eof", "iut.wire.connections"]
    for way in WAYS:
        why = {"end": "The leader ends without SHUTDOWN", "reset": "The leader is cut off",
               "silence": "The leader falls silent"}[way]
        for before, at_hand in ((None, ""), (tp(1), "-at-work")):
            call = 1 if before is None else 2
            told = [] if before is None else [message(before.value)]
            size = 0 if before is None else len(before)
            calls = [] if before is None else [1]
            for cut in cuts(tp(call)):
                whole = cut.bytes == len(tp(call))
                if whole and before is not None:
                    continue
                steps, error = die("a", way, cut, tp(call), size, told, [message(tp(call).value)] if whole else [])
                # The one that waits is opened last: from then on the harness has nothing to do but to write.
                patience = None if way != "silence" else SPOKEN if whole or before is not None else SHORT
                two = [rank("b", "tp-worker", 0), rank("a", "tp-worker", 0, limits=patience)]
                s.add(f"worker-leader-{way}-{cut.slug}{at_hand}", [*rules, *(DEADLINE if way == "silence" else [])],
                      f"{why}: its worker has lost it, and does not outlive it; another worker goes on.", two,
                      write("b", tp(1).wire), [] if before is None else write("a", before.wire), steps, closed("a", way),
                      done("a", *error, lost(*(calls or ([call] if whole else [])))),
                      sync("b", message(tp(1).value)), write("b", shutdown(2).wire), over("end", "b"),
                      done("b", message(shutdown(2).value)), upstream="OM-13")


def _judged(s: Scenarios, slug: str, why: str, rules: list[str], bad: Message, word: str, at: int,
            upstream: str | None = None, before: Message | None = None) -> None:
    """The worker refuses what comes, is lost to its leader, and says at which byte."""
    told, size, calls = ([], 0, []) if before is None else ([message(before.value)], len(before), [1])
    s.add(f"worker-{slug}", [BOUND, LOST, *rules], why, LEADER, [] if before is None else write("a", before.wire),
          write("a", bad.wire), over("close", "a"), done("a", *told, breach(word, size + at), lost(*calls)),
          upstream=upstream)


def _refused(s: Scenarios) -> None:
    """OM-02, OM-03, OM-10 on receipt: a wrong message is refused as a whole, and nothing behind it is taken."""
    for fault in (*faults.plans(), *faults.dtypes(), *faults.nested()):
        _judged(s, fault.slug, fault.why, list(fault.rules), fault.message, fault.word, len(fault.message), fault.upstream)
    _judged(s, "plan-calls-later", "A plan that is wrong behind one that was right.", ["tp.plan.generator-calls"],
            faults.tp(2, faults.plan(faults.PLAN, faults.STEP | {"tp_expected_generator_calls": 9})), "header.field",
            len(faults.tp(2, faults.plan(faults.PLAN, faults.STEP | {"tp_expected_generator_calls": 9}))), "OM-03", tp(1))
    over_limit = Message({}, (tp(1).bytes[:40], (65537).to_bytes(8, "big")))
    _judged(s, "oversize", "A frame above the limit is refused by its prefix.", ["tp.infer.oversize"], over_limit,
            "oversize.declared", 48)


def _out_of_order(s: Scenarios) -> None:
    """OM-06 from above: bytes between messages that no leader sends; and headers out of order."""
    for slug, data, word, at in (("zeros", bytes(40), "sequence", 40), ("ones", b"\xff" * 40, "header.field", 40),
                                 ("text", b"GET / HTTP/1.1\r\nHost: a-worker-of-ours\r\n"[:40], "header.field", 40)):
        _judged(s, f"garbage-{slug}", "What comes between two messages is no header of this leader's.",
                ["tp.action.unknown" if word == "header.field" else "tp-session.call-id.increasing"], Message({}, (data,)),
                word, at, "OM-06", tp(1))
    step, grow = "tp-session.control-epoch.step", "tp-session.call-id.increasing"
    for slug, given, rule, why in (
        ("call-id", {"control_epoch": 3}, grow, "A call_id that goes back."),
        ("control-epoch", {"control_epoch": 9}, step, "A broadcast that was missed shows in the next one's number."),
        ("second-leader", {"control_epoch": 1}, step, "Two leaders count each for itself."),
        ("cache-epoch", {"cache_epoch": 2}, "tp-session.cache-epoch.step", "Two hard cuts at once: one was missed."),
        ("chunk", {"chunk_index": 0}, "tp-session.chunk-index.infer-only", "A chunk_index that goes back without a hard cut."),
    ):
        first = tp(2, chunk_index=5)
        if slug == "call-id":
            bad, told = tp(1, **given), tp(2)
            first = told
        else:
            bad = tp(3, **({"chunk_index": 6} | given))
        s.add(f"worker-header-{slug}", [BOUND, LOST, rule], why, LEADER, write("a", first.wire),
              sync("a", message(first.value)), write("a", bad.wire), over("close", "a"),
              done("a", breach("sequence", len(first) + 40), lost(2)), upstream="out-of-order")
