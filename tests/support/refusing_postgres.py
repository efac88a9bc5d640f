"""A server that speaks PostgreSQL's protocol as far as to refuse every connection.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct
import threading
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_PASSWORD = ("28P01", 'password authentication failed for user "nobody"')
NO_DATABASE = ("3D000", 'database "none" does not exist')
NO_ENTRY = ("28000", 'no pg_hba.conf entry for host "10.0.0.1", user "nobody", database "none"')
TOO_MANY = ("53300", "sorry, too many clients already")

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_ASKS_FOR_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


@contextmanager
def refusing_postgres(reason: tuple[str, str]) -> Iterator[str]:
    """Refuse all connections with an SQLSTATE and a message; returns the DSN's host and port."""
    state, message = reason

    class Refusal(StreamRequestHandler):
        def handle(self) -> None:
            while self._startup() in {_SSL_REQUEST, _GSS_REQUEST}:
                self.wfile.write(b"N")
            if reason is WRONG_PASSWORD:
                self.wfile.write(_ASKS_FOR_PASSWORD)
                self.rfile.read(1)
                self.rfile.read(struct.unpack("!i", self.rfile.read(4))[0] - 4)
            fields = b"".join(b"%b%b\0" % field for field in ((b"S", b"FATAL"), (b"C", state.encode())))
            body = fields + b"M" + message.encode() + b"\0\0"
            self.wfile.write(b"E" + struct.pack("!i", len(body) + 4) + body)

        def _startup(self) -> int:
            length, code = struct.unpack("!ii", self.rfile.read(8))
            self.rfile.read(length - 8)
            return int(code)

    with ThreadingTCPServer(("127.0.0.1", 0), Refusal) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
