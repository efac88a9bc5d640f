"""Reading an OpenAPI document that may be wrong in every place: which operations it has, and who may use them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from shared.domain.models import ADMIN
from shared.tools.definitions.schemas import Schemas
from shared.tools.openapi.exclusions import Exclusions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

METHODS = ("get", "post", "put", "patch", "delete")

_AI_TOOL = "x-imbi-ai-tool"
_PERMISSION = "x-imbi-permission"
_MOST_OPERATIONS = 5000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RawOperation:
    """An operation as the document has it, its path's common parameters included."""

    method: str
    path: str
    content: JsonObject
    parameters: tuple[JsonObject, ...]
    permissions: frozenset[str]

    @property
    def operation_id(self) -> str | None:
        """The document's name of the operation, if it has a usable one."""
        value = self.content.get("operationId")
        return value if isinstance(value, str) and value.isprintable() else None


class Document:
    """An OpenAPI document; raises ValueError with the reason where it is none."""

    def __init__(self, content: JsonValue) -> None:
        """Check what must be there."""
        paths = content.get("paths") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(paths, dict) or "openapi" not in content:
            raise ValueError("it is no OpenAPI 3 document")
        self.schemas = Schemas(content)
        self._paths = {path: item for path, item in paths.items() if path.startswith("/")}
        self.exclusions = Exclusions(self._paths, _servers(content))

    def operations(self) -> list[RawOperation]:
        """List the operations that may be tools, in an order that does not depend on the document's."""
        found = [operation for path in sorted(self._paths) for operation in self._operations_of(path)]
        for left_out in found[_MOST_OPERATIONS:]:
            logger.warning("No tool for %s %r: there are too many operations", left_out.method, left_out.path)
        return found[:_MOST_OPERATIONS]

    def _operations_of(self, path: str) -> Iterator[RawOperation]:
        item = self.schemas.resolved(self._paths[path])
        if not item:
            logger.warning("No tools for %r: its description cannot be read", path)
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
                )

    def _parameters(self, operation: JsonObject, item: JsonObject) -> tuple[JsonObject, ...]:
        """Collect an operation's parameters; its own go before its path's."""
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
    """Say whether nothing keeps an operation from models; a value that is no truth value does."""
    return content.get(_AI_TOOL, True) is True


def _permissions(content: JsonObject) -> frozenset[str]:
    """Read what an operation requires; what cannot be read is for administrators."""
    value = content.get(_PERMISSION)
    if value is None:
        return frozenset()
    names: JsonValue = [value] if isinstance(value, str) else value
    return frozenset(names) if _are_names(names) else frozenset({ADMIN})


def _are_names(value: JsonValue) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)
