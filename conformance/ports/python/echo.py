"""An echo endpoint, level 0 of the IUT protocol (spec/iut-protocol.md): no shim, no control link. Standard library only.

    python3 echo.py PROFILE [PORT]     says where it listens; every message comes back, and a refusal closes
"""

import socketserver
import sys
from contextlib import suppress

from framing import PREFIX, Decoder, encode_frame, encode_multipart, read_frame, read_multipart

LIMIT = 1024


def codec(profile):
    """How a message is read, and how it is written again."""
    if profile in PREFIX:
        return lambda: read_frame(profile, LIMIT), lambda message: encode_frame(profile, message[1], LIMIT, message[0])
    typed = {"multipart": False, "multipart-typed": True}[profile]
    return lambda: read_multipart(typed, LIMIT), lambda records: encode_multipart(records, typed, LIMIT)


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        read, write = codec(self.server.profile)
        decoder = Decoder(read)
        with suppress(ConnectionError):  # a peer that resets hears no more
            while not decoder.error and (chunk := self.request.recv(65536)):
                for message in decoder.push(chunk):
                    self.request.sendall(write(message))


class Endpoint(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 4096  # the harness opens one connection for each cut, and many at once


if __name__ == "__main__":
    profile, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    codec(profile)  # a name that nobody knows ends here
    with Endpoint(("127.0.0.1", port), Echo) as endpoint:
        endpoint.profile = profile
        print(f"echoing {profile} on 127.0.0.1:{endpoint.server_address[1]}", flush=True)
        endpoint.serve_forever()
