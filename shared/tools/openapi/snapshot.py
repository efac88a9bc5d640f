"""The tools of one reading of the API's document."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from shared.domain.errors import ToolError
from shared.tools.openapi.document import Document
from shared.tools.openapi.engine import Engine
from shared.tools.openapi.left_out import LEFT_OUT
from shared.tools.openapi.naming import Endpoint, tool_names
from shared.tools.openapi.operation import Operation, read_operation
from shared.tools.openapi.parameters import Unusable
from shared.tools.openapi.secrets import has_secret_result, is_offered
from shared.tools.openapi.things import Things
from shared.util.urls import fully_decoded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2
    from pydantic import JsonValue

    from shared.domain.approval_rules import ApprovalRule
    from shared.domain.models import Principal
    from shared.domain.ports import ToolDefinition
    from shared.tools.openapi.exclusions import Exclusions
    from shared.tools.openapi.path_values import Routes
    from shared.tools.openapi.request import ApiRequest

_MAX_SELECTIONS = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the document. A call that began on it ends on it, whatever is read meanwhile."""

    digest: bytes
    operations: Mapping[str, Operation]
    engine: Engine
    exclusions: Exclusions
    routes: Routes
    permissions: frozenset[str]
    names: frozenset[str]
    left_out: Mapping[str, str]
    """The names of the operations without a tool, each with a clause that says why."""
    things: Things
    secret_names: frozenset[str]
    """The names of fields that the document marks as passwords or as write-only."""
    _selections: OrderedDict[frozenset[str] | None, tuple[ToolDefinition, ...]] = field(default_factory=OrderedDict)

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:
        """Select the tools that a principal may use; equal permissions give the identical tuple."""
        key = None if principal.is_admin else principal.permissions & self.permissions
        selection = self._selections.get(key)
        if selection is None:
            selection = tuple(
                operation.definition for operation in self.operations.values() if principal.may(operation.permissions)
            )
            self._selections[key] = selection
            if len(self._selections) > _MAX_SELECTIONS:
                self._selections.popitem(last=False)
        self._selections.move_to_end(key)
        return selection

    def reading_of(self, operation: Operation, principal: Principal) -> Operation | None:
        """Return the operation that reads what another operation changes: GET on the same path, if the user may."""
        found = next(
            (each for each in self.operations.values() if each.method == "get" and each.path == operation.path), None
        )
        return found if found is not None and principal.may(found.permissions) else None

    def check_address(self, operation: Operation, request: ApiRequest) -> None:
        """Check that a request leads to its own operation, also where a server decodes the path before it routes.

        Raises:
            ToolError: it may lead to an excluded operation, or to another one.
        """
        address = request.decoded_path
        is_excluded = self.exclusions.covers_address(address)
        if request.has_slashes and not is_excluded:
            decoded = fully_decoded(address)
            if self.routes.leads_elsewhere(operation.method, operation.path, decoded):
                raise ToolError("This address belongs to another operation of the Imbi API: use its own tool.")
            is_excluded = decoded.rstrip("/").casefold().endswith("/thumbnail")
        if is_excluded:
            raise ToolError("This part of the Imbi API is not available to the assistant.")


def read_snapshot(content: bytes, client: httpx2.AsyncClient, rules: Sequence[ApprovalRule] = ()) -> Snapshot:
    """Read a document; meant for a thread, since it takes some 100 milliseconds for 300 operations.

    Raises:
        ToolError: the content is not an OpenAPI 3 document.
    """
    document, operations, left_out = _read(content, tuple(rules))
    return Snapshot(
        digest=sha256(content).digest(),
        operations={name: operations[name] for name in sorted(operations)},
        engine=Engine(operations.values(), client),
        exclusions=document.exclusions,
        routes=document.routes,
        permissions=frozenset().union(*(operation.permissions for operation in operations.values())),
        names=frozenset(operations),
        left_out=left_out,
        things=Things(operations.values()),
        secret_names=document.secret_names(),
    )


@lru_cache(maxsize=1)
def _read(
    content: bytes, rules: tuple[ApprovalRule, ...]
) -> tuple[Document, Mapping[str, Operation], Mapping[str, str]]:
    """Read the operations, and why others are left out. The last result is kept, also in a snapshot of the process."""
    try:
        document = Document(_parsed(content))
    except (ValueError, RecursionError) as error:
        raise ToolError(f"The Imbi API's OpenAPI document cannot be used: {error}.") from error
    left_out: dict[str, str] = {}
    operations = {operation.definition.name: operation for operation in _operations(document, rules, left_out)}
    return document, operations, left_out


def _parsed(content: bytes) -> JsonValue:
    """Parse JSON, with Python's own parser where there are lone surrogates, which orjson refuses."""
    try:
        parsed: JsonValue = orjson.loads(content)
    except orjson.JSONDecodeError:
        parsed = json.loads(content)
    return parsed


def _operations(document: Document, rules: Sequence[ApprovalRule], left_out: dict[str, str]) -> list[Operation]:
    """Make tools of the operations that can be called and may be offered; `left_out` and the log name the others."""
    found = {Endpoint(raw.method, raw.path, raw.operation_id): raw for raw in document.operations()}
    names = tool_names(found)
    operations = []
    for endpoint, raw in found.items():
        name = names[endpoint]
        if name in LEFT_OUT:
            left_out[name] = "the assistant does not offer it"
            continue
        try:
            is_secret = has_secret_result(raw, document.schemas)
            if is_offered(name, has_secret_result=is_secret, rules=rules, can_ask=True):
                operations.append(read_operation(raw, name, document.schemas, has_secret_result=is_secret))
            else:
                log.info("No tool %s: its result is a secret, and no rule allows it", name)
                left_out[name] = "its result is a secret, and no rule allows it"
        except Unusable as error:
            log.warning("No tool for %s %r: %s", raw.method, raw.path, error)
            left_out[name] = str(error)
        except (RecursionError, TypeError, ValueError) as error:
            log.warning("No tool for %s %r: %s", raw.method, raw.path, type(error).__name__)
            left_out[name] = "its description cannot be read"
    return operations
