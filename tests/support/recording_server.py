"""An HTTP server that serves a document and notes every other request, byte for byte."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Recorded:
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return all values of a header, joined by semicolons."""
        return "; ".join(value for key, value in self.headers if key.lower() == name.lower())

    def parts(self) -> list[tuple[str, str | None, str | None, bytes]]:
        """Parse a multipart body: name, file name, media type and content of each part."""
        raw = f"Content-Type: {self.header('content-type')}\r\n\r\n".encode() + self.body
        message = message_from_bytes(raw)
        found = []
        for part in message.get_payload() if message.is_multipart() else []:
            assert not isinstance(part, str)
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            parameters = dict(part.get_params(header="content-disposition") or [])
            media_type = part["content-type"]
            found.append((parameters["name"], parameters.get("filename"), media_type, content))
        return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/openapi.json":
            content = self.server.document
            self.send_response(200)
        else:
            content = b""
            self.server.recorded.append(Recorded(self.command, self.path, list(self.headers.items()), body))
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # the library's names

    def log_message(self, *_args: object) -> None:
        """Write nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, document: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.document = json.dumps(document).encode()
        self.recorded: list[Recorded] = []


@contextmanager
def recording(document: Any) -> Iterator[tuple[str, list[Recorded]]]:
    """Serve a document; yields the base URL and the list of requests that arrive."""
    server = _Server(document)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.recorded
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)
