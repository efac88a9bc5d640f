"""An operation of the API as a tool: its definition, and the arguments that a call of it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.domain.ports import ToolDefinition
from shared.tools.definitions.descriptions import describe
from shared.tools.openapi.body import read_body
from shared.tools.openapi.effects import effect_of
from shared.tools.openapi.explanations import explained
from shared.tools.openapi.parameters import Unusable, named, read_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from shared.domain.call_facts import Effect
    from shared.tools.definitions.schemas import Schemas
    from shared.tools.openapi.body import Body
    from shared.tools.openapi.document import RawOperation
from shared.tools.openapi.parameters import Argument

_MAX_PATH_CHARS = 1_000
_MAX_SUMMARY_CHARS = 200
_REFUSED_IN_PATH = frozenset("?#\\")


@dataclass(frozen=True, slots=True)
class Operation:
    """A tool of the API."""

    definition: ToolDefinition
    method: str
    path: str
    arguments: Mapping[str, Argument]
    body: Body | None
    permissions: frozenset[str]
    effect: Effect
    operation_id: str
    """The document's id of the operation; empty where it has none."""
    has_secret_result: bool
    summary: str = ""
    """The document's short name of the operation; empty where it has none."""
    statuses: frozenset[str] = frozenset()
    """The successful statuses that the document names."""


def read_operation(raw: RawOperation, name: str, schemas: Schemas, *, has_secret_result: bool = False) -> Operation:
    """Make a tool of an operation.

    Raises:
        Unusable: the document does not allow a correct call; the message says why.
    """
    is_plain = raw.path.isprintable() and not any(character.isspace() for character in raw.path)
    if not is_plain or len(raw.path) > _MAX_PATH_CHARS or not _REFUSED_IN_PATH.isdisjoint(raw.path):
        raise Unusable("its path cannot be called")
    body, fields = read_body(raw.content.get("requestBody"), schemas)
    text, texts = describe(name, raw.content.get("summary"), raw.content.get("description"))
    given = [*read_parameters(raw, schemas), *fields]
    whole = fields[0].name if body is not None and not body.has_fields else None
    texts = explained([each.name for each in given], whole, texts, raw, name, schemas)
    arguments = named(given, texts)
    schema = schemas.assembled(
        {argument.name: argument.schema for argument in arguments},
        [argument.name for argument in arguments if argument.is_required],
        others=body.others if body else None,
    )
    properties = schema["properties"]
    items = properties if isinstance(properties, dict) else {}
    assembled = {
        argument.name: replace(argument, schema=item)
        for argument in arguments
        if isinstance(item := items[argument.name], dict)
    }
    return Operation(
        definition=ToolDefinition(name, text, schema),
        method=raw.method,
        path=raw.path,
        arguments=assembled,
        body=body,
        permissions=raw.permissions,
        effect=effect_of(raw, has_secret_result=has_secret_result),
        operation_id=raw.operation_id or "",
        has_secret_result=has_secret_result,
        summary=_summary_of(raw),
        statuses=_successes(raw.content.get("responses")),
    )


def _summary_of(raw: RawOperation) -> str:
    summary = raw.content.get("summary")
    return " ".join(summary[:_MAX_SUMMARY_CHARS].split()) if isinstance(summary, str) else ""


def _successes(responses: JsonValue) -> frozenset[str]:
    return (
        frozenset(status for status in responses if status.startswith("2"))
        if isinstance(responses, dict)
        else frozenset()
    )
