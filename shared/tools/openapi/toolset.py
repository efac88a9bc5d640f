"""The Imbi API's operations as tools."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import orjson

from shared.domain.errors import ToolError
from shared.tools.openapi.arguments import placed
from shared.tools.openapi.client import ApiClient
from shared.tools.openapi.document import Document
from shared.tools.openapi.engine import Engine
from shared.tools.openapi.naming import Endpoint, tool_names
from shared.tools.openapi.offered import LEFT_OUT
from shared.tools.openapi.operation import Operation, Unusable, read_operation
from shared.tools.results.content import output_of
from shared.tools.sources import SourceReport
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx2
    from pydantic import JsonValue

    from shared.domain.models import Caller, JsonObject, Principal
    from shared.domain.ports import ToolDefinition, ToolOutput
    from shared.tools.openapi.exclusions import Exclusions

_DOCUMENT = "openapi.json"
_LARGEST_DOCUMENT = 32_000_000
_LARGEST_RESULT = 16_000_000
_MOST_SELECTIONS = 64
_RETRY_AFTER = 15.0
_LONGEST_WAIT = 5.0
_QUICK = 0.5
"""An API that gives its document within so many seconds is not worth a look into the store."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One reading of the document; calls that began on it end on it."""

    digest: bytes
    operations: Mapping[str, Operation]
    engine: Engine
    exclusions: Exclusions
    permissions: frozenset[str]
    names: frozenset[str]
    selections: OrderedDict[frozenset[str] | None, tuple[ToolDefinition, ...]] = field(default_factory=OrderedDict)

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:
        """Select what a principal may use; the same permissions give the same tuple."""
        key = None if principal.is_admin else principal.permissions & self.permissions
        selection = self.selections.get(key)
        if selection is None:
            selection = tuple(
                operation.definition for operation in self.operations.values() if principal.may(operation.permissions)
            )
            self.selections[key] = selection
            if len(self.selections) > _MOST_SELECTIONS:
                self.selections.popitem(last=False)
        self.selections.move_to_end(key)
        return selection


class DocumentStore(Protocol):
    """Keeps the document from one start to the next; neither raises where it cannot."""

    async def read(self) -> bytes | None:
        """Give what was kept last, None where nothing was."""
        ...

    async def write(self, content: bytes) -> None:
        """Keep a document instead of the one before."""
        ...


class OpenAPIToolset:
    """Tools that FastMCP makes of the Imbi API's OpenAPI document, called with each caller's own token.

    The document is read when it is first needed and again when it is some minutes old; where that fails, the tools
    that were there stay. The one that was read last is kept for the next start, which so waits for no API.
    """

    in_browser = False

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 30.0,
        max_age: float = 300.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        store: DocumentStore | None = None,
    ) -> None:
        """Prepare the toolset without any input or output.

        `timeout` holds for each call, `max_age` says when the document is read again; both are in seconds. The clock
        goes on while the process is frozen, which a monotonic one does not. `store` has the document of an earlier
        start, which is used until the API has given its own.
        """
        self.max_age = max_age
        self._api = ApiClient(base_url, timeout, transport)
        self._clock = clock
        self._store = store
        self._unkept: bytes | None = None
        self._snapshot: _Snapshot | None = None
        self._has_tools = asyncio.Event()
        self._loading = SingleFlight(self._load, longest=timeout + _LONGEST_WAIT, clock=clock)
        self._read_at = 0.0
        self._failed_at = float("-inf")

    async def load(self) -> int:
        """Read the document and take its tools over; returns how many. Loads at the same time are one.

        Raises:
            ToolError: the document could not be had or used; the message says why, and the tools stay what they were.
        """
        return await asyncio.shield(self._loading.start())

    async def ensure_loaded(self) -> None:
        """See to it that there are tools, as far as that takes no more than some seconds.

        What has been read some minutes ago is read again without waiting for it. After a failure the API is left alone
        for some seconds.
        """
        now = self._clock()
        is_fresh = self._snapshot is not None and 0 <= now - self._read_at < self.max_age
        if is_fresh or 0 <= now - self._failed_at < _RETRY_AFTER:
            return
        loading = self._loading.start()
        if self._snapshot is None:
            coming = asyncio.create_task(self._has_tools.wait())
            await asyncio.wait({loading, coming}, timeout=_LONGEST_WAIT, return_when=asyncio.FIRST_COMPLETED)
            coming.cancel()

    async def refresh(self, patience: float) -> Sequence[SourceReport]:
        """Read the document again; what has not come after `patience` seconds goes on being read."""
        loading = self._loading.start()
        done, _ = await asyncio.wait({loading}, timeout=patience)
        if not done:
            problem: str | None = f"The Imbi API has not answered within {patience:g} seconds."
        else:
            problem = None if loading.exception() is None else str(loading.exception())
        return [SourceReport("Imbi API", len(self.names), problem)]

    @property
    def names(self) -> frozenset[str]:
        """The names of all tools, whoever may use them."""
        return self._snapshot.names if self._snapshot else frozenset()

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:
        """List the tools that the principal may use, by name; asking again costs microseconds."""
        return self._snapshot.definitions(principal) if self._snapshot else ()

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:
        """Call an operation with the caller's token; an error status is an output that says what the API said.

        Raises:
            ToolError: there is no such tool, its arguments are wrong, or the API gave no answer.
        """
        snapshot = self._snapshot
        operation = snapshot.operations.get(name) if snapshot else None
        if snapshot is None or operation is None:
            raise ToolError(f"There is no tool named {name[:64]!r}.")
        values = placed(operation, arguments)
        if snapshot.exclusions.covers_address(operation.address(values)):
            raise ToolError("This part of the Imbi API is not available to the assistant.")
        answer = await self._api.answer(
            lambda: snapshot.engine.run(name, values), token=caller.token, most_bytes=_LARGEST_RESULT
        )
        return output_of(answer, caller.token)

    async def aclose(self) -> None:
        """Stop reading the document and close the connections."""
        await self._loading.aclose()
        await self._api.aclose()

    async def keep(self) -> None:
        """Keep the document that was read for the next start; to be done when nobody waits."""
        if self._store is not None and self._unkept is not None:
            content, self._unkept = self._unkept, None
            await self._store.write(content)

    async def _load(self) -> int:
        try:
            content = await self._fetch_or_recall()
            if self._snapshot is None or self._snapshot.digest != sha256(content).digest():
                await self._take_over(content)
                self._unkept = content
        except ToolError as error:
            self._failed_at = self._clock()
            logger.warning("The Imbi API's tools could not be read: %s", error)
            raise
        except Exception as error:
            self._failed_at = self._clock()
            logger.exception("The Imbi API's OpenAPI document cannot be used")
            raise ToolError("The Imbi API's OpenAPI document cannot be used.") from error
        self._read_at = self._clock()
        self._failed_at = float("-inf")
        return len(self.names)

    async def _fetch_or_recall(self) -> bytes:
        """Fetch the document; while the API takes its time, or fails, begin with the one of an earlier start."""
        fetching = asyncio.create_task(self._fetch())
        try:
            if self._snapshot is None and self._store is not None:
                await asyncio.wait({fetching}, timeout=_QUICK)
                if not fetching.done() or fetching.exception() is not None:
                    await self._recall(self._store)
            return await fetching
        finally:
            fetching.cancel()

    async def _recall(self, store: DocumentStore) -> None:
        content = await store.read()
        if content is None:
            return
        try:
            await self._take_over(content)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the API's own comes next
            logger.warning("The document of an earlier start cannot be used: %s", type(error).__name__)

    async def _take_over(self, content: bytes) -> None:
        self._snapshot = await asyncio.to_thread(_read, content, self._api.http)
        self._has_tools.set()

    async def _fetch(self) -> bytes:
        answer = await self._api.answer(lambda: self._api.http.get(_DOCUMENT), most_bytes=_LARGEST_DOCUMENT)
        if answer.status != 200:  # noqa: PLR2004  # the number is the name
            raise ToolError(f"The Imbi API answered HTTP {answer.status} when asked for its OpenAPI document.")
        return answer.body


def _read(content: bytes, client: httpx2.AsyncClient) -> _Snapshot:
    """Read a document; meant for a thread. Raises ToolError where it is none."""
    try:
        document = Document(_parsed(content))
    except (ValueError, RecursionError) as error:
        raise ToolError(f"The Imbi API's OpenAPI document cannot be used: {error}.") from error
    operations = {operation.definition.name: operation for operation in _operations(document)}
    engine = Engine(operations.values(), client)
    usable = {name: operations[name] for name in sorted(operations) if engine.has(name)}
    for name in operations.keys() - usable.keys():
        logger.warning("No tool %s: FastMCP made none of it", name)
    return _Snapshot(
        digest=sha256(content).digest(),
        operations=usable,
        engine=engine,
        exclusions=document.exclusions,
        permissions=frozenset().union(*(operation.permissions for operation in usable.values())),
        names=frozenset(usable),
    )


def _parsed(content: bytes) -> JsonValue:
    """Parse JSON; with Python's own parser where there are lone surrogates, which orjson refuses."""
    try:
        parsed: JsonValue = orjson.loads(content)
    except orjson.JSONDecodeError:
        parsed = json.loads(content)
    return parsed


def _operations(document: Document) -> list[Operation]:
    """Make tools of all operations that can be called; the others are named in the log."""
    found = {Endpoint(raw.method, raw.path, raw.operation_id): raw for raw in document.operations()}
    names = tool_names(found)
    operations = []
    for endpoint, raw in found.items():
        if names[endpoint] in LEFT_OUT:
            continue
        try:
            operations.append(read_operation(raw, names[endpoint], document.schemas))
        except Unusable as error:
            logger.warning("No tool for %s %r: %s", raw.method, raw.path, error)
        except (RecursionError, TypeError, ValueError) as error:
            logger.warning("No tool for %s %r: %s", raw.method, raw.path, type(error).__name__)
    return operations
