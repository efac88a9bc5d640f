"""Calls of the API's operations, each changing one with its receipt."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from shared.tools.openapi.arguments import read_arguments
from shared.tools.openapi.observation import Observation
from shared.tools.openapi.request import build_request
from shared.tools.openapi.response import output_of
from shared.tools.openapi.sight import READ_SECONDS, Sight, ThingReader
from shared.util.threads import run_sized

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.domain.models import Caller, JsonObject
    from shared.domain.receipts import Receipt
    from shared.tools.openapi.client import ApiClient, ApiResponse
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.request import ApiRequest
    from shared.tools.openapi.snapshot import Snapshot

_MAX_RESULT_BYTES = 16_000_000
_READS = frozenset({"get", "head"})
_WAIT_SECONDS = 10.0
"""The longest wait for another call that changes the same thing. After it the call runs without a receipt."""
EXTRA_SECONDS = _WAIT_SECONDS + 3 * READ_SECONDS
"""The time that the waits and the readings for a receipt may take, beside the call itself."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Undone:
    """The change that a call takes back, and the thing as it was read just before the call.

    `by` is the id that the receipt of the call itself gets.
    """

    receipt_id: str
    by: str
    seen: Sight


class Calls:
    """Runs calls. Calls that change the same thing run one after the other, so that each receipt has its own change."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(
        self, snapshot: Snapshot, name: str, arguments: JsonObject, caller: Caller, undone: Undone | None = None
    ) -> ToolOutput:
        """Call an operation with the caller's token; an error status is an output with the API's reason.

        Raises:
            ToolError: there is no such tool, its arguments are wrong, or no response came.
        """
        operation = snapshot.operations.get(name)
        if operation is None:
            raise ToolError(f"There is no tool named {name[:64]!r}.")
        values = read_arguments(operation, arguments)
        request = build_request(operation, values)
        snapshot.check_address(operation, request)
        if operation.method in _READS:
            return await self._output(await self._send(snapshot, operation, request, caller), caller)
        if undone is not None and undone.seen.etag.startswith('"'):
            request.headers.append(("If-Match", undone.seen.etag.encode("latin-1", "replace")))
        observation = Observation(ThingReader(self._api, snapshot, caller), operation, values)
        async with self._alone(observation) as is_alone:
            if is_alone:
                await _seen_before(snapshot, observation, undone.seen if undone else None)
            try:
                response = await self._send(snapshot, operation, request, caller)
            except ToolError as error:
                receipt = await _receipt(observation, None, undone)
                if receipt is None:
                    raise
                return ToolOutput(str(error), is_error=True, receipt=receipt, code=error.code)
            receipt = await _receipt(observation, response, undone)
        return replace(await self._output(response, caller), receipt=receipt)

    async def _send(self, snapshot: Snapshot, operation: Operation, request: ApiRequest, caller: Caller) -> ApiResponse:
        return await self._api.send(
            request,
            lambda: snapshot.engine.run(operation.definition.name),
            token=caller.token,
            max_bytes=_MAX_RESULT_BYTES,
        )

    async def _output(self, response: ApiResponse, caller: Caller) -> ToolOutput:
        return await run_sized(len(response.body), output_of, response, caller.token)

    @asynccontextmanager
    async def _alone(self, observation: Observation) -> AsyncGenerator[bool, None]:
        """Keep other calls from the same thing; yield whether that is so. New things do not disturb each other."""
        if observation.makes_element:
            yield True
            return
        lock = self._locks.setdefault(repr(observation.address), asyncio.Lock())
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await lock.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()


async def _seen_before(snapshot: Snapshot, observation: Observation, known: Sight | None) -> None:
    try:
        # Otherwise the time limit of the first reading would include the import of FastMCP.
        await snapshot.engine.built()
        await observation.before(known)
    except Exception:
        log.exception("a thing could not be read before a call")


async def _receipt(observation: Observation, response: ApiResponse | None, undone: Undone | None) -> Receipt | None:
    try:
        receipt = await observation.after(response)
    except Exception:
        log.exception("a thing could not be read after a call")
        return None
    return replace(receipt, id=undone.by, undoes=undone.receipt_id) if receipt and undone else receipt
