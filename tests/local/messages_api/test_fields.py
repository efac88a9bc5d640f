"""The rules for a request's other fields."""

from __future__ import annotations

from typing import Any

import pytest

from local.messages_api import problems
from tests.support.sample_requests import HELLO, MODEL, TOOL, request


def schema(**fields: Any) -> dict[str, Any]:
    return {"tools": [{**TOOL, "input_schema": {"type": "object", **fields}}]}


def marks(*ttls: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": ttl}} for ttl in ttls]


REFUSED_FIELDS = [
    ("temperature: Extra inputs", {"temperature": 1}),
    ("context_management: Extra inputs", {"context_management": {}}),
    ("max_tokens: Input should be greater", {"max_tokens": 0}),
    ("max_tokens: Input should be a valid integer", {"max_tokens": "9"}),
    ("model: String", {"model": ""}),
    ("messages: Input should be a valid list", {"messages": "Hello"}),
    ("tools: Input should be a valid list", {"tools": {}}),
    ("system: text content blocks", {"system": [{"type": "text", "text": ""}]}),
    ("Tool names must be unique", {"tools": [TOOL, TOOL]}),
    ("tools.0.custom.name: String should match", {"tools": [{**TOOL, "name": "a.b"}]}),
    ("tools.0.custom.description", {"tools": [{**TOOL, "description": None}]}),
    ("tools.0.custom.meta: Extra", {"tools": [{**TOOL, "meta": {}}]}),
    ("tools.0.custom.input_schema: Field required", {"tools": [{"name": "a"}]}),
    ("input_schema: Input should be a valid dict", {"tools": [{**TOOL, "input_schema": None}]}),
    ("input_schema.type: Field required", {"tools": [{**TOOL, "input_schema": {}}]}),
    ("Input should be 'object'", {"tools": [{**TOOL, "input_schema": {"type": "string"}}]}),
    ("does not support oneOf", schema(anyOf=[{"required": ["a"]}])),
    ("Property keys should match", schema(properties={"filter[name]": {"type": "string"}})),
    ("Property keys", schema(properties={"a": {"type": "array", "items": {"properties": {"@id": {}}}}})),
    ("JSON schema is invalid", schema(properties={"a": {"type": "strin"}})),
    ("tool_choice may only be", {"tool_choice": {"type": "auto"}}),
    ("tool_choice: Input should be", {"tools": [TOOL], "tool_choice": {"type": "some"}}),
    ("tool_choice may only be", {"tool_choice": {"type": "any"}}),
    ("Tool 'x' not found", {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}),
    ("A maximum of 4 blocks with cache_control may be provided. Found 5.", {"system": marks(*["5m"] * 5)}),
    ("must not come after a ttl='5m'", {"system": marks("5m", "1h")}),
    ("cache_control: Input", {"system": marks("1d")}),
    (
        "cannot have both",
        {"tools": [{**TOOL, "defer_loading": True, "cache_control": {"type": "ephemeral"}}]},
    ),
]


@pytest.mark.parametrize(("problem", "fields"), REFUSED_FIELDS)
def test_bad_fields_are_refused(problem: str, fields: dict[str, Any]) -> None:
    assert problem in "\n".join(problems(request() | fields))


def test_a_count_needs_no_max_tokens_and_may_end_with_the_assistant() -> None:
    counted = {"model": MODEL, "messages": [HELLO, {"role": "assistant", "content": "a"}]}
    assert problems(counted, is_count=True) == []
    assert problems(counted) == ["max_tokens: Field required"]


def test_good_fields_are_accepted() -> None:
    properties = {"a.b-c_d": {"type": "string", "default": {"properties": {"@x": 1}}}}
    fields = schema(properties=properties) | {"tool_choice": {"type": "none"}, "system": marks("1h", "5m")}
    assert problems(request(**fields)) == []
    assert problems(request(context_management={}), betas=["context-management-2025-06-27"]) == []
