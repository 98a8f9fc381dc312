"""The classic mistake, on purpose: one read is taken for one message. The harness must catch it (see README.md)."""

import sys
from typing import Any

import shim
from framing import Decoder


class ReadIsMessage(Decoder):
    def push(self, chunk: bytes) -> list[Any]:
        if not self.error:
            del self._buffer[:]  # what an earlier read left over is lost
            self._begin()
        return super().push(chunk)[:1]  # and so is what stands behind the first message


shim.Decoder = ReadIsMessage  # type: ignore[misc]
if __name__ == "__main__":
    shim.main(*sys.argv[1:])
