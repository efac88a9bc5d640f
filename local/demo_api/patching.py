"""Applies JSON Patch documents (RFC 6902)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from local.demo_api.errors import BadRequest, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_api.schemas.common import PatchOperation

READ_ONLY = frozenset(
    {"archived", "archived_at", "created_at", "id", "organization", "relationships", "score", "updated_at"}
)

M = TypeVar("M", bound=BaseModel)


def patched(fields: M, operations: Sequence[PatchOperation]) -> M:
    """Apply a patch to the fields that a client may write; answer 400 or 422 as the Imbi API does."""
    document: JsonValue = fields.model_dump(mode="json")
    for operation in operations:
        _refuse_read_only(operation)
        _require_value(operation)
        document = _apply(document, operation)
    try:
        return type(fields).model_validate(document)
    except ValidationError as error:
        problems = "; ".join(f"{'/'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        raise BadRequest(f"The patched document is not valid: {problems}") from error


def _refuse_read_only(operation: PatchOperation) -> None:
    if operation.op == "test":
        return
    changed = [operation.path] if operation.op != "move" else [operation.path, operation.from_ or ""]
    for path in changed:
        if path.lstrip("/").split("/")[0] in READ_ONLY:
            raise BadRequest(f"Path {path!r} is read-only")


def _require_value(operation: PatchOperation) -> None:
    if operation.op in {"add", "replace", "test"} and "value" not in operation.model_fields_set:
        raise BadRequest(f"Operation {operation.op!r} at {operation.path!r} needs a value")


def _apply(document: JsonValue, operation: PatchOperation) -> JsonValue:
    path = _tokens(operation.path)
    match operation.op:
        case "test":
            if _get(document, path) != operation.value:
                raise Unprocessable(f"Patch test failed at {operation.path!r}")
            return document
        case "remove":
            return _without(document, path)
        case "replace":
            _get(document, path)
            return _with(document, path, operation.value, replace=True)
        case "add":
            return _with(document, path, operation.value)
        case "copy" | "move":
            source = _tokens(operation.from_)
            value = copy.deepcopy(_get(document, source))
            rest = _without(document, source) if operation.op == "move" else document
            return _with(rest, path, value)


def _tokens(pointer: str | None) -> list[str]:
    if pointer is None or (pointer and not pointer.startswith("/")):
        raise BadRequest(f"{pointer!r} is not a JSON Pointer; it begins with a slash, as in '/name'")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _get(document: JsonValue, path: list[str]) -> JsonValue:
    for token in path:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and token.isdecimal() and int(token) < len(document):
            document = document[int(token)]
        else:
            raise BadRequest(f"There is nothing at {token!r} in the path /{'/'.join(path)}")
    return document


def _with(document: JsonValue, path: list[str], value: JsonValue, *, replace: bool = False) -> JsonValue:
    if not path:
        return value
    parent = _get(document, path[:-1])
    if isinstance(parent, dict):
        parent[path[-1]] = value
    elif isinstance(parent, list):
        _put(parent, path[-1], value, replace=replace)
    else:
        raise BadRequest(f"Nothing can be put at /{'/'.join(path)}")
    return document


def _put(items: list[JsonValue], token: str, value: JsonValue, *, replace: bool) -> None:
    index = len(items) if token == "-" else int(token) if token.isdecimal() else -1  # noqa: S105  # RFC 6901's "past the end"
    if not 0 <= index <= len(items):
        raise BadRequest(f"There is no place {token!r} in a list of {len(items)}")
    if replace:
        items[index] = value
    else:
        items.insert(index, value)


def _without(document: JsonValue, path: list[str]) -> JsonValue:
    _get(document, path)
    if not path:
        raise BadRequest("The whole document cannot be removed")
    parent = _get(document, path[:-1])
    if isinstance(parent, dict):
        del parent[path[-1]]
    elif isinstance(parent, list):
        del parent[int(path[-1])]
    return document
