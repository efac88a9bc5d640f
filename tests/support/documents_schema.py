"""The OpenAPI document of the API of documents: one kind for each format in which an API takes changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FIELDS: dict[str, Any] = {
    "title": {"type": "string"},
    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "level": {"type": "integer"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "links": {"type": "object", "additionalProperties": True},
    "deep": {"type": "object", "additionalProperties": True},
}
_ANY = {"type": "object", "additionalProperties": True}
_STEP = {
    "type": "object",
    "required": ["op", "path"],
    "properties": {"op": {"type": "string"}, "path": {"type": "string"}, "value": {}},
}


@dataclass(frozen=True)
class Kind:
    """How things of one kind are named, made and changed."""

    key: str = "id"
    patch: str | None = None
    """The media type of PATCH."""
    patch_schema: Any = None
    put_schema: Any = None
    post_schema: Any = None
    created_status: int = 201
    puts_new: bool = False
    deletes: bool = True


KINDS = {
    "patched": Kind(
        patch="application/json-patch+json", patch_schema={"type": "array", "items": _STEP}, post_schema=_ANY
    ),
    "plain-patched": Kind(
        patch="application/json-patch+json",
        patch_schema={"type": "array", "items": _STEP},
        post_schema={"type": "object", "properties": FIELDS, "required": ["title"]},
    ),
    "merged": Kind(patch="application/merge-patch+json", patch_schema=_ANY, put_schema=_ANY, post_schema=_ANY),
    "merged-only": Kind(patch="application/merge-patch+json", patch_schema=_ANY, post_schema=_ANY),
    "fields": Kind(
        key="slug",
        patch="application/json",
        patch_schema={"type": "object", "properties": FIELDS},
        post_schema={
            "type": "object",
            "properties": {"slug": {"type": "string"}, **FIELDS},
            "required": ["slug", "title"],
        },
        created_status=200,
    ),
    "open-fields": Kind(patch="application/json", patch_schema=_ANY, put_schema=_ANY, post_schema=_ANY),
    "settings": Kind(key="key", put_schema=_ANY, puts_new=True),
    "lists": Kind(key="key", put_schema={"type": "array", "items": {}}, puts_new=True),
}


def document() -> dict[str, Any]:
    """Describe the API."""
    paths: dict[str, Any] = {}
    for name, kind in KINDS.items():
        tool = name.replace("-", "_")
        if kind.post_schema:
            status = str(kind.created_status)
            paths[f"/api/{name}"] = {
                "get": _operation(f"list_{tool}"),
                "post": _operation(f"make_{tool}", kind.post_schema, status=status),
            }
        member = {"get": _operation(f"get_{tool}"), "delete": _operation(f"delete_{tool}")}
        if kind.patch:
            member["patch"] = _operation(f"patch_{tool}", kind.patch_schema, kind.patch)
        if kind.put_schema:
            member["put"] = _operation(f"put_{tool}", kind.put_schema)
        paths[f"/api/{name}/{{{kind.key}}}"] = member
    return {"openapi": "3.1.0", "info": {"title": "Documents", "version": "1"}, "paths": paths}


def _operation(name: str, schema: Any = None, media: str = "application/json", status: str = "200") -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": name, "responses": {status: {"description": "Done."}}}
    if schema is not None:
        operation["requestBody"] = {"required": True, "content": {media: {"schema": {"title": "Data", **schema}}}}
    return operation
