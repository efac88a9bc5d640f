"""The model server as Amazon Bedrock and as the Claude Platform on AWS: signed requests, and AWS's event streams."""

from __future__ import annotations

import re
import struct
from base64 import b64encode
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from zlib import crc32

import orjson

from tests.support.model_http import Responder
from tests.support.model_server import ModelServer
from tests.support.model_wire import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.model_http import HttpRequest

_STREAM = re.compile(r"/model/([^/]+)/invoke-with-response-stream")
_STRING = 7
"""The number of the type "string" in the headers of an event."""
_KNOWN_VERSIONS = {"bedrock-2023-05-31"}


class PlatformServer(ModelServer):
    """Checks the signature's form, and answers as the platform does."""

    def __init__(self) -> None:
        super().__init__()
        self.models: list[str] = []
        self.workspaces: list[str] = []
        self.account = "AKIDTEST"
        """The access key whose signatures are accepted."""
        self.exception: tuple[str, str] | None = None
        """An exception that ends the next stream of Bedrock's after its first event."""

    async def handle(self, http: HttpRequest, responder: Responder) -> None:
        if not http.headers.get("authorization", "").startswith(f"AWS4-HMAC-SHA256 Credential={self.account}/"):
            await _refuse(responder, HTTPStatus.FORBIDDEN, "The security token included in the request is invalid.")
            return
        headers = {**http.headers, "x-api-key": "signed"}
        found = _STREAM.fullmatch(http.path)
        if found is None:
            self.workspaces.append(http.headers.get("anthropic-workspace-id", ""))
            await super().handle(replace(http, headers=headers), responder)
            return
        body: dict[str, Any] = orjson.loads(http.content)
        self.models.append(unquote(found[1]))
        version, betas = body.pop("anthropic_version", ""), body.pop("anthropic_beta", [])
        if version not in _KNOWN_VERSIONS or "model" in body or "stream" in body:
            await _refuse(responder, HTTPStatus.BAD_REQUEST, "anthropic_version: invalid, or an extraneous key")
            return
        translated = {**body, "model": self.models[-1].removeprefix("anthropic."), "stream": True}
        headers |= {"anthropic-version": version, "anthropic-beta": ",".join(betas)}
        encoding = _EncodingResponder(responder, self.exception)
        await super().handle(
            replace(http, target=MESSAGES, headers=headers, content=orjson.dumps(translated)), encoding
        )


class _EncodingResponder(Responder):
    """Wraps each server-sent event in an event of AWS's format, and gives errors Bedrock's form."""

    def __init__(self, inner: Responder, exception: tuple[str, str] | None) -> None:
        self._inner = inner
        self._exception = exception
        self._status = 0

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        kept = {name: value for name, value in headers.items() if name.startswith(("retry", "x-should"))}
        if status == HTTPStatus.OK:
            await self._inner.start(status, {"content-type": "application/vnd.amazon.eventstream"})
        else:
            self._headers = kept

    async def write(self, data: bytes) -> None:
        if self._status != HTTPStatus.OK:
            message = orjson.loads(data)["error"]["message"]
            await _refuse(self._inner, self._status, message, self._headers)
            return
        event = b"".join(line[6:] for line in data.split(b"\n") if line.startswith(b"data: "))
        await self._inner.write(frame({":message-type": "event", ":event-type": "chunk"}, _chunk(event)))
        if self._exception is not None:
            name, message = self._exception
            headers = {":message-type": "exception", ":exception-type": name}
            await self._inner.write(frame(headers, orjson.dumps({"message": message})))
            self._exception = None

    async def finish(self) -> None:
        if self._status == HTTPStatus.OK:
            await self._inner.finish()

    def cut(self) -> None:
        self._inner.cut()

    def reset(self) -> None:
        self._inner.reset()


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Encode an event: two lengths with their checksum, the headers, the payload, and a checksum of all."""
    encoded = b"".join(
        bytes([len(name)]) + name.encode() + bytes([_STRING]) + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    lengths = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    message = lengths + struct.pack(">I", crc32(lengths)) + encoded + payload
    return message + struct.pack(">I", crc32(message))


def _chunk(event: bytes) -> bytes:
    return orjson.dumps({"bytes": b64encode(event).decode(), "p": "abcdef"})


async def _refuse(responder: Responder, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
    data = orjson.dumps({"message": message})
    length = {"content-type": "application/json", "content-length": str(len(data))}
    await responder.start(status, length | dict(headers or {}))
    await responder.write(data)
    await responder.finish()
