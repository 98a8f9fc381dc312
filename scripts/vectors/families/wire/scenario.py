"""What a scenario file is made of."""

LIMITS = {"max_frame_length": "1024"}


class Scenarios:
    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.list: list[dict] = []

    def _add(self, slug: str, rules: list[str], why: str, level: str = "must", **rest: object) -> None:
        self.list.append({"id": f"wire/{self.profile}/{slug}", "rules": rules, "level": level, "why": why, **rest})

    def replay(self, slug: str, rules: list[str], why: str, *patterns: str, **rest: object) -> None:
        self._add(slug, rules, why, **rest, replay=[f"{self.profile}/{pattern}" for pattern in patterns])

    def interleave(self, slug: str, rules: list[str], why: str, *lists: tuple[str, ...], **rest: object) -> None:
        named = [[f"{self.profile}/{pattern}" for pattern in patterns] for patterns in lists]
        self._add(slug, rules, why, **rest, interleave=named)

    def steps(self, slug: str, rules: list[str], why: str, *steps: dict, limits: dict = LIMITS, **rest: object) -> None:
        named = [{"conn": "a", **step} for step in steps]
        connections = list(dict.fromkeys(step["conn"] for step in named))
        self._add(slug, rules, why, **rest, limits=limits, connections=connections, steps=named)
