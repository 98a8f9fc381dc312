"""What a scenario of ranks is made of: fake ranks, and steps on their connections (spec/iut-protocol.md, "Ranks")."""

LIMITS = {"max_frame_length": "65536"}
SHORT = {"deadline_ms": "300"}
"""Where silence is the subject, and comes out the same whenever it begins."""
SPOKEN = {"deadline_ms": "1000"}
"""Where something must have come before the silence: a machine that is slow is not silent."""


class Scenarios:
    """The scenarios of one file, all of one profile."""

    def __init__(self, profile: str, about: str) -> None:
        self.profile, self.about = profile, about
        self.list: list[dict] = []

    def add(self, slug: str, rules: list[str], why: str, ranks: list[dict], *steps: dict | list[dict],
            upstream: str | None = None, limits: dict = LIMITS) -> None:
        """`upstream`: the failure of the lists in spec/guarantees.md that it plays, "OM-01" or "retry"."""
        head = {"id": f"wire/{self.profile}/{slug}"} | ({"upstream": upstream} if upstream else {})
        flat = [one for step in steps for one in (step if isinstance(step, list) else [step])]
        ruled = rules + (["iut.rank.sync"] if _waits_for_the_end(flat) else [])
        self.list.append(head | {"rules": list(dict.fromkeys(ruled)), "level": "must", "why": why, "limits": limits,
                                 "ranks": ranks, "steps": flat})

    def document(self) -> dict:
        return {"profile": self.profile, "about": self.about, "scenarios": self.list}


def _waits_for_the_end(steps: list[dict]) -> bool:
    """Whether a barrier stands where the harness has not seen the end of that connection itself: the implementation alone knows of it."""
    seen: set[str] = set()
    for step in steps:
        if "over" in step:
            seen.add(step["conn"])
        if step.get("sync") == "end" and step["conn"] not in seen:
            return True
    return False


def rank(conn: str, role: str, number: int, group: str | None = None, limits: dict | None = None,
         identity: dict | None = None) -> dict:
    """The rank `number`, played by the harness, on the connection `conn`, on which the implementation is `role`."""
    given = {"group": group, "identity": identity, "limits": limits}
    return {"conn": conn, "role": role, "rank": number} | {name: value for name, value in given.items() if value}


def workers(*conns: str, group: str = "g", limits: dict | None = None) -> list[dict]:
    """The workers of a group that the implementation leads, ranks from 1 on."""
    return [rank(conn, "tp-leader", i, group, limits) for i, conn in enumerate(conns, 1)]


def write(conn: str, *data: object) -> dict:
    return {"conn": conn, "write": joined(*data)}


def receive(conns: str, *data: object) -> list[dict]:
    """Each of the connections, one letter each, receives these bytes."""
    return [{"conn": conn, "receive": joined(*data)} for conn in conns]


def joined(*data: object) -> object:
    """Bytes as they stand in a step: hex, or parts where a run is among them."""
    flat = [part for each in data for part in (each["parts"] if isinstance(each, dict) and "parts" in each else [each])]
    texts = [each.hex() if isinstance(each, bytes) else each for each in flat]
    if all(isinstance(each, str) for each in texts):
        return "".join(texts)
    return {"parts": texts}


def sync(conn: str, *events: dict) -> dict:
    return {"conn": conn, "sync": "read", "events": list(events)}


def done(conn: str, *events: dict) -> dict:
    """The connection is over for the implementation, and this is what it had to say of it."""
    return {"conn": conn, "sync": "end", "events": list(events)}


def over(how: str, conns: str, *may: object) -> list[dict]:
    return [{"conn": conn, "over": how} | ({"may": [joined(each) for each in may]} if may else {}) for conn in conns]


def quiet(conns: str) -> list[dict]:
    return [{"conn": conn, "quiet": True} for conn in conns]


def broadcast(value: dict, *events: dict, group: str = "g") -> dict:
    return {"group": group, "send": value} | ({"events": list(events)} if events else {})


def send(conn: str, value: dict, *events: dict) -> dict:
    return {"conn": conn, "send": value} | ({"events": list(events)} if events else {})


def act(conn: str, what: str) -> dict:
    """`end`, `reset` or `stall`."""
    return {"conn": conn, what: True}


def message(value: dict) -> dict:
    return {"event": "message", "value": value}


def lost(*calls: int) -> dict:
    return {"event": "lost", "calls": [str(call) for call in calls]}


def breach(word: str, at: int) -> dict:
    return {"event": "error", "class": word, "at": str(at), "fatal": True}


def refused(word: str) -> dict:
    return {"event": "error", "class": word, "at": "0", "fatal": False}
