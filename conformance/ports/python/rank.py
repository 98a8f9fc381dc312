"""What stands behind a link: a worker, a leader, a driver or a stage. All of it is called by the loop."""

from typing import TYPE_CHECKING, Union

from framing import Reader, WireError

if TYPE_CHECKING:
    from link import Link

Why = Union[str, WireError]  # "end", "reset", "deadline", or what the peer did wrong


class Rank:
    def joined(self, link: "Link") -> None:
        """The link is one of this rank's."""

    def read(self, link: "Link") -> Reader:
        """Reads one message and acts on it; a WireError is the peer's fault, and stands where it was decided."""
        raise NotImplementedError

    def awaits(self, link: "Link") -> bool:
        """Whether the peer owes the beginning of a message."""
        return False

    def takes(self, link: "Link") -> bool:
        """Whether there is room for what a message brings about."""
        return True

    def ended(self, link: "Link", why: Why) -> None:
        """The peer says no more. What the rank has to say may still go, until it ends or closes the link."""
        raise NotImplementedError
