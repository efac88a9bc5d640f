"""The API of documents with its tools and the tool that undoes, and one change that is made and taken back."""

from __future__ import annotations

import copy
import json
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from shared.http.server import running
from shared.tools.openapi.toolset import OpenAPIToolset
from shared.tools.undo.toolset import UndoToolset
from tests.support.documents_api import DocumentsApi
from tests.support.imbi_api import ADMIN
from tests.support.random_changes import SECRET
from tests.support.receipt_memory import ReceiptMemory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.domain.models import Caller
    from shared.domain.receipts import Receipt


@dataclass
class UndoWorld:
    """What a test has in its hands."""

    api: DocumentsApi
    tools: OpenAPIToolset
    receipts: ReceiptMemory = field(default_factory=ReceiptMemory)

    @property
    def undoing(self) -> UndoToolset:
        """The tool of a process that has loaded no receipt."""
        return UndoToolset(self.tools, self.receipts)

    async def change(self, tool: str, caller: Caller = ADMIN, /, **arguments: Any) -> ToolOutput:
        """Make a change and store its receipt, as an answer does."""
        output = await self.tools.call(tool, arguments, caller)
        self._keep(output, caller)
        return output

    async def undo(self, receipt: Receipt, caller: Caller = ADMIN) -> ToolOutput:
        """Take a change back; a refusal is an output with its reason, as the model sees it."""
        try:
            output = await self.undoing.call("undo_change", {"id": receipt.id}, caller)
        except ToolError as error:
            return ToolOutput(str(error), is_error=True)
        self._keep(output, caller)
        return output

    def state(self) -> Any:
        """Return all things, without what only says when and in which order they were stored."""
        return {
            kind: {key: without_times(thing) for key, thing in things.items()}
            for kind, things in copy.deepcopy(self.api.things).items()
        }

    def _keep(self, output: ToolOutput, caller: Caller) -> None:
        if output.receipt is not None:
            assert SECRET not in json.dumps(asdict(output.receipt)), "a receipt holds a secret"
            self.receipts.add(output.receipt, caller.principal.subject)


def without_times(thing: Any) -> Any:
    """Leave out the times that the API sets."""
    if not isinstance(thing, dict):
        return thing
    return {name: value for name, value in thing.items() if name not in {"updated_at", "created_at"}}


@asynccontextmanager
async def undo_world(*, over_http: bool = False) -> AsyncIterator[UndoWorld]:
    """Load the tools of an API of documents, in process or under a real server."""
    api = DocumentsApi()
    if not over_http:
        tools = OpenAPIToolset("http://documents", transport=httpx2.ASGITransport(api.app), timeout=20.0)
        await tools.load()
        yield UndoWorld(api, tools)
        await tools.aclose()
        return
    async with running(api.app) as url:
        tools = OpenAPIToolset(url, timeout=20.0)
        await tools.load()
        yield UndoWorld(api, tools)
        await tools.aclose()
