"""Bodies of which the document says little: JSON Patches name their paths, free objects their fields."""

from __future__ import annotations

from typing import Any

import pytest

from shared.tools.definitions.schemas import Schemas
from shared.tools.openapi.body_fields import body_text
from shared.tools.openapi.document import RawOperation

OPERATION = {"type": "object", "properties": {"op": {"type": "string"}, "path": {"type": "string"}, "value": {}}}
PATCH = {"type": "array", "items": {"$ref": "#/components/schemas/PatchOperation"}}
FREE = {"type": "object", "additionalProperties": True}
TEXT = {"type": "string"}
TIMES = {"created_at": TEXT, "id": TEXT}


def json_body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def text_of(
    body: dict[str, Any],
    *,
    path: str = "/teams/{slug}",
    create: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
    description: str = "",
    **schemas: Any,
) -> str | None:
    """Describe an operation's body beside what else a document has."""
    content: dict[str, Any] = {
        "requestBody": json_body(body),
        "responses": {"200": json_body(answer or {})},
        "description": description,
    }
    paths = {"/teams/": {"post": {"requestBody": json_body(create)}}} if create else {}
    components = {"schemas": {"PatchOperation": OPERATION, **schemas}}
    raw = RawOperation("patch", path, content, (), frozenset())
    return body_text(raw, Schemas({"paths": paths, "components": components}))  # type: ignore[dict-item]  # JSON


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**TIMES, **properties}, "required": [*required, "created_at"]}


def test_a_patchs_paths_are_the_fields_of_a_creation() -> None:
    create = fields(name=TEXT, links={"type": "object", "additionalProperties": TEXT}, role_slug=TEXT, password=TEXT)
    assert text_of(PATCH, create=create) == "JSON Patch (RFC 6902). Paths: /name, /links/…."


def test_attributes_of_blueprints_are_paths_too() -> None:
    create = fields(name=TEXT, team_slug=TEXT)
    blueprint = fields(name=TEXT, team={"type": "object", "properties": {}}, language=TEXT, score={"type": "number"})
    text = text_of(PATCH, create=create, TeamBlueprintRequest=blueprint)
    assert text is not None
    assert "Paths: /name, /team_slug, /language. Attributes that blueprints define are paths, too." in text


def test_without_a_creation_the_answers_fields_are_the_paths() -> None:
    answer = fields(name=TEXT, version={"type": "integer"}, relationships={})
    assert text_of(PATCH, answer=answer) == "JSON Patch (RFC 6902). Paths: /name."
    assert text_of(PATCH, path="/things/{id}", ThingCreate=fields(size=TEXT)) == "JSON Patch (RFC 6902). Paths: /size."
    assert text_of(PATCH) == "JSON Patch (RFC 6902)."


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("Resolve a thread (only ``/resolved``).", "Only these paths: /resolved."),
        ("Edit it (only ``/body`` and ``/mentions``).", "Only these paths: /body, /mentions."),
        ("The fields ``slug`` and ``kind`` are immutable. Others are not.", "Paths: /name."),
        ("400: slug change attempted.", "Paths: /name, /kind."),
    ],
)
def test_the_operations_own_words_narrow_the_paths(description: str, text: str) -> None:
    create = fields(name=TEXT, slug=TEXT, kind=TEXT)
    assert text_of(PATCH, create=create, description=description) == f"JSON Patch (RFC 6902). {text}"


def test_a_free_objects_fields_are_those_of_the_model_or_of_the_answer() -> None:
    kind = {"type": "string", "enum": ["a", "b"]}
    answer = fields("name", "kind", name=TEXT, kind=kind, notes=TEXT)
    assert text_of(FREE, path="/operations-log/", answer=answer) == "Required: name, kind (a | b). Optional: notes."
    blueprint = text_of(FREE, path="/project-types/", ProjectTypeBlueprintRequest=fields("name", name=TEXT))
    assert blueprint == "Required: name. Attributes that blueprints define are fields, too."
    assert text_of(FREE) is None


@pytest.mark.parametrize("body", [{}, TEXT, {"type": "array"}, fields(name=TEXT), {"$ref": "#/nowhere"}])
def test_other_bodies_need_no_text(body: dict[str, Any]) -> None:
    assert text_of(body) is None


def test_a_text_is_not_longer_than_a_description_may_be() -> None:
    text = text_of(PATCH, create=fields(**{f"field_{number}": TEXT for number in range(500)}))
    assert text is not None
    assert len(text) <= 700
