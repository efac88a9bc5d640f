"""The Imbi API's operations as tools."""

from __future__ import annotations

import asyncio
import logging
import time
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from shared.domain.errors import ToolError
from shared.tools.openapi.arguments import read_arguments
from shared.tools.openapi.calls import EXTRA_SECONDS, Calls
from shared.tools.openapi.client import ApiClient
from shared.tools.openapi.facts import facts_of
from shared.tools.openapi.preview import MAX_PREVIEW_BYTES, Hiding, changes_of
from shared.tools.openapi.reading import read_state
from shared.tools.openapi.request import ApiRequest, build_request
from shared.tools.openapi.snapshot import Snapshot, read_snapshot
from shared.tools.openapi.undoing import ApiUndo
from shared.tools.sources import SourceReport
from shared.tools.toolset import BaseToolset
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx2

    from shared.domain.approval_rules import ApprovalRule
    from shared.domain.call_facts import CallFacts
    from shared.domain.models import Caller, JsonObject, Principal
    from shared.domain.ports import ToolDefinition, ToolOutput
    from shared.tools.openapi.client import ApiResponse
    from shared.tools.openapi.operation import Operation

_DOCUMENT = "openapi.json"
_MAX_DOCUMENT_BYTES = 32_000_000
_RETRY_SECONDS = 15.0
_MAX_WAIT_SECONDS = 5.0
_STORED_AFTER_SECONDS = 0.5
"""An API that sends its document sooner makes reading the stored document unnecessary."""
_NO_PERMISSIONS = (
    "The document has no x-imbi-permission any more: every user is offered every operation. The API itself still checks"
    " permissions."
)

log = logging.getLogger(__name__)


class DocumentStore(Protocol):
    """Stores the document from one start to the next. Its methods log failures and raise nothing."""

    async def read(self) -> bytes | None:
        """Return the stored document, or None where there is none."""
        ...

    async def write(self, content: bytes) -> None:
        """Replace the stored document."""
        ...


class OpenAPIToolset(BaseToolset):
    """Tools that FastMCP makes of the Imbi API's OpenAPI document, called with each caller's own token.

    The document is read when it is first needed, and again when it is some minutes old. If that fails, the tools of the
    previous reading stay. The last document is stored for the next start, which then does not wait for the API.
    """

    extra_seconds = EXTRA_SECONDS

    def __init__(  # noqa: PLR0913  # one for each thing that a test replaces or a setting decides
        self,
        base_url: str,
        *,
        timeout: float = 30.0,
        max_age: float = 300.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        store: DocumentStore | None = None,
        rules: Sequence[ApprovalRule] = (),
    ) -> None:
        """Prepare the toolset without any input or output.

        `timeout` applies to each call, `max_age` to the document; both are in seconds. The clock has to go on while
        the process is frozen, which a monotonic clock does not. `store` has the document of an earlier start, which is
        used until the API has sent its own. `rules` may allow operations whose results are secrets.
        """
        self.max_age = max_age
        self._api = ApiClient(base_url, timeout, transport)
        self._calls = Calls(self._api)
        self._clock = clock
        self._store = store
        self._rules = rules
        self._unstored: bytes | None = None
        self._snapshot: Snapshot | None = None
        self._notes: list[str] = []
        self._has_tools = asyncio.Event()
        self._loading = SingleFlight(self._load, longest=timeout + _MAX_WAIT_SECONDS, clock=clock)
        self._read_at = 0.0
        self._failed_at = float("-inf")

    async def load(self) -> int:
        """Read the document and replace the tools; return their number. Concurrent calls share one reading.

        Raises:
            ToolError: the document could not be fetched or used; the message says why, and the tools stay the same.
        """
        return await asyncio.shield(self._loading.start())

    async def ensure_loaded(self) -> None:
        """Load the tools if there are none yet; wait at most some seconds for them.

        An old document is read again in the background. After a failure the API is not asked for some seconds.
        """
        now = self._clock()
        is_fresh = self._snapshot is not None and 0 <= now - self._read_at < self.max_age
        if is_fresh or 0 <= now - self._failed_at < _RETRY_SECONDS:
            return
        loading = self._loading.start()
        if self._snapshot is None:
            waiting = asyncio.create_task(self._has_tools.wait())
            await asyncio.wait({loading, waiting}, timeout=_MAX_WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def refresh(self, timeout_seconds: float) -> Sequence[SourceReport]:
        """Read the document again; after `timeout_seconds` report that, and go on in the background."""
        loading = self._loading.start()
        done, _ = await asyncio.wait({loading}, timeout=timeout_seconds)
        if not done:
            problem: str | None = f"The Imbi API has not answered within {timeout_seconds:g} seconds."
        else:
            problem = None if loading.exception() is None else str(loading.exception())
        return [SourceReport("Imbi API", len(self.names), problem, tuple(self._notes))]

    @property
    def names(self) -> frozenset[str]:
        """The names of all tools, including those that only some principals may use."""
        return self._snapshot.names if self._snapshot else frozenset()

    @property
    def left_out(self) -> Mapping[str, str]:
        """The names of the operations without a tool, each with a clause that says why."""
        return self._snapshot.left_out if self._snapshot else {}

    @property
    def has_permissions(self) -> bool:
        """Whether any tool needs a permission; otherwise every user is offered every tool."""
        return self._snapshot is not None and bool(self._snapshot.permissions)

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:
        """List the tools that the principal may use, by name; asking again costs microseconds."""
        return self._snapshot.definitions(principal) if self._snapshot else ()

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:  # noqa: ARG002  # the port's
        """Describe a call of an operation.

        Raises:
            ToolError: there is no such tool.
        """
        _, operation = self._operation(name)
        return facts_of(operation, arguments, self._api.address)

    async def preview(self, name: str, arguments: JsonObject, caller: Caller) -> tuple[JsonObject, ...]:
        """Return what a call would change. The present state is read with the caller's token, if there is a GET for it.

        Raises:
            ToolError: there is no such tool, or its arguments are wrong.
        """
        snapshot, operation = self._operation(name)
        values = read_arguments(operation, arguments)
        request = build_request(operation, values)
        reading = snapshot.reading_of(operation, caller.principal)
        before = None
        # What a POST makes is not at its own path yet.
        if reading is not None and operation.method != "post" and not reading.has_secret_result:
            before = await self._read(snapshot, reading, request.path, caller)
        return changes_of(request, values.of_body(), before, Hiding(snapshot.secret_names, caller.token))

    async def _read(self, snapshot: Snapshot, reading: Operation, path: str, caller: Caller) -> ApiResponse | None:
        request = ApiRequest("get", path, path)
        try:
            return await self._api.send(
                request,
                lambda: snapshot.engine.run(reading.definition.name),
                token=caller.token,
                max_bytes=MAX_PREVIEW_BYTES,
            )
        except ToolError:
            return None

    def _operation(self, name: str) -> tuple[Snapshot, Operation]:
        snapshot = self._snapshot
        operation = snapshot.operations.get(name) if snapshot else None
        if snapshot is None or operation is None:
            raise ToolError(f"There is no tool named {name[:64]!r}.")
        return snapshot, operation

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:
        """Call an operation with the caller's token; an error status is an output with the API's reason.

        Raises:
            ToolError: there is no such tool, its arguments are wrong, or no response came.
        """
        snapshot, _ = self._operation(name)
        return await self._calls.run(snapshot, name, arguments, caller)

    def undoing(self) -> ApiUndo:
        """Return what takes changes back, on the present reading of the document.

        Raises:
            ToolError: the document has not been read.
        """
        if self._snapshot is None:
            raise ToolError("The Imbi API's tools have not been loaded.")
        return ApiUndo(self._api, self._calls, self._snapshot)

    async def read_state(self, path_template: str, path: str, caller: Caller) -> ToolOutput | None:
        """Return what is at a path now; None if the caller cannot read it, or no answer came."""
        snapshot = self._snapshot
        return None if snapshot is None else await read_state(snapshot, self._api, path_template, path, caller)

    async def build_engine(self) -> None:
        """Build what runs the tools, which the first call would do otherwise."""
        if self._snapshot is not None:
            await self._snapshot.engine.built()

    async def aclose(self) -> None:
        """Stop reading the document and close the connections."""
        await self._loading.aclose()
        await self._api.aclose()

    async def keep(self) -> None:
        """Store the last document for the next start. Call this when no user waits."""
        if self._store is not None and self._unstored is not None:
            content, self._unstored = self._unstored, None
            await self._store.write(content)

    async def _load(self) -> int:
        try:
            content = await self._fetch_or_read_stored()
            if self._snapshot is None or self._snapshot.digest != sha256(content).digest():
                await self._replace_tools(content)
                self._unstored = content
        except ToolError as error:
            self._failed_at = self._clock()
            log.warning("The Imbi API's tools could not be read: %s", error)
            raise
        except Exception as error:
            self._failed_at = self._clock()
            log.exception("The Imbi API's OpenAPI document cannot be used")
            raise ToolError("The Imbi API's OpenAPI document cannot be used.") from error
        self._read_at = self._clock()
        self._failed_at = float("-inf")
        return len(self.names)

    async def _fetch_or_read_stored(self) -> bytes:
        """Fetch the document. Where that is slow or fails, use the stored one in the meantime."""
        fetching = asyncio.create_task(self._fetch())
        try:
            if self._snapshot is None and self._store is not None:
                await asyncio.wait({fetching}, timeout=_STORED_AFTER_SECONDS)
                if not fetching.done() or fetching.exception() is not None:
                    await self._read_stored(self._store)
            return await fetching
        finally:
            fetching.cancel()

    async def _read_stored(self, store: DocumentStore) -> None:
        content = await store.read()
        if content is None:
            return
        try:
            await self._replace_tools(content)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the API's own document comes next
            log.warning("The stored document cannot be used: %s", type(error).__name__)

    async def _replace_tools(self, content: bytes) -> None:
        before = self._snapshot
        self._snapshot = await asyncio.to_thread(read_snapshot, content, self._api.http, self._rules)
        self._has_tools.set()
        if self._snapshot.permissions:
            self._notes.clear()
        elif before is not None and before.permissions:
            self._notes.append(_NO_PERMISSIONS)
            log.warning("%s", _NO_PERMISSIONS)

    async def _fetch(self) -> bytes:
        response = await self._api.fetch(_DOCUMENT, max_bytes=_MAX_DOCUMENT_BYTES)
        if response.status != HTTPStatus.OK:
            raise ToolError(f"The Imbi API answered HTTP {response.status} when asked for its OpenAPI document.")
        return response.body
