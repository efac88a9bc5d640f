"""Things of the API as they are now, read with the caller's own token in bounded time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from shared.domain.errors import GraphError, ToolError
from shared.tools.openapi.arguments import read_arguments
from shared.tools.openapi.request import build_request
from shared.tools.openapi.things import path_arguments
from shared.tools.receipts.hiding import parsed
from shared.tools.sending import without_key
from shared.util.threads import run_sized

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import Caller
    from shared.domain.receipts import ThingAddress
    from shared.tools.openapi.client import ApiClient, ApiResponse
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.snapshot import Snapshot

READ_SECONDS = 3.0
"""The longest wait for one reading."""
_MAX_BYTES = 65_536
_ENVELOPES = frozenset({"data", "result", "item", "record", "resource", "entity"})
"""The only member of a document that holds the thing itself."""
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True)
class Sight:
    """A thing at a moment. It is `unknown` where it could not be read, or was too large, or is no JSON."""

    state: Literal["present", "absent", "unknown"]
    document: JsonValue = None
    etag: str = ""
    size: int = 0
    """The bytes of the document."""


UNKNOWN = Sight("unknown")
ABSENT_THING = Sight("absent")


class ThingReader:
    """Reads things for one caller. No failure of a reading is an error."""

    def __init__(self, api: ApiClient, snapshot: Snapshot, caller: Caller) -> None:
        self.snapshot = snapshot
        self.caller = caller
        self._api = api

    async def read(self, address: ThingAddress) -> Sight:
        """Read a thing by its path."""
        operation = self.snapshot.things.readable(address.shape)
        if operation is None or not self.caller.principal.may(operation.permissions):
            return UNKNOWN
        try:
            async with asyncio.timeout(READ_SECONDS):
                response = await self._get(operation, address)
        except (ToolError, GraphError, TimeoutError):
            return UNKNOWN
        return await run_sized(len(response.body), _sight_of, response)

    async def _get(self, operation: Operation, address: ThingAddress) -> ApiResponse:
        request = build_request(operation, read_arguments(operation, path_arguments(operation, address)))
        self.snapshot.check_address(operation, request)
        with without_key():
            return await self._api.send(
                request,
                lambda: self.snapshot.engine.run(operation.definition.name),
                token=self.caller.token,
                max_bytes=_MAX_BYTES,
            )


def document_of(response: ApiResponse) -> JsonValue:
    """Return a response's JSON document; None where it has none that can be stored."""
    if len(response.body) > _MAX_BYTES:
        return None
    try:
        return parsed(response.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _sight_of(response: ApiResponse) -> Sight:
    if response.status in _GONE:
        return ABSENT_THING
    document = _unwrapped(document_of(response)) if response.status == HTTPStatus.OK else None
    return (
        UNKNOWN
        if not isinstance(document, dict | list)
        else Sight("present", document, response.etag, len(response.body))
    )


def _unwrapped(document: JsonValue) -> JsonValue:
    """Return the thing in an envelope such as `{"data": {…}}`, because requests write its fields without one."""
    if isinstance(document, dict) and len(document) == 1:
        [(name, inner)] = document.items()
        if name in _ENVELOPES and isinstance(inner, dict):
            return inner
    return document
