"""The facts about calls of the Imbi API's operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.call_facts import IMBI_API, CallFacts
from shared.domain.errors import ToolError
from shared.tools.openapi.arguments import read_arguments
from shared.tools.openapi.request import build_request

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.tools.openapi.operation import Operation


def facts_of(operation: Operation, arguments: JsonObject, address: str) -> CallFacts:
    """Describe a call of an operation of the API at an address."""
    method = operation.method.upper()
    return CallFacts(
        name=operation.definition.name,
        source=IMBI_API,
        effect=operation.effect,
        operation=f"{operation.operation_id} {method} {operation.path} at {address}",
        method=method,
        path_template=operation.path,
        path=_path(operation, arguments),
        title=operation.operation_id or operation.definition.name,
        has_secret_result=operation.has_secret_result,
    )


def _path(operation: Operation, arguments: JsonObject) -> str | None:
    """Return the path of the call's request, or None where the arguments are wrong."""
    try:
        return build_request(operation, read_arguments(operation, arguments)).path
    except ToolError:
        return None
