"""The facts about calls of the Imbi API's operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.domain.call_facts import IMBI_API, CallFacts
from shared.domain.errors import ToolError
from shared.observability.redaction import redact
from shared.tools.openapi.arguments import read_arguments
from shared.tools.openapi.request import build_request
from shared.tools.openapi.secrets import is_secret_name

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.operation import Operation

_OPTIONS = frozenset({"query", "header", "cookie"})
"""The places of values that are in neither the path nor the body."""
_MAX_VALUE_CHARS = 300
_HIDDEN = "(hidden)"


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
        title=operation.summary,
        options=_options(operation, arguments),
        has_secret_result=operation.has_secret_result,
    )


def _path(operation: Operation, arguments: JsonObject) -> str | None:
    """Return the path of the call's request, or None where the arguments are wrong."""
    try:
        return build_request(operation, read_arguments(operation, arguments)).path
    except ToolError:
        return None


def _options(operation: Operation, arguments: JsonObject) -> tuple[str, ...]:
    """Return the values that go into the query, the headers and the cookies; secrets are hidden."""
    return tuple(
        f"{argument.wire_name}={_HIDDEN if is_secret_name(name) else _shown(arguments[name])}"
        for name, argument in operation.arguments.items()
        if argument.location in _OPTIONS and name in arguments
    )


def _shown(value: JsonValue) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return redact(text[:_MAX_VALUE_CHARS])
