"""The implementation drives a pipeline; the harness plays its first stage."""

import hashlib
from dataclasses import replace

from families.pp import Envelope
from families.pp_steps import STEP, VIDEO
from families.ranks import faults
from families.ranks.kills import WAYS, closed, die, result_cuts
from families.ranks.messages import LOGITS, MIB, Message, noop, request, result, shutdown
from families.ranks.scenario import (
    LIMITS,
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
    write,
)
from families.tp import Tensor
from families.tp_specs import tensor
from layout import Fill

BOUND, LOST, ONCE = "iut.rank.not-stranded", "iut.rank.lost", "pp.acceptance.exactly-one"
DEADLINE = ["iut.rank.deadline"]
STAGE = [rank("a", "pp-driver", 1)]


def window(size: int) -> dict:
    return LIMITS | {"window": str(size)}


def scenarios() -> Scenarios:
    s = Scenarios("pp-session", "The implementation drives a pipeline, and the harness plays its first stage.")
    _windows(s)
    _refused(s)
    _epochs(s)
    _wrong_results(s)
    _checked(s)
    _killed(s)
    _retried(s)
    return s


def ask(*calls: Message, conn: str = "a") -> list[dict]:
    """The driver is handed these requests, and the stage receives them."""
    return [send(conn, call.value) for call in calls] + receive(conn, *(call.wire for call in calls))


def goodbye(call: int, conn: str = "a", **slots: int) -> list[dict]:
    last = shutdown(call, **slots)
    return [send(conn, last.value), *receive(conn, last.wire), *over("end", conn), done(conn)]


def accepted(*results: Message) -> list[dict]:
    return [step for one in results for step in (write("a", one.wire), sync("a", message(one.value)))]


def dropped(call: int, reason: str) -> dict:
    return {"event": "dropped", "reason": reason, "call_id": str(call)}


def _windows(s: Scenarios) -> None:
    for size in (1, 2, 3, 4):
        calls = [request(call) for call in range(1, size + 2)]
        s.add(f"driver-window-{size}", ["pp.acceptance.window", "iut.rank.send-driver"],
              f"With a window of {size} so many calls go out, and the next one when a result has come.", STAGE,
              [send("a", call.value) for call in calls], receive("a", *(call.wire for call in calls[:-1])), quiet("a"),
              accepted(result(1)), receive("a", calls[-1].wire), accepted(*(result(n) for n in range(2, size + 2))),
              goodbye(size + 2), limits=window(size))
    s.add("driver-two-in-one", ["pp.boundary.glued", "pp.acceptance.ahead", ONCE], "Two results in one read are two, each when it is due.", STAGE,
          ask(request(1), request(2)), write("a", result(1).wire, result(2).wire),
          sync("a", message(result(1).value), message(result(2).value)), goodbye(3), limits=window(2))
    s.add("driver-noop", ["iut.rank.send-driver", "iut.rank.silent"], "A NOOP is the header alone, and owes no result.", STAGE,
          send("a", noop(1).value), receive("a", noop(1).wire), ask(request(2, True)), accepted(result(2)), goodbye(3),
          limits=window(1))
    failed = result(1, (), ok=False, error_message="device lost")
    s.add("driver-error-result", [ONCE, "pp.result.error-message"],
          "An error result is a result: the call is done, and the next one goes out.", STAGE, ask(request(1)),
          accepted(failed), ask(request(2)), accepted(result(2)), goodbye(3), limits=window(1))


def _refused(s: Scenarios) -> None:
    """OM-02, OM-03, OM-10: what cannot be sent leaves no byte, and the next request goes out."""
    for fault in faults.steps():
        s.add(f"driver-{fault.slug}", ["pp.send.nothing", "pp.send.order", *fault.rules], fault.why, STAGE,
              send("a", fault.message.value, refused(fault.word)), quiet("a"), ask(request(1)), accepted(result(1)),
              goodbye(2), upstream=fault.upstream, limits=window(1))

    for slug, bad, why in (
        ("call-again", request(2), "A call_id that was sent is sent no second time: two calls would have one result."),
        ("call-back", request(1), "Nor is one below it, at which a stage would end."),
        ("epoch-gap", request(3, control_epoch=9), "A control_epoch that leaves a number out would be a request missed."),
    ):
        s.add(f"driver-{slug}", ["pp.send.nothing", "iut.rank.ids"], why, STAGE,
              ask(request(1), request(2)), send("a", bad.value, refused("sequence")), quiet("a"),
              accepted(result(1), result(2)), ask(request(3)), accepted(result(3)), goodbye(4), limits=window(4))


def _epochs(s: Scenarios) -> None:
    """OM-09, and results that come late."""
    cut = request(2, True, cache_epoch=1, chunk_index=0)
    after = result(2, chunk=0, epoch=1)
    last = {"cache_epoch": 1}
    s.add("driver-stale", ["pp.acceptance.stale-epoch", "pp.acceptance.hard-cut", ONCE],
          "The result of a call before a hard cut comes behind it: it is dropped, and the call is done.", STAGE,
          ask(request(1), cut), write("a", result(1).wire), sync("a", dropped(1, "stale")), accepted(after),
          goodbye(3, **last), upstream="OM-09", limits=window(2))
    s.add("driver-stale-window", ["pp.acceptance.stale-epoch", "pp.acceptance.window", "pp.acceptance.hard-cut"],
          "A stale call holds its place in the window until its result has come.", STAGE, ask(request(1)),
          send("a", cut.value), quiet("a"), write("a", result(1).wire), sync("a", dropped(1, "stale")),
          receive("a", cut.wire), accepted(after), goodbye(3, **last), upstream="OM-09", limits=window(1))
    s.add("driver-stale-twice", ["pp.acceptance.stale-epoch", "pp.acceptance.hard-cut", ONCE],
          "A stale result that answers nothing is dropped as well, however late it comes.", STAGE, ask(request(1), cut),
          write("a", result(1).wire), sync("a", dropped(1, "stale")), write("a", result(1).wire),
          sync("a", dropped(1, "stale")), accepted(after), write("a", result(1).wire), sync("a", dropped(1, "stale")),
          goodbye(3, **last), upstream="OM-09", limits=window(2))
    s.add("driver-late", ["pp.acceptance.late", ONCE], "A result that comes again is dropped: a call has one output.", STAGE,
          ask(request(1), request(2)), accepted(result(1)), write("a", result(1).wire), sync("a", dropped(1, "late")),
          accepted(result(2)), goodbye(3), limits=window(2))
    s.add("driver-late-idle", ["pp.acceptance.late", ONCE], "The same when nothing is due: whether a duplicate comes before or"
          " behind the next call is chance.", STAGE, ask(request(1)), accepted(result(1)), write("a", result(1).wire),
          sync("a", dropped(1, "late")), ask(request(2)), accepted(result(2)), goodbye(3), limits=window(1))
    behind = result(1, chunk=3)
    due = request(1, chunk_index=5)
    s.add("driver-late-chunk", ["pp.acceptance.late"], "A result of an earlier chunk is late, though its call is due.", STAGE,
          ask(due), write("a", behind.wire), sync("a", dropped(1, "late")), accepted(result(1, chunk=5)),
          goodbye(2, chunk_index=5), limits=window(1))


def _wrong(s: Scenarios, slug: str, why: str, rules: list[str], calls: list[Message], results: list[Message], word: str,
           open_: list[int], told: list[dict] | None = None, at: int | None = None, upstream: str | None = None,
           limits: dict | None = None) -> None:
    """Results of which the last is fatal: it is told with the byte that decided it, and every call that is open is lost."""
    end = sum(len(one) for one in results) if at is None else at
    s.add(f"driver-{slug}", [BOUND, LOST, *rules], why, STAGE, ask(*calls), [write("a", one.wire) for one in results],
          over("close", "a"), done("a", *(told or []), breach(word, end), lost(*open_)), upstream=upstream,
          limits=limits or window(4))


def _wrong_results(s: Scenarios) -> None:
    ahead = ["pp.acceptance.ahead"]
    two = [request(1), request(2)]
    _wrong(s, "reordered", "Results change places: the second one is ahead of the one that is due.", ahead, two,
           [result(2)], "sequence", [1, 2], upstream="reordered")
    _wrong(s, "ahead", "A result of a call that was never made.", ahead, two, [result(3)], "sequence", [1, 2])
    _wrong(s, "ahead-later", "The same behind a result that was right.", ahead, two, [result(1), result(3)], "sequence", [2],
           [message(result(1).value)])
    _wrong(s, "ahead-chunk", "A result of a later chunk.", ahead, [request(1)], [result(1, chunk=4)], "sequence", [1])
    _wrong(s, "nothing-due", "A result that comes when nothing is due.", ahead, [request(1)], [result(1), result(2)],
           "sequence", [], [message(result(1).value)])
    s.add("driver-noop-answered", [BOUND, LOST, *ahead, "iut.rank.calls"],
          "A result of a NOOP, which is no call: nobody has asked for it.", STAGE, ask(request(1)), accepted(result(1)),
          send("a", noop(2).value), receive("a", noop(2).wire), write("a", result(2).wire), over("close", "a"),
          done("a", breach("sequence", len(result(1)) + len(result(2))), lost()), limits=window(1))
    _wrong(s, "result-version", "A result of another version.", ["pp.manifest.version"], [request(1)],
           [result(1, version=2)], "version", [1])
    _wrong(s, "result-no-tensor", "An ok result without a tensor.", ["pp.result.tensors"], [request(1)], [result(1, ())],
           "spec.mismatch", [1])
    _wrong(s, "garbage", "What comes is no result.", ["pp.result.layout"], [request(1)], [Message({}, (b"\xff" * 16,))],
           "oversize.declared", [1], at=8, upstream="OM-06")


def _checked(s: Scenarios) -> None:
    """OM-11: a digest that drifts; OM-03 on the way back: a generator that was called another number of times."""
    rule = "pp.acceptance.digest"
    check = window(1) | {"check_digest": "1"}
    digest = int.from_bytes(hashlib.sha256(LOGITS.data).digest()[:8], "little", signed=True)
    both = (tensor("hidden", 2), LOGITS)
    over_both = hashlib.sha256(b"".join(t.data for t in both)).digest()
    for slug, tensors, value in (("one", (LOGITS,), digest),
                                 ("two", both, int.from_bytes(over_both[:8], "little", signed=True))):
        right = result(1, tensors, output_digest_i64=value)
        s.add(f"driver-digest-{slug}", [rule], "A digest that is that of the tensors, in spec order.", STAGE, ask(request(1)),
              accepted(right), goodbye(2), upstream="OM-11", limits=check)
    swapped = int.from_bytes(hashlib.sha256(LOGITS.data).digest()[:8], "big", signed=True)
    drifted = replace(LOGITS, data=LOGITS.data[:-1] + b"\x41")
    for slug, given, why in (
        ("drift", result(1, (drifted,), output_digest_i64=digest), "A tensor that is not the one that was computed."),
        ("one-off", result(1, output_digest_i64=digest + 1), "A digest that is one off."),
        ("absent", result(1), "A result without a digest, where one is asked for."),
        ("byte-order", result(1, output_digest_i64=swapped), "A digest that was read from the other end."),
    ):
        _wrong(s, f"digest-{slug}", why, [rule], [request(1)], [given], "checksum", [1], upstream="OM-11", limits=check)
    ignored = result(1, output_digest_i64=digest + 1)
    s.add("driver-digest-unasked", [rule], "Where no digest is asked for, none is judged.", STAGE, ask(request(1)),
          accepted(ignored), goodbye(2), limits=window(1))
    failed = result(1, (), ok=False, error_message="device lost")
    s.add("driver-digest-error", [rule], "An error result has nothing to digest.", STAGE, ask(request(1)), accepted(failed),
          goodbye(2), limits=check)
    of_video = request(1, envelope=Envelope(tensors=VIDEO, lm=None, video=STEP))
    out = tensor("latents_out", 2, dtype="bfloat16")
    s.add("driver-video", ["pp.acceptance.generator-calls", "pp.acceptance.latents-out"],
          "A result of a video step says how often the generator was called.", STAGE, ask(of_video),
          accepted(result(1, (out,), observed_generator_calls=4)), goodbye(2), limits=window(1))
    for slug, given, word, rule_ in (
        ("calls", result(1, (out,), observed_generator_calls=5), "header.field", "pp.acceptance.generator-calls"),
        ("no-latents", result(1, observed_generator_calls=4), "spec.mismatch", "pp.acceptance.latents-out"),
    ):
        _wrong(s, f"video-{slug}", "A result that does not fit the plan of its call.", [rule_], [of_video], [given], word, [1],
               upstream="OM-03")


def _killed(s: Scenarios) -> None:
    """The stage dies at each step of its result: the calls are lost, and told."""
    for way in WAYS:
        why = {"end": "The stage ends its direction", "reset": "The stage is cut off", "silence": "The stage falls silent"}[way]
        for cut in result_cuts(result(1)):
            whole = cut.bytes == len(result(1))
            steps, error = die("a", way, cut, result(1), 0, [], [message(result(1).value)] if whole else [])
            s.add(f"driver-stage-{way}-{cut.slug}", [BOUND, LOST, "iut.rank.calls", ONCE, *(DEADLINE if way == "silence" else [])],
                  f"{why}: every call without a result is lost, and told.", STAGE, ask(request(1), request(2)), steps,
                  closed("a", way), done("a", *error, lost(*([2] if whole else [1, 2]))),
                  limits=window(2) | (SPOKEN if way == "silence" else {}))
    for way in ("end", "reset"):
        s.add(f"driver-stage-{way}-idle", [BOUND, LOST], "The stage is gone while nothing is asked of it.", STAGE,
              act("a", way), closed("a", way), done("a", lost()), limits=window(1))
        s.add(f"driver-stage-{way}-noop", [BOUND, LOST, "iut.rank.calls"], "The stage is gone behind a NOOP: no call is lost.",
              STAGE, send("a", noop(1).value), receive("a", noop(1).wire), act("a", way), closed("a", way), done("a", lost()),
              limits=window(1))
    two = [*STAGE, rank("b", "pp-driver", 1)]
    s.add("driver-lanes", [BOUND, "iut.wire.connections"], "A lane that is lost takes no other with it.", two,
          ask(request(1)), ask(request(1), conn="b"), act("a", "reset"), done("a", lost(1)), write("b", result(1).wire),
          sync("b", message(result(1).value)), goodbye(2, "b"), limits=window(1))
    size = 16 * MIB
    hidden = Tensor("hidden", "float32", (1, size // 4), Fill(171, size))
    call = request(1, envelope=Envelope(tensors=(hidden,), lm={"position": 0, "num_tokens": 1, "init_cache": True}))
    s.add("driver-stage-stalls", [BOUND, LOST, "pp.send.poison"], "A stage that does not read is lost at the deadline.", STAGE,
          act("a", "stall"), send("a", call.value), done("a", lost(1)), over("cut", "a", call.wire),
          limits=window(1) | {"max_frame_length": str(2 * size), "deadline_ms": "1000"})


def _retried(s: Scenarios) -> None:
    """A retry after a timeout gives at most one output."""
    two = [rank("a", "pp-driver", 1, limits=SPOKEN), rank("b", "pp-driver", 1)]
    s.add("driver-retry", [ONCE, BOUND, LOST],
          "A call is lost at its deadline, and made again on another connection: the result that comes late has no effect.",
          two, ask(request(1)), {"conn": "a", "sees": "close"}, write("a", result(1).wire), over("close", "a"), done("a", lost(1)),
          ask(request(1), conn="b"), write("b", result(1).wire), sync("b", message(result(1).value)), goodbye(2, "b"),
          upstream="retry", limits=window(1))
