"""An OpenAPI document, read with care since it may be wrong in every place: its operations and their permissions."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from shared.domain.models import ADMIN
from shared.tools.definitions.schemas import Schemas
from shared.tools.openapi.exclusions import Exclusions
from shared.tools.openapi.path_values import Routes
from shared.tools.receipts.hiding import snake_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

METHODS = ("get", "post", "put", "patch", "delete")

_AI_TOOL = "x-imbi-ai-tool"
_DESTRUCTIVE = "x-imbi-destructive"
_PERMISSION = "x-imbi-permission"
MAX_OPERATIONS = 5000
"""Operations of a document that become tools; the others are named in the log."""
_SWAGGER = (
    "it is a Swagger 2.0 document, and only OpenAPI 3 can be read: let the API publish OpenAPI 3, or convert the"
    " document, for example with swagger2openapi"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RawOperation:
    """An operation of the document, with the parameters that its path declares for all operations."""

    method: str
    path: str
    content: JsonObject
    parameters: tuple[JsonObject, ...]
    permissions: frozenset[str]
    is_destructive: bool = False
    """The document marks the operation as destructive."""

    @property
    def operation_id(self) -> str | None:
        """The operation's `operationId`; None where it is missing or not printable."""
        value = self.content.get("operationId")
        return value if isinstance(value, str) and value.isprintable() else None


class Document:
    """An OpenAPI 3 document."""

    def __init__(self, content: JsonValue, *, max_operations: int = MAX_OPERATIONS) -> None:
        """Check that the content is an OpenAPI 3 document.

        Raises:
            ValueError: it is not; the message is a clause that says why.
        """
        if isinstance(content, dict) and "swagger" in content and "openapi" not in content:
            raise ValueError(_SWAGGER)
        paths = content.get("paths") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(paths, dict) or "openapi" not in content:
            raise ValueError("it is no OpenAPI 3 document")
        self._content = content
        self._max_operations = max_operations
        self.schemas = Schemas(content)
        self._paths = {path: item for path, item in paths.items() if path.startswith("/")}
        self.exclusions = Exclusions(self._paths, _servers(content))
        self.routes = Routes(self._routes())

    def operations(self) -> list[RawOperation]:
        """List the operations that may be tools, in an order that does not depend on the document's."""
        found = [operation for path in sorted(self._paths) for operation in self._operations_of(path)]
        for left_out in found[self._max_operations :]:
            log.warning("No tool for %s %r: there are too many operations", left_out.method, left_out.path)
        return found[: self._max_operations]

    def secret_names(self) -> frozenset[str]:
        """Return the names of the properties of schemas that are passwords or write-only, in snake case."""
        components = self._content.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        found = set()
        for schema in schemas.values() if isinstance(schemas, dict) else ():
            properties = schema.get("properties") if isinstance(schema, dict) else None
            for name, item in properties.items() if isinstance(properties, dict) else ():
                if isinstance(item, dict) and (item.get("format") == "password" or item.get("writeOnly") is True):
                    found.add(snake_case(name))
        return frozenset(found)

    def _routes(self) -> Iterator[tuple[str, str]]:
        for path, item in self._paths.items():
            resolved = self.schemas.resolved(item)
            yield from ((method, path) for method in METHODS if method in resolved)

    def _operations_of(self, path: str) -> Iterator[RawOperation]:
        item = self.schemas.resolved(self._paths[path])
        if not item:
            log.warning("No tools for %r: its description cannot be read", path)
        if self.exclusions.covers(path) or not _is_for_models(item):
            return
        for method in METHODS:
            content = item.get(method)
            if isinstance(content, dict) and _is_for_models(content):
                yield RawOperation(
                    method=method,
                    path=path,
                    content=content,
                    parameters=self._parameters(content, item),
                    permissions=_permissions(item) | _permissions(content),
                    is_destructive=_is_destructive(item) or _is_destructive(content),
                )

    def _parameters(self, operation: JsonObject, item: JsonObject) -> tuple[JsonObject, ...]:
        """Collect an operation's parameters; its own replace those of its path."""
        found: dict[tuple[str, str], JsonObject] = {}
        for source in (operation, item):
            listed = source.get("parameters")
            for entry in listed if isinstance(listed, list) else ():
                parameter = self.schemas.resolved(entry)
                found.setdefault((str(parameter.get("in")), str(parameter.get("name"))), parameter)
        return tuple(found.values())


def _servers(content: JsonObject) -> list[str]:
    servers = content.get("servers")
    urls = [server.get("url") for server in servers if isinstance(server, dict)] if isinstance(servers, list) else []
    return [url for url in urls if isinstance(url, str)]


def _is_for_models(content: JsonObject) -> bool:
    """Return whether an operation may be a tool; a mark that is not a boolean forbids it."""
    return content.get(_AI_TOOL, True) is True


def _is_destructive(content: JsonObject) -> bool:
    """Return whether the document says so; a mark that is not a boolean counts as true."""
    return content.get(_DESTRUCTIVE, False) is not False


def _permissions(content: JsonObject) -> frozenset[str]:
    """Read the permissions that an operation requires; where they cannot be read, only administrators have them."""
    value = content.get(_PERMISSION)
    if value is None:
        return frozenset()
    names: JsonValue = [value] if isinstance(value, str) else value
    return frozenset(names) if _are_names(names) else frozenset({ADMIN})


def _are_names(value: JsonValue) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)
