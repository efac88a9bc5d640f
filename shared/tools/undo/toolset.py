"""The tool that takes a change back."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from shared.domain.call_facts import ASSISTANT, CallFacts
from shared.domain.errors import GraphError, ToolError
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.domain.receipts import new_receipt_id
from shared.tools import builtin
from shared.tools.openapi.calls import EXTRA_SECONDS, Undone
from shared.tools.openapi.sight import READ_SECONDS
from shared.tools.receipts.differences import deliberate, listed
from shared.tools.receipts.notice import changes_text, summary
from shared.tools.toolset import BaseToolset
from shared.tools.undo.plan import Obstacle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from pydantic import JsonValue

    from shared.domain.models import Caller, JsonObject, Principal
    from shared.domain.receipts import Receipt, ReceiptStore
    from shared.tools.openapi.sight import Sight
    from shared.tools.openapi.toolset import OpenAPIToolset
    from shared.tools.undo.plan import UndoPlan

_MOST_LOADED = 256
_STORE_SECONDS = 5.0
"""The longest wait for one statement of the database."""
_MAX_ID_CHARS = 64
_SET_AGAIN = frozenset({"id", "uuid", "created_at", "created_by", "created", "self", "href", "url"})
"""Fields that are new in a thing that was made again."""

_ALREADY = "This change has already been undone, or an undo of it was begun whose end is not known."

T = TypeVar("T")

log = logging.getLogger(__name__)

DEFINITION = ToolDefinition(
    name=builtin.UNDO_CHANGE,
    description=(
        "Take back one change that you made in Imbi, by the id of its receipt: a changed thing gets its values from"
        " before, a created one is deleted, a deleted one is made again where that is possible. It works only while the"
        " thing is as the change left it. Take back several changes one by one, the newest first. An undo has a receipt"
        " of its own, so it can be undone too."
    ),
    input_schema={
        "type": "object",
        "properties": {"id": {"type": "string", "description": "The id of the receipt, from the change's result."}},
        "required": ["id"],
    },
)


class UndoToolset(BaseToolset):
    """Takes back changes of the caller's own, with the caller's token, by the API's own operations."""

    extra_seconds = EXTRA_SECONDS + READ_SECONDS + 3 * _STORE_SECONDS

    def __init__(self, api: OpenAPIToolset, receipts: ReceiptStore) -> None:
        self._api = api
        self._receipts = receipts
        self._loaded: OrderedDict[tuple[str, str], Receipt | None] = OrderedDict()

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:  # noqa: ARG002  # the port's signature
        """List the tool."""
        return (DEFINITION,)

    async def prepare(self, name: str, arguments: JsonObject, principal: Principal) -> None:  # noqa: ARG002  # the port's
        """Load the receipt, on which the facts of the call depend."""
        try:
            await self._load(arguments, principal.subject)
        except ToolError as error:
            log.info("a receipt could not be loaded: %s", error)

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:
        """Describe the call that the undo makes. A call that can only be refused changes nothing.

        Where the receipt has not been loaded, the undo counts as destructive.
        """
        nothing = CallFacts(name=name, source=ASSISTANT, effect="read", operation=name, title=name)
        receipt_id = arguments.get("id")
        if not isinstance(receipt_id, str) or not 0 < len(receipt_id) <= _MAX_ID_CHARS:
            return nothing
        if (principal.subject, receipt_id) not in self._loaded:
            return replace(nothing, effect="destructive")
        receipt = self._loaded[principal.subject, receipt_id]
        if receipt is None:
            return nothing
        try:
            return self._api.undoing().facts(self._plan(receipt, principal))
        except ToolError:
            return nothing

    async def preview(self, name: str, arguments: JsonObject, caller: Caller) -> tuple[JsonObject, ...]:  # noqa: ARG002  # the port's
        """Return what the undo would change."""
        plan = self._plan(await self._load(arguments, caller.principal.subject), caller.principal)
        return await self._api.preview(plan.operation.definition.name, plan.arguments, caller)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Take a change back.

        Raises:
            ToolError: it cannot be taken back; the message says why.
        """
        subject = caller.principal.subject
        receipt = await self._load(arguments, subject)
        plan = self._plan(receipt, caller.principal)
        seen = await self._api.undoing().look(receipt.address, caller)
        self._check_as_left(receipt, seen, caller)
        undone = Undone(receipt.id, new_receipt_id(), seen)
        if not await _stored(self._receipts.claim(receipt.id, subject, undone.by)):
            raise ToolError(_ALREADY)
        try:
            output = await self._api.undoing().run(plan, undone, caller)
        except ToolError:
            await self._release_unless_done(receipt, undone, caller)
            raise
        if output.is_error:
            await self._release_unless_done(receipt, undone, caller)
            return replace(output, content=f"The change was not undone. {output.content}")
        return replace(output, content=self._told(receipt, plan, output))

    async def _load(self, arguments: JsonObject, subject: str) -> Receipt:
        receipt_id = arguments.get("id")
        if not isinstance(receipt_id, str) or not 0 < len(receipt_id) <= _MAX_ID_CHARS:
            raise ToolError("undo_change needs the id of a receipt, as the result of the change gives it.")
        receipt = await _stored(self._receipts.get(receipt_id, subject))
        self._loaded[subject, receipt_id] = receipt
        self._loaded.move_to_end((subject, receipt_id))
        if len(self._loaded) > _MOST_LOADED:
            self._loaded.popitem(last=False)
        if receipt is None:
            raise ToolError(f"This user has no receipt {receipt_id!r}.")
        return receipt

    def _plan(self, receipt: Receipt, principal: Principal) -> UndoPlan:
        if receipt.undone_by:
            raise ToolError(_ALREADY)
        try:
            plan = self._api.undoing().plan(receipt)
        except Obstacle as obstacle:
            raise ToolError(f"This change ({summary(receipt)}) cannot be undone: {obstacle}.") from None
        if not principal.may(plan.operation.permissions):
            raise ToolError(f"This user may not call {plan.operation.definition.name}, which the undo needs.")
        return plan

    def _check_as_left(self, receipt: Receipt, seen: Sight, caller: Caller) -> None:
        """Check that a thing is as the change left it.

        Raises:
            ToolError: it is not, or cannot be read; the message says what differs.
        """
        if seen.state == "unknown":
            raise ToolError(f"Nothing was undone, because {receipt.path} cannot be read now.")
        if receipt.kind == "removed":
            if seen.state == "present":
                raise ToolError(f"Nothing was undone, because {receipt.path} exists again.")
            return
        if seen.state == "absent":
            raise ToolError(f"Nothing was undone, because {receipt.path} no longer exists.")
        text = self._difference(receipt, receipt.after, self._api.undoing().without_secrets(seen, caller))
        if text:
            raise ToolError(f"Nothing was undone, because {receipt.path} has changed since then: {text}.")

    async def _release_unless_done(self, receipt: Receipt, undone: Undone, caller: Caller) -> None:
        """Allow another undo, if the thing is still as the change left it."""
        seen = await self._api.undoing().look(receipt.address, caller)
        try:
            self._check_as_left(receipt, seen, caller)
            await _stored(self._receipts.release(receipt.id, caller.principal.subject, undone.by))
        except ToolError as error:
            log.info("an undo may have taken effect: %s", error)

    def _told(self, receipt: Receipt, plan: UndoPlan, output: ToolOutput) -> str:
        text = f"Undone: {summary(receipt)}."
        made = output.receipt
        if made is None:
            return f"{text} What it is like now could not be read."
        if plan.loss:
            text += f" Note that {plan.loss}."
        ignored = _SET_AGAIN if receipt.kind == "removed" else frozenset[str]()
        left = self._difference(receipt, receipt.before, made.after, ignored) if receipt.kind != "created" else ""
        return f"{text} Not as before: {left}." if left else text

    def _difference(
        self, receipt: Receipt, one: JsonValue, other: JsonValue, ignored: frozenset[str] = frozenset()
    ) -> str:
        writable = self._api.undoing().writable(receipt.address) | set(receipt.written)
        found = [each for each in deliberate(one, other, writable) if not ignored.intersection(each.tokens[:1])]
        return changes_text(*listed(found, ()))


async def _stored(waiting: Awaitable[T]) -> T:
    """Wait for the database, for a limited time.

    Raises:
        ToolError: it does not answer.
    """
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            return await waiting
    except (GraphError, TimeoutError):
        raise ToolError("The receipts cannot be read or changed now. Try again later.") from None
