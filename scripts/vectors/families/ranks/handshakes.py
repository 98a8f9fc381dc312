"""The handshake before the first header (spec/handshake.md): OM-04, OM-08, OM-12, and a rank that is there twice."""

from dataclasses import dataclass

import protobuf
from families.ranks.messages import Message, request, result, shutdown, tp
from families.ranks.scenario import (
    LIMITS,
    SHORT,
    SPOKEN,
    Scenarios,
    act,
    breach,
    broadcast,
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

ROLES = {"TP_LEADER": 1, "TP_WORKER": 2, "PP_DRIVER": 3, "PP_STAGE": 4}
DIGEST, OTHER = bytes(range(32)), bytes(range(1, 33))
BOUND, LOST, TOLD = "iut.rank.not-stranded", "iut.rank.handshake", "link.hello.refusal.told"


@dataclass(frozen=True)
class Hello:
    role: int
    rank: int
    peer_rank: int
    job: str = "demo"
    plan: str = "layers=4 tp=2"
    weights_digest: bytes = DIGEST
    instance: bytes = bytes(range(16))
    lane: int = 0
    hello_version: int = 1
    more: bytes = b""

    def but(self, **given: object) -> "Hello":
        return Hello(**(self.__dict__ | given))

    @property
    def payload(self) -> bytes:
        """Fields by number, defaults left out."""
        texts = {2: self.job.encode(), 6: self.plan.encode(), 7: self.weights_digest, 8: self.instance}
        numbers = {1: self.hello_version, 3: self.role, 4: self.rank, 5: self.peer_rank, 9: self.lane}
        fields = {n: protobuf.chunk(n, text) for n, text in texts.items() if text}
        fields |= {n: protobuf.integer(n, number) for n, number in numbers.items() if number}
        return b"".join(fields[n] for n in sorted(fields)) + self.more

    @property
    def bytes(self) -> bytes:
        return framed(self.payload)

    @property
    def identity(self) -> dict:
        return {"job": self.job, "role": next(name for name, n in ROLES.items() if n == self.role), "rank": self.rank,
                "peer_rank": self.peer_rank, "plan": self.plan, "weights_digest": self.weights_digest.hex(),
                "instance": self.instance.hex(), "lane": self.lane}


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(8, "big") + payload


FIELDS = ("version", "message", "limit", "job", "role", "rank", "plan", "weights", "instance", "lane")
"""What a Hello is judged by: one that is right keeps the rules of all."""

MINE = b"\xf0" * 16
"""The instance of the implementation."""


@dataclass(frozen=True)
class Party:
    """The implementation in one role, and who it expects."""

    role: str
    own: Hello
    theirs: Hello

    @property
    def dials(self) -> bool:
        return self.role in ("tp-leader", "pp-driver")

    def at(self, conn: str, limits: dict | None = None) -> dict:
        group = "g" if self.role == "tp-leader" else None
        return rank(conn, self.role, self.theirs.rank, group, limits, self.own.identity)


WORKER = Party("tp-worker", Hello(2, 1, 0, instance=MINE), Hello(1, 0, 1))
LEADER = Party("tp-leader", Hello(1, 0, 1, instance=MINE), Hello(2, 1, 0))
STAGE = Party("pp-stage", Hello(4, 3, 0, instance=MINE), Hello(3, 0, 3))
DRIVER = Party("pp-driver", Hello(3, 0, 2, instance=MINE), Hello(4, 2, 0))


def wrong(theirs: Hello) -> list[tuple[str, str, str, str, bytes, str | None]]:
    """Slug, reason, class, rule, bytes and source of what must be refused with its last byte."""
    same = 3 - theirs.role if theirs.role < 3 else 1
    rows = (
        ("job", "Another job on the same port.", "header.field", "job", theirs.but(job="demo-2"), "OM-08"),
        ("job-empty", "No job at all.", "header.field", "job", theirs.but(job=""), None),
        ("role", "A rank of the other protocol, or of the same side.", "header.field", "role", theirs.but(role=same), "OM-08"),
        ("role-absent", "Nobody in particular.", "header.field", "role", theirs.but(role=0), None),
        ("role-unknown", "A role that version 1 does not have.", "header.field", "role", theirs.but(role=9), None),
        ("rank", "Another rank than the one that is waited for.", "header.field", "rank", theirs.but(rank=theirs.rank + 5),
         "OM-08"),
        ("peer-rank", "One that wants to reach another rank.", "header.field", "rank", theirs.but(peer_rank=9), "OM-08"),
        ("plan", "Another plan.", "header.field", "plan", theirs.but(plan="layers=4 tp=4"), "OM-04"),
        ("plan-absent", "No plan is another one.", "header.field", "plan", theirs.but(plan=""), "OM-04"),
        ("weights", "Other weights.", "header.field", "weights", theirs.but(weights_digest=OTHER), "OM-12"),
        ("weights-short", "A digest that is none.", "header.field", "weights", theirs.but(weights_digest=DIGEST[:31]), "OM-12"),
        ("instance-short", "An instance of fifteen bytes.", "header.field", "instance", theirs.but(instance=bytes(15)), None),
        ("version", "Another version.", "version", "version", theirs.but(hello_version=2), None),
        ("version-absent", "A version that is absent is 0.", "version", "version", theirs.but(hello_version=0), None),
        ("version-no-job", "Another version without a job: the version is judged first.", "version", "version-first",
         theirs.but(hello_version=2, job=""), None),
        ("garbage", "What is no protobuf message.", "header.length", "message", theirs.but(more=b"\x52\xff\xff"), None),
    )
    made = [(slug, why, word, f"link.hello.{rule}", hello.bytes, source) for slug, why, word, rule, hello, source in rows]
    return [*made, ("empty", "A Hello without a field.", "version", "link.hello.version", framed(b""), None),
            ("oversize", "A Hello that is announced above its limit.", "oversize.declared", "link.hello.limit",
             (4097).to_bytes(8, "big"), None)]


def tp_scenarios() -> Scenarios:
    s = Scenarios("tp-session", "The handshake before the first header, between a leader and its workers.")
    for party in (WORKER, LEADER):
        _refused(s, party)
        _gone(s, party)
    work = [write("a", tp(1).wire), sync("a", message(tp(1).value)), write("a", shutdown(2).wire), *over("end", "a"),
            done("a", message(shutdown(2).value))]
    _listened(s, WORKER, tp(1), work)
    lead = [broadcast(tp(1).value), *receive("a", tp(1).wire), broadcast(shutdown(2).value),
            *receive("a", shutdown(2).wire), *over("end", "a"), done("a")]
    _dialled(s, LEADER, lead)
    second = Party("tp-leader", LEADER.own.but(peer_rank=2), LEADER.theirs.but(rank=2, instance=bytes(range(1, 17))))
    s.add("hello-leader-group", [BOUND, LOST, "link.hello.plan"],
          "One worker of a group has another plan: it is refused, and the other one is released.", [LEADER.at("a"), second.at("b")],
          receive("a", LEADER.own.bytes), receive("b", second.own.bytes), write("a", LEADER.theirs.bytes), sync("a"),
          write("b", second.theirs.but(plan="tp=8").bytes), over("close", "b"), over("released", "a"),
          done("b", breach("header.field", len(second.theirs.but(plan="tp=8").bytes)), lost()), done("a"), upstream="OM-04")
    return s


def pp_scenarios() -> Scenarios:
    s = Scenarios("pp-session", "The handshake before the first header, between a driver and a stage.")
    for party in (STAGE, DRIVER):
        _refused(s, party)
        _gone(s, party)
    work = [write("a", request(1).wire), sync("a", message(request(1).value)), send("a", result(1).value),
            *receive("a", result(1).wire), write("a", shutdown(2).wire), *over("end", "a"),
            done("a", message(shutdown(2).value))]
    _listened(s, STAGE, request(1), work)
    drive = [send("a", request(1).value), *receive("a", request(1).wire), write("a", result(1).wire),
             sync("a", message(result(1).value)), send("a", shutdown(2).value), *receive("a", shutdown(2).wire),
             *over("end", "a"), done("a")]
    _dialled(s, DRIVER, drive)
    s.add("hello-stage-of-stage", [LOST, "link.hello.role"], "A stage that is driven by the stage before it.",
          [Party("pp-stage", STAGE.own.but(peer_rank=2), Hello(4, 2, 3)).at("a")], write("a", Hello(4, 2, 3).bytes),
          receive("a", STAGE.own.but(peer_rank=2).bytes), work)
    return s


def _slug(party: Party, what: str) -> str:
    return f"hello-{party.role.split('-')[1]}-{what}"


def _begin(party: Party) -> list[dict]:
    """Who dials speaks first."""
    return receive("a", party.own.bytes) if party.dials else []


def _refused(s: Scenarios, party: Party) -> None:
    for slug, why, word, rule, data, source in wrong(party.theirs):
        s.add(_slug(party, slug), [BOUND, LOST, TOLD, "link.hello.refusal", "link.hello.judged", rule], f"{why} It is refused without a byte.",
              [party.at("a")], _begin(party), write("a", data), over("close", "a"), done("a", breach(word, len(data)), lost()),
              upstream=source)
    bare = tp(1).bytes if s.profile == "tp-session" else request(1).bytes
    s.add(_slug(party, "none"), [BOUND, LOST, "link.hello.limit"], "A peer that begins with a header is no peer: its ids are no length.",
          [party.at("a")], _begin(party), write("a", bare), over("close", "a"), done("a", breach("oversize.declared", 8), lost()),
          upstream="OM-08")


def _gone(s: Scenarios, party: Party) -> None:
    hello = party.theirs.bytes
    rules = [BOUND, LOST, "link.hello.cut"]
    for slug, size, word in (("nothing", 0, None), ("prefix", 5, "eof.in-prefix"), ("body", 30, "eof.in-body")):
        part = [write("a", hello[:size])] if size else []
        s.add(_slug(party, f"end-{slug}"), rules, "A peer that ends before its Hello is whole.", [party.at("a")], _begin(party),
              part, act("a", "end"), over("close", "a"), done("a", *([breach(word, size)] if word else []), lost()))
        s.add(_slug(party, f"reset-{slug}"), rules, "A peer that is cut off before its Hello is whole.", [party.at("a")],
              _begin(party), part, sync("a"), act("a", "reset"), done("a", lost()))
        s.add(_slug(party, f"silence-{slug}"), [*rules, "link.hello.deadline"], "A peer that does not come to its Hello's end.",
              [party.at("a")], _begin(party), part, over("close", "a"), done("a", lost()), limits=LIMITS | (SPOKEN if party.dials else SHORT))


def _listened(s: Scenarios, party: Party, first: Message, work: list[dict]) -> None:
    """A listener that is greeted rightly answers, and the protocol follows; the second of a rank is sent away."""
    ranks, answer = [party.at("a")], receive("a", party.own.bytes)
    rules = [LOST, "link.hello.answer", "link.hello.layout"]
    for slug, fields, hello, why in (
        ("accepted", FIELDS, party.theirs, "A Hello that fits is answered, and the protocol begins behind it."),
        ("weights-absent", ("weights",), party.theirs.but(weights_digest=b""), "A rank without weights has none to compare."),
        ("unknown-field", ("unknown-fields",), party.theirs.but(more=protobuf.text(15, "later")),
         "A field of a later version is ignored."),
    ):
        s.add(_slug(party, slug), [*rules, *(f"link.hello.{field}" for field in fields)], why, ranks, write("a", hello.bytes), answer, work,
              upstream="OM-12" if slug == "weights-absent" else None)
    whole = party.theirs.bytes
    s.add(_slug(party, "pieces"), [*rules, "link.hello.cut", "link.hello.judged"], "A Hello comes in pieces.", ranks, write("a", whole[:5]), sync("a"),
          write("a", whole[5:30]), sync("a"), quiet("a"), write("a", whole[30:]), answer, work)
    s.add(_slug(party, "glued"), [*rules, "link.hello.behind"], "What stands behind the Hello in one read is the protocol's.",
          ranks, write("a", whole, first.wire), answer, work[1:])
    s.add(_slug(party, "offsets"), [LOST, "link.hello.offsets"],
          "A fault behind the Hello is placed by the bytes of the protocol, which begin at 0.", ranks, write("a", whole), answer,
          write("a", first.wire[:40]), act("a", "end"), over("close", "a"), done("a", breach("eof.in-header", 20), lost()))
    refused = breach("sequence", len(whole))
    for slug, hello, rule, why in (
        ("second", party.theirs.but(instance=b"\x77" * 16), "link.hello.instance.held",
         "The same rank from another process: one of the two is a mistake."),
        ("lane-twice", party.theirs, "link.hello.lane", "A lane that is open already."),
    ):
        s.add(_slug(party, slug), [BOUND, LOST, rule], f"{why} The first one works on.", [party.at("a"), party.at("b")],
              write("a", whole), answer, write("b", hello.bytes), over("close", "b"), done("b", refused, lost()), work)
    again = party.theirs.but(instance=b"\x77" * 16)
    moved = [{**step, "conn": "b"} for step in (*receive("b", party.own.bytes), *work)]
    s.add(_slug(party, "successor"), [LOST, "link.hello.instance.held"],
          "When a rank has gone its place is free for another process.", [party.at("a"), party.at("b")], write("a", whole),
          answer, work, write("b", again.bytes), moved)


def _dialled(s: Scenarios, party: Party, work: list[dict]) -> None:
    """A dialler speaks first, and nothing more until the answer fits."""
    ranks = [party.at("a")]
    rules = [LOST, "link.hello.first", "link.hello.layout"]
    for slug, fields, hello, why in (
        ("accepted", FIELDS, party.theirs, "An answer that fits is taken, and the protocol begins."),
        ("weights-absent", ("weights",), party.theirs.but(weights_digest=b""), "A rank without weights has none to compare."),
        ("unknown-field", ("unknown-fields",), party.theirs.but(more=protobuf.text(15, "later")),
         "A field of a later version is ignored."),
    ):
        s.add(_slug(party, slug), [*rules, *(f"link.hello.{field}" for field in fields)], why, ranks, receive("a", party.own.bytes), quiet("a"), write("a", hello.bytes), sync("a"),
              work, upstream="OM-12" if slug == "weights-absent" else None)
    wrong_lane = party.theirs.but(lane=1)
    s.add(_slug(party, "lane"), [BOUND, LOST, "link.hello.lane"], "An answer for another lane.", ranks,
          receive("a", party.own.bytes), write("a", wrong_lane.bytes), over("close", "a"),
          done("a", breach("header.field", len(wrong_lane.bytes)), lost()))
