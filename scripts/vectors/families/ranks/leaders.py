"""The implementation leads a TP group; the harness plays its workers."""

from families.ranks import faults
from families.ranks.kills import cuts
from families.ranks.messages import MIB, Message, shutdown, tp
from families.ranks.scenario import (
    LIMITS,
    Scenarios,
    act,
    breach,
    broadcast,
    done,
    lost,
    over,
    quiet,
    receive,
    refused,
    workers,
    write,
)
from families.tp import Manifest, Tensor
from layout import Fill

BOUND, TORN, NOTHING = "iut.rank.not-stranded", "iut.rank.not-torn", "tp.send.nothing"
LARGE = 16 * MIB
"""More than the buffers of an operating system take, so that a worker that does not read holds up its leader."""
ROOMY = {"max_frame_length": str(2 * LARGE)}
ABC = workers("a", "b", "c")


def large(call: int) -> Message:
    return tp(call, Manifest((Tensor("x", "float32", (LARGE // 4,), Fill(171, LARGE)),)))


def scenarios() -> Scenarios:
    s = Scenarios("tp-session", "The implementation leads a TP group, and the harness plays its workers.")
    _orderly(s)
    _refused(s)
    _killed(s)
    _held_up(s)
    return s


def _orderly(s: Scenarios) -> None:
    s.add("leader-session", ["iut.rank.send-group", "iut.rank.shutdown", "tp.infer.payload"],
          "Three workers get the same two messages and SHUTDOWN, and the leader ends in order.", ABC,
          broadcast(tp(1).value), broadcast(tp(2).value), receive("abc", tp(1).wire, tp(2).wire),
          broadcast(shutdown(3).value), receive("abc", shutdown(3).wire), over("end", "abc"),
          [done(conn) for conn in "abc"])
    s.add("leader-shutdown-alone", ["iut.rank.send-group", "iut.rank.shutdown"],
          "A group that had no work ends in order too.", ABC, broadcast(shutdown(1).value),
          receive("abc", shutdown(1).wire), over("end", "abc"), [done(conn) for conn in "abc"])
    own = {"control_epoch": 40, "cache_epoch": 7, "chunk_index": 900}
    after = own | {"control_epoch": 41}
    s.add("leader-ids", ["iut.rank.send-group", "tp-session.control-epoch.step"],
          "The ids are the caller's, whatever they begin with.", ABC, broadcast(tp(77, **own).value),
          receive("abc", tp(77, **own).wire), broadcast(shutdown(78, **after).value),
          receive("abc", shutdown(78, **after).wire), over("end", "abc"), [done(conn) for conn in "abc"])
    one = workers("a", group="g") + workers("b", group="h")
    s.add("leader-two-groups", ["iut.rank.group", "iut.wire.connections"],
          "A group that loses its worker is nothing to another group.", one, broadcast(tp(1).value),
          receive("a", tp(1).wire), quiet("b"), act("a", "reset"), done("a", lost(1)),
          broadcast(tp(5).value, group="h"), receive("b", tp(5).wire), broadcast(shutdown(6).value, group="h"),
          receive("b", shutdown(6).wire), over("end", "b"), done("b"))


def _refused(s: Scenarios) -> None:
    """OM-01, OM-02, OM-03, OM-10: what cannot be sent leaves no byte on any connection, and the next message goes out."""
    for fault in (*faults.kwargs(), *faults.dtypes(), *faults.plans()):
        s.add(f"leader-{fault.slug}", [NOTHING, "tp.send.order", *fault.rules], fault.why, ABC,
              broadcast(fault.message.value, refused(fault.word)), quiet("abc"), broadcast(tp(1).value),
              receive("abc", tp(1).wire), broadcast(shutdown(2).value), receive("abc", shutdown(2).wire),
              over("end", "abc"), [done(conn) for conn in "abc"], upstream=fault.upstream)
    fault = faults.dtypes()[0]
    second = faults.tp(2, Manifest((Tensor("x", "bool", (2,), bytes(2)),)))
    s.add("leader-refused-later", [NOTHING, *fault.rules], "A refusal between two messages leaves no gap and no byte.", ABC,
          broadcast(tp(1).value), receive("abc", tp(1).wire), broadcast(second.value, refused(fault.word)), quiet("abc"),
          broadcast(tp(2).value), receive("abc", tp(2).wire), broadcast(shutdown(3).value),
          receive("abc", shutdown(3).wire), over("end", "abc"), [done(conn) for conn in "abc"], upstream="OM-02")

    for slug, bad, why in (
        ("call-again", tp(2), "A call_id that was sent is sent no second time: a worker would drop it."),
        ("call-back", tp(1), "Nor is one below it, at which a worker would end."),
        ("epoch-gap", tp(3, control_epoch=9), "A control_epoch that leaves a number out would be a message missed."),
    ):
        s.add(f"leader-{slug}", [NOTHING, "iut.rank.ids"], why, ABC,
              broadcast(tp(1).value), broadcast(tp(2).value), receive("abc", tp(1).wire, tp(2).wire),
              broadcast(bad.value, refused("sequence")), quiet("abc"), broadcast(tp(3).value),
              receive("abc", tp(3).wire), broadcast(shutdown(4).value), receive("abc", shutdown(4).wire),
              over("end", "abc"), [done(conn) for conn in "abc"])


def _killed(s: Scenarios) -> None:
    """A worker dies at each step of what it is sent: the others are released, and the leader says whom it lost."""
    message = tp(1)
    rules = [BOUND, TORN, "iut.rank.lost", "iut.rank.calls", "iut.rank.others"]
    for cut in cuts(message):
        for way in ("end", "reset"):
            part = message.bytes[: cut.bytes]
            s.add(f"leader-worker-{way}-{cut.slug}", rules,
                  "A worker dies: the leader names it with the call, and the others do not wait for it.", ABC,
                  broadcast(message.value), receive("b", part) if part else [], act("b", way),
                  over("released", "ac", message.wire), over("cut", "b", message.bytes[cut.bytes:]) if way == "end" else [],
                  done("b", lost(1)), done("a"), done("c"))
    for way in ("end", "reset"):
        s.add(f"leader-idle-{way}", rules, "A worker dies before there was any work.", ABC, act("b", way),
              over("released", "ac"), over("close", "b") if way == "end" else [], done("b", lost()), done("a"), done("c"))
        s.add(f"leader-later-{way}", rules, "A worker dies behind its second message.", ABC, broadcast(tp(1).value),
              broadcast(tp(2).value), receive("abc", tp(1).wire, tp(2).wire), act("c", way), over("released", "ab"),
              over("close", "c") if way == "end" else [], done("c", lost(2)), done("a"), done("b"))
    s.add("leader-two-die", [BOUND, TORN], "Two of three die at once: the third is released all the same.", ABC,
          broadcast(tp(1).value), receive("abc", tp(1).wire), act("a", "reset"), act("b", "reset"), over("released", "c"),
          done("c"))
    for slug, data in (("byte", b"\x00"), ("message", tp(1).bytes)):
        s.add(f"leader-worker-writes-{slug}", [BOUND, "iut.rank.worker-writes", "iut.rank.lost"],
              "A worker that sends anything is out of its part: nobody knows what it wanted to say.", ABC,
              broadcast(tp(1).value), receive("abc", tp(1).wire), write("b", data), over("released", "ac"), over("close", "b"),
              done("b", breach("state", 1), lost(1)), done("a"), done("c"), upstream="OM-06")


def _held_up(s: Scenarios) -> None:
    """OM-05: a worker that does not read holds up the collective; it is lost, and the others are not."""
    message = large(1)
    rules = [BOUND, TORN, "iut.rank.lost", "tp.send.poison"]
    s.add("leader-worker-stalls", rules, "A worker that never reads is lost at its deadline, and the others are released.",
          workers("a", "b", "c", limits={"deadline_ms": "2500"}), act("b", "stall"), broadcast(message.value),
          over("released", "ac", message.wire), over("cut", "b", message.wire), done("b", lost(1)), done("a"), done("c"),
          upstream="OM-05", limits=LIMITS | ROOMY)
    s.add("leader-other-stalls", rules,
          "A worker dies while another one does not read: no SHUTDOWN passes there, and it is not waited for without end.",
          workers("a", "b", "c", limits={"deadline_ms": "2500"}), act("a", "stall"), broadcast(message.value),
          act("b", "reset"), over("released", "c", message.wire), done("b", lost(1)), done("a"),
          over("cut", "a", message.wire), done("c"), upstream="OM-05", limits=LIMITS | ROOMY)
    for way in ("end", "reset"):
        torn = [over("cut", "b", message.wire)] if way == "end" else []
        s.add(f"leader-worker-torn-{way}", rules,
              "A message is torn on one worker: nothing follows the cut there, and the others are released.", ABC,
              act("b", "stall"), broadcast(message.value), act("b", way), over("released", "ac", message.wire), *torn,
              done("b", lost(1)), done("a"), done("c"), upstream="OM-05", limits=LIMITS | ROOMY)
