"""Sessions: a receiver that also keeps the order of ids and epochs, for TP and for PP."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from families import pp, pp_steps, tp
from families.tp import Header, Manifest
from families.tp_specs import STEP, V1, tensor
from layout import Family, Stream

LIMIT = {"max_frame_length": 1024}
SWEPT = {"cuts": True, "chunks": [1, 2, 3, 7, 39, 40, 41, 100], "eof": True}
SMALL = {"cuts": True, "chunks": True, "eof": True, "empty": True, "reset": True}
FEW = {"chunks": [1, 40]}
COND, LIST = tensor("conditioning_embeds", 3, dtype="bfloat16"), tensor("denoising_step_list", 4, dtype="int64")
LATENTS = tensor("latents", 2, 2, dtype="bfloat16")
WHOLE = Manifest((tensor("a", 1),), tp_plan="v0_full_pipeline")


def _tp_infer(stream: Stream, header: Header, init: bool) -> Stream:
    """With a video step, so that `init_cache` is there."""
    manifest = Manifest((COND, LIST, LATENTS), tp_plan=V1, video=STEP | {"init_cache": init})
    return tp.records(stream, manifest.wire(), [t.data for t in manifest.tensors], header)


def _tp_value(stream: Stream, header: Header, init: bool) -> dict:
    return tp.value(stream.family, header,
                    Manifest((COND, LIST, LATENTS), tp_plan=V1, video=STEP | {"init_cache": init}))


def _pp_envelope(header: Header, init: bool) -> pp.Envelope:
    return pp.Envelope(header, lm={"position": 0 if init else 1, "num_tokens": 1, "init_cache": init})


def _pp_video(header: Header, init: bool) -> pp.Envelope:
    return pp.Envelope(header, pp_steps.VIDEO, None, pp_steps.STEP | {"init_cache": init})


@dataclass(frozen=True)
class Session:
    profile: str
    layout: str
    """The first part of the rule ids of its layout."""
    body: str
    """The field of its first record."""
    renamed: dict
    infer: Callable[[Stream, Header, bool], Stream]
    value: Callable[[Stream, Header, bool], dict]

    def rules(self, *names: str) -> list[str]:
        found = [rule for name in names for rule in self.renamed.get(name, [f"{self.profile}.{name}"])]
        return list(dict.fromkeys(found))


TP = Session("tp-session", "tp", "manifest", {}, _tp_infer, _tp_value)
PP = Session(
    "pp-session", "pp", "envelope",
    {"control-epoch.step": ["pp-session.sequence.step"], "chunk-index.infer-only": ["pp-session.chunk-index"],
     "chunk-index.hard-cut": ["pp-session.chunk-index"]},
    lambda stream, header, init: pp.broken_request(stream, _pp_envelope(header, init)),
    lambda stream, header, init: pp.whole(stream, _pp_envelope(header, init)),
)
# The other INFERs that a session can have: one that says nothing of the cache, and one whose step is no step of a language model.
TP_WHOLE = replace(
    TP,
    infer=lambda stream, header, _: tp.records(stream, WHOLE.wire(), [t.data for t in WHOLE.tensors], header),
    value=lambda stream, header, _: tp.value(stream.family, header, WHOLE),
)
PP_VIDEO = replace(
    PP,
    infer=lambda stream, header, init: pp.broken_request(stream, _pp_video(header, init)),
    value=lambda stream, header, init: pp.whole(stream, _pp_video(header, init)),
)


class Leader:
    """Sends what a leader sends: every message is one control epoch after the one before, unless told otherwise."""

    def __init__(self, f: Family, session: Session, control: int = 40, cache: int = 2):
        self.stream, self.session = f.stream(), session
        self.next = Header(0, 0, control, cache)
        self.fresh = True

    def header(self, action: str, call_id: int, chunk: int, **slots: int) -> Header:
        header = replace(self.next, action=action, call_id=call_id, chunk_index=chunk, **slots)
        self.fresh |= header.cache_epoch != self.next.cache_epoch
        self.next = replace(header, control_epoch=header.control_epoch + 1)
        return header

    def alone(self, action: str, call_id: int, chunk: int = 0, error: str | None = None, dropped: bool = False,
              **slots: int) -> "Leader":
        header = self.header(action, call_id, chunk, **slots)
        header.put(self.stream)
        if error:
            self.stream.error(error)
        elif dropped:
            self.stream.dropped()
        else:
            self.stream.message({"header": header.value()})
        return self

    def duplicate(self, action: str, call_id: int, body: bytes = b"", **slots: int) -> "Leader":
        """With the call_id of the last message, and different otherwise: nothing of it counts. `body`: its frame's record."""
        replace(self.next, action=action, call_id=call_id, **slots).put(self.stream)
        if action == "INFER":
            tp.frame(self.stream, self.session.body, body, [])
        self.stream.dropped()
        return self

    def infer(self, call_id: int, chunk: int, error: str | None = None, init: bool | None = None, dropped: bool = False,
              of: Session | None = None, **slots: int) -> "Leader":
        """`init`: another init_cache than the right one, with the error at the end of the frame. `of`: whose kind of INFER it is."""
        kind = of or self.session
        header = self.header("INFER", call_id, chunk, **slots)
        right = self.fresh
        self.fresh = False
        if error and init is None:
            # Decided by the header alone; the payload is there all the same.
            kind.infer(self.stream, header, right)
            self.stream.error(error, self.stream.size - self.payload(kind, header, right))
        elif error:
            kind.infer(self.stream, header, init).error(error)
        else:
            kind.infer(self.stream, header, right)
            if dropped:
                self.stream.dropped()
            else:
                self.stream.message(kind.value(self.stream, header, right))
        return self

    def payload(self, kind: Session, header: Header, init: bool) -> int:
        return kind.infer(self.stream.family.stream(), header, init).size - 40

    def noop(self, call_id: int, chunk: int = 0, **given) -> "Leader":
        return self.alone("NOOP", call_id, chunk, **given)

    def shutdown(self, call_id: int, chunk: int = 0, **given) -> "Leader":
        return self.alone("SHUTDOWN", call_id, chunk, **given)


def sessions(s: Session) -> Family:
    f = Family(s.profile, "sessions", "Ids, epochs and SHUTDOWN in order.")

    def leader(**given: int) -> Leader:
        return Leader(f, s, **given)

    def accept(slug: str, why: str, rules: list[str], given: Leader, sweeps=None, proof: bool = False) -> None:
        f.decode(slug, why, s.rules(*rules), given.stream, limits=LIMIT, sweeps=sweeps or FEW, proof=proof)

    grow, twice, step = "call-id.increasing", "call-id.duplicate", "control-epoch.step"
    chunk, cut, cache, init = "chunk-index.infer-only", "chunk-index.hard-cut", "cache-epoch.step", "cache-epoch.init"
    last, end = "shutdown.last", "eof"
    plain = leader().noop(1).infer(2, 0).infer(3, 1).shutdown(4, 9)
    accept("plain", "A session from its first message to SHUTDOWN.", [grow, step, chunk, cache, init, last, end], plain,
           SWEPT)
    accept("empty", "A session without a message ends cleanly.", [end], leader(), {"empty": True, "reset": True})
    accept("no-shutdown", "An end on a border is clean without SHUTDOWN.", [end], leader().infer(1, 0))
    accept("first-sets", "The first message sets call_id, control_epoch and cache_epoch.", [grow, step, cache],
           leader(control=1 << 40, cache=77).infer(900, 5).noop(901))
    accept("zero-epochs", "Epochs may begin at 0.", [step, cache, "epoch.not-negative"],
           leader(control=0, cache=0).infer(1, 0).noop(2))
    accept("gaps", "Gaps in call_id are allowed.", [grow], leader().noop(5).infer(9, 0).noop(1000).infer(1 << 40, 1))
    accept("chunk-repeats", "chunk_index may repeat, and may jump.", [chunk],
           leader().infer(1, 4).infer(2, 4).infer(3, 90))
    accept("chunk-of-noop", "chunk_index is not checked on NOOP and SHUTDOWN, and theirs does not count.", [chunk],
           leader().infer(1, 5).noop(2, -9).noop(3, 900).infer(4, 5).shutdown(5, -1))
    accept("hard-cut", "A hard cut: cache_epoch is one more, chunk_index starts again, the cache is made anew.",
           [cut, cache, init],
           leader().infer(1, 8).infer(2, 9).infer(3, 0, cache_epoch=3).infer(4, 1))
    accept("hard-cut-noop", "A NOOP may carry the hard cut of the INFER behind it.", [cut, cache, init],
           leader().infer(1, 8).noop(2, cache_epoch=3).infer(3, 0).infer(4, 0))
    accept("hard-cut-noops", "NOOPs behind the one that carries a hard cut leave it to the next INFER.",
           [cut, cache, init],
           leader().infer(1, 8).noop(2, cache_epoch=3).noop(3, cache_epoch=3).noop(4, cache_epoch=3)
           .infer(5, 0).infer(6, 1))
    accept("hard-cut-twice", "Two hard cuts before the next INFER are two steps.", [cut, cache, init],
           leader().infer(1, 8).noop(2, cache_epoch=3).noop(3, cache_epoch=4).infer(4, 2, cache_epoch=5).infer(5, 2))
    accept("hard-cut-first", "A hard cut before the first INFER changes nothing about it.", [cache, init],
           leader().noop(1).noop(2, cache_epoch=3).infer(3, 0).infer(4, 0))
    accept("hard-cut-higher", "After a hard cut chunk_index may be higher as well.", [cut],
           leader().infer(1, 3).infer(2, 70, cache_epoch=3).infer(3, 71))
    if s is PP:
        accept("video", "A video step makes the cache anew or keeps it, as an LM step does.", [cache, init],
               leader().infer(1, 0, of=PP_VIDEO).infer(2, 1, of=PP_VIDEO).noop(3, cache_epoch=3)
               .infer(4, 0, of=PP_VIDEO).infer(5, 0, of=PP_VIDEO))
    else:
        accept("no-video", "An INFER without a video step says nothing of the cache, and is one all the same: the step behind it keeps the cache.",
               [cache, init], leader().infer(1, 0, of=TP_WHOLE).infer(2, 0, of=TP_WHOLE).infer(3, 1)
               .infer(4, 0, cache_epoch=3, of=TP_WHOLE).infer(5, 0))
    one, most = (1 << 53) + 1, (1 << 63) - 1
    accept("call-id-2-53", "2^53 and 2^53 + 1 are two ids, though a double takes them for one.", [grow, twice],
           leader().noop(1 << 53).noop(one).infer(one + 1, 0))
    accept("epochs-2-53", "Epochs around 2^53 are counted exactly.", [step, cache],
           leader(control=1 << 53, cache=1 << 53).noop(1).infer(2, 0, cache_epoch=one).infer(3, 0, cache_epoch=one + 1))
    accept("largest", "The largest ids and epochs.", [grow, step, cache],
           leader(control=most - 1, cache=most - 1).infer(most - 1, most - 1).infer(most, most, cache_epoch=most))
    distinct = {"control": 0x3132333435363738, "cache": 0x4142434445464748}
    accept("distinct", "Ids and epochs are told apart by their places.", [grow, step],
           leader(**distinct).infer(0x1112131415161718, 0x2122232425262728), {"chunks": [1]}, True)

    def again(given: Leader) -> dict:
        return {"control_epoch": given.next.control_epoch - 1}

    noop = leader().noop(3)
    accept("duplicate-noop", "A message with the call_id of the last one is dropped, and changes nothing.", [twice],
           noop.noop(3, dropped=True, **again(noop)).noop(4), SMALL)
    infer = leader().infer(3, 7)
    infer.fresh = True
    accept("duplicate-infer", "A duplicate is read to its end, payload and all.", [twice],
           infer.infer(3, 7, dropped=True, **again(infer)).infer(4, 7), SWEPT)
    thrice = leader().noop(3)
    for _ in range(2):
        thrice.noop(3, dropped=True, **again(thrice))
    accept("duplicate-twice", "It may come more than twice.", [twice], thrice.noop(4))
    at_end = leader().noop(3)
    accept("duplicate-last", "An end behind a duplicate is clean.", [twice, end],
           at_end.noop(3, dropped=True, **again(at_end)))
    after = leader().infer(3, 7)
    accept("duplicate-shutdown", "A SHUTDOWN with the call_id of the last message is a duplicate, and ends nothing.",
           [twice], after.duplicate("SHUTDOWN", 3).noop(4).infer(5, 7).shutdown(6), FEW | {"eof": True})
    after = leader().infer(3, 7)
    accept("duplicate-epochs", "The epochs of a duplicate are not judged, and none of them counts: neither a step nor a hard cut.",
           [twice, step, cache], after.duplicate("NOOP", 3, control_epoch=900, cache_epoch=77)
           .duplicate("NOOP", 3, control_epoch=-5, cache_epoch=-6).duplicate("NOOP", 3, cache_epoch=3).infer(4, 7))
    after = leader().infer(3, 7)
    accept("duplicate-chunk", "The chunk_index of a duplicate is not judged, and does not count.", [twice, chunk],
           after.duplicate("INFER", 3, chunk_index=-1).duplicate("INFER", 3, chunk_index=900).infer(4, 7))
    after = leader().infer(3, 7)
    accept("duplicate-body", "What the frame of a duplicate holds is not judged: it is read to its end.", [twice],
           after.duplicate("INFER", 3, b"\xff" * 20).noop(4).infer(5, 7), FEW | {"eof": True})
    after = leader().infer(3, 7)
    replace(after.next, action="INFER", call_id=3).put(after.stream)
    after.stream.put("length", (3).to_bytes(8, "big"), note="3").put("record_length", b"\0\0\x09", note="cut").dropped()
    accept("duplicate-record", "The records of a duplicate are not judged either: a frame whose record is cut is dropped like any other.", [twice],
           after.infer(4, 7))
    after = leader().noop(3)
    accept("duplicate-action", "An INFER with the call_id of a NOOP is dropped, and the first INFER is still to come.",
           [twice, init], after.duplicate("INFER", 3).infer(4, 0).infer(5, 0))

    def refuse(slug: str, why: str, rules: list[str], given: Leader, sibling: str, sweeps=None) -> None:
        f.decode(slug, why, s.rules(*rules), given.stream, limits=LIMIT, sibling=sibling,
                 sweeps=sweeps or {"chunks": [1, 40], "after": True})

    wrong, unknown_action = "sequence", "action.unknown" if s is TP else "action.values"
    refuse("call-id-zero", "call_id begins at 1.", [grow], leader().noop(0, error=wrong), "plain")
    refuse("call-id-negative", "A negative call_id is below 1.", [grow], leader().noop(-1, error=wrong), "plain")
    refuse("call-id-min", "The lowest int64 is no id, and its distance to others does not wrap.", [grow],
           leader().noop(1).noop(-(1 << 63), error=wrong), "plain")
    refuse("call-id-lower", "A call_id below the last one's.", [grow],
           leader().noop(5).infer(6, 0).noop(5, error=wrong), "gaps",
           {"cuts": True, "chunks": [1], "after": True, "reset": True})
    refuse("call-id-lower-2-53", "2^53 is below 2^53 + 1, and no duplicate of it.", [grow, twice],
           leader().noop(one).noop(1 << 53, error=wrong), "call-id-2-53")
    over = leader().infer(3, 7)
    replace(over.next, action="INFER", call_id=3).put(over.stream)
    over.stream.put("length", (1025).to_bytes(8, "big"), note="1025").error("oversize.declared")
    unknown = leader().infer(3, 7)
    replace(unknown.next, action="INFER", call_id=3).put(unknown.stream, 3).error("header.field")
    for slug, why, of_layout, given, sibling in (
        ("over", "A duplicate is read, and so its frame has the limit of every other.", "infer.oversize", over, "body"),
        ("unknown", "An unknown action is no duplicate: nobody knows where its message ends.", unknown_action, unknown,
         "shutdown"),
    ):
        f.decode(f"duplicate-{slug}", why, [*s.rules(twice), f"{s.layout}.{of_layout}"], given.stream, limits=LIMIT,
                 sibling=f"duplicate-{sibling}", sweeps={"chunks": [1, 40], "after": True})
    refuse("call-id-lower-infer", "It is judged by the header, with no byte of the payload read.", [grow],
           leader().infer(6, 0).infer(5, 1, error=wrong), "plain", {"chunks": [1, 40], "after": True})
    for slug, change, why in (
        ("skipped", 1, "A control_epoch that skips one."), ("same", -1, "A control_epoch that stays."),
        ("back", -2, "A control_epoch that goes back."),
        ("2-32", 1 << 32, "A control_epoch is compared in all its 64 bits."),
    ):
        given = leader().noop(1).noop(2)
        refuse(f"control-epoch-{slug}", why, [step],
               given.noop(3, error=wrong, control_epoch=given.next.control_epoch + change),
               "plain")
    refuse("control-epoch-wraps", "Behind the largest control_epoch there is none.", [step],
           leader(control=most).noop(1).noop(2, error=wrong, control_epoch=-(1 << 63)), "largest")
    for slug, epoch, why in (("skipped", 4, "A cache_epoch that skips one."),
                             ("back", 1, "A cache_epoch that goes back."),
                             ("2-32", (1 << 32) + 2, "A cache_epoch is compared in all its 64 bits.")):
        refuse(f"cache-epoch-{slug}", why, [cache], leader().infer(1, 0).noop(2, error=wrong, cache_epoch=epoch),
               "hard-cut")
    refuse("chunk-lower", "A chunk_index below that of the INFER before.", [chunk],
           leader().infer(1, 5).infer(2, 4, error=wrong),
           "chunk-repeats")
    refuse("chunk-lower-noop", "A NOOP between them does not start it again.", [chunk],
           leader().infer(1, 5).noop(2, 0).infer(3, 4, error=wrong), "chunk-of-noop")
    refuse("chunk-lower-later", "After a hard cut the order holds anew.", [chunk, cut],
           leader().infer(1, 9).infer(2, 5, cache_epoch=3).infer(3, 4, error=wrong), "hard-cut")
    negative = "epoch.not-negative"
    refuse("chunk-negative", "An INFER has no negative chunk_index.", [chunk] if s is PP else [negative],
           leader().infer(1, -1, error=wrong), "plain")
    refuse("chunk-negative-cut", "Not even at a hard cut.", [cut],
           leader().infer(1, 4).infer(2, -1, error=wrong, cache_epoch=3),
           "hard-cut")
    refuse("control-epoch-negative", "The first message sets no negative control_epoch.", [negative],
           leader(control=-1).noop(1, error=wrong), "zero-epochs")
    refuse("cache-epoch-negative", "The first message sets no negative cache_epoch.", [negative],
           leader(cache=-1).noop(1, error=wrong), "zero-epochs")
    refuse("init-missing", "The first INFER makes the cache anew; the fault is in the payload, and judged at its end.",
           [init],
           leader().infer(1, 0, error=wrong, init=False), "plain", {"chunks": [1], "after": True, "reset": True})
    refuse("init-missing-cut", "A hard cut makes the cache anew.", [init],
           leader().infer(1, 0).infer(2, 0, error=wrong, init=False, cache_epoch=3), "hard-cut")
    refuse("init-missing-noop-cut", "So does one that a NOOP carried.", [init],
           leader().infer(1, 0).noop(2, cache_epoch=3).infer(3, 0, error=wrong, init=False), "hard-cut-noop")
    refuse("init-surplus", "Without a hard cut the cache is kept.", [init],
           leader().infer(1, 0).infer(2, 1, error=wrong, init=True),
           "plain")
    refuse("init-surplus-after", "A hard cut counts once.", [init],
           leader().infer(1, 0).infer(2, 0, cache_epoch=3).infer(3, 0, error=wrong, init=True), "hard-cut")
    if s is PP:
        refuse("video-init-missing", "The first INFER makes the cache anew, with a video step too.", [init],
               leader().infer(1, 0, error=wrong, init=False, of=PP_VIDEO), "video")
        refuse("video-init-surplus", "A video step keeps the cache without a hard cut.", [init],
               leader().infer(1, 0, of=PP_VIDEO).infer(2, 1, error=wrong, init=True, of=PP_VIDEO), "video")
    else:
        refuse("init-surplus-no-video", "An INFER without a video step is the INFER before.", [init],
               leader().infer(1, 0, of=TP_WHOLE).infer(2, 0, error=wrong, init=True), "no-video")
        refuse("init-surplus-no-video-cut", "One that carries the hard cut has made the cache anew.", [init],
               leader().infer(1, 0).infer(2, 0, cache_epoch=3, of=TP_WHOLE).infer(3, 0, error=wrong, init=True),
               "no-video")
    for slug, tail, why in (("byte", b"\x00", "One byte behind SHUTDOWN, though it begins no header that is known."),
                            ("many", b"\xff" * 50, "Bytes behind SHUTDOWN are refused at the first.")):
        stream = leader().infer(1, 0).shutdown(2).stream
        stream.put("call_id", tail[:8], note="cut").error("state", stream.size - len(tail[:8]) + 1)
        if tail[8:]:
            stream.put("chunk_index", tail[8:])
        f.decode(f"shutdown-{slug}", why, s.rules(last), stream, limits=LIMIT, sibling="plain",
                 sweeps={"chunks": [1, 39, 40, 41], "empty": True, "after": True})
    stream = leader().shutdown(1).stream
    Header(1, 0, 40, 2, "SHUTDOWN").put(stream).error("state", 41)
    f.decode("shutdown-twice", "The same SHUTDOWN again is no duplicate: it is behind the end.", s.rules(last, twice),
             stream,
             limits=LIMIT, sibling="plain", sweeps={"cuts": True, "chunks": [1], "after": True})
    stream = leader().infer(1, 0).stream
    Header(2, 0, 41, 2, "NOOP").put(stream, 3).error("header.field")
    f.decode("action-unknown", "A session refuses an unknown action as the layout does, and delivers what was before.",
             [f"{s.layout}.{unknown_action}"], stream, limits=LIMIT, sibling="plain",
             sweeps={"chunks": [1], "after": True})
    return f


def profile(s: Session) -> dict:
    layout, end = s.layout, s.rules("eof")
    body = ("manifest", "TPManifest, protobuf") if s is TP else ("envelope", "PPEnvelopeV1, protobuf")
    cut = {"eof.in-prefix": ["tp.infer.cut-prefix"], "eof.in-body": ["tp.infer.cut-body"],
           "eof.in-header": ["tp.header.cut"]}
    if s is PP:
        cut = {"eof.in-prefix": ["pp.infer.cut"], "eof.in-body": ["pp.infer.cut"],
               "eof.in-header": ["pp.header.layout", "tp.header.cut"]}
    return {
        "profile": s.profile,
        "about": f"The stream of {'tp' if s is TP else 'pp-envelope'}, received in the order of ids and epochs.",
        "fields": tp.fields(body, opaque=False),
        "derived": {
            "chunking": [f"{layout}.boundary.chunking"], "end": end, **cut,
            "sticky": [f"{layout}.error.sticky"], "isolation": [f"{layout}.state.isolated"],
        },
    }
