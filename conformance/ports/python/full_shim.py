"""The shim with the PP contract and TP manifests, which take Google's protobuf library. setup_full.py comes first."""

import sys

import shim
from full_values import BODIES, LIMITS, SESSIONS, codec
from sessions import SessionDecoder

shim.Decoder = SessionDecoder  # type: ignore[misc]
shim.LIMITS, shim.codec = LIMITS, codec
shim.ROLES.update({**{name: [*shim.STEPS] for name in BODIES}, **{name: ["decode"] for name in SESSIONS}})
if __name__ == "__main__":
    shim.main(*sys.argv[1:])
