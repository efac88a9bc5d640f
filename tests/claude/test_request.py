"""The requests to the Messages API: their fields, their cache breakpoints, their optional features."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.claude.optional_features import CONTEXT_EDITING, THINKING_UPDATES, Features
from shared.claude.request import encode
from shared.domain.requests import ModelRequest, OfferedTool, Prefix, SystemPrompt

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

TOOLS = (
    OfferedTool("echo", b'{"name":"echo","input_schema":{"type":"object"}}'),
    OfferedTool("later", b'{"name":"later","input_schema":{"type":"object"}}', is_deferred=True),
)
PREFIX = Prefix(SystemPrompt("Static.", "Personal."), TOOLS, "references")
QUESTION: JsonObject = {"role": "user", "content": [{"type": "text", "text": "Hi"}]}


def asked(*messages: JsonObject, model: str = "claude-sonnet-5-5", **fields: Any) -> ModelRequest:
    return ModelRequest(model, 100, PREFIX, [QUESTION, *messages], is_repeated=True, **fields)


def body_of(request: ModelRequest, features: Features | None = None, clear_above: int = 100_000) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(encode(request, features or Features(), clear_above).body)
    return body


def said(*blocks: JsonObject) -> JsonObject:
    return {"role": "assistant", "content": [*blocks]}


def results(count: int) -> JsonObject:
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": f"toolu_{i}", "content": "x"} for i in range(count)],
    }


def marked(body: dict[str, Any]) -> list[tuple[int, int]]:
    return [
        (i, j)
        for i, message in enumerate(body["messages"])
        for j, block in enumerate(message["content"])
        if "cache_control" in block
    ]


@pytest.mark.proves("append-only.prefix")
def test_tools_stay_where_they_may_not_be_called() -> None:
    body = body_of(asked(may_call_tools=False))
    assert [tool["name"] for tool in body["tools"]] == ["echo", "later"]
    assert body["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in body_of(asked())


@pytest.mark.proves("costs.search-by-the-api")
def test_deferred_tools_say_so() -> None:
    assert [tool.get("defer_loading") for tool in body_of(asked())["tools"]] == [None, True]


@pytest.mark.proves("costs.cached-prefix")
def test_the_last_two_messages_of_the_user_are_marked() -> None:
    body = body_of(
        asked(said({"type": "text", "text": "a"}), results(30), said({"type": "text", "text": "b"}), QUESTION)
    )
    assert marked(body) == [(2, 29), (4, 0)]
    assert body["system"][0]["cache_control"]["ttl"] == "1h"


@pytest.mark.proves("costs.cached-prefix", "append-only.messages")
def test_what_was_encoded_before_is_sent_as_it_is_unless_it_is_marked() -> None:
    history = [said({"type": "text", "text": "a"}), QUESTION, said({"type": "text", "text": "b"}), results(1)]
    request = asked(*history)
    known = [b'{"role":"user","content":[]}', b'{"role":"assistant","content":[]}', b"is marked", b'{"role":"c"}']
    sent = body_of(replace(request, encoded=known))["messages"]
    assert [sent[0], sent[1], sent[3]] == [orjson.loads(known[place]) for place in (0, 1, 3)]
    assert (sent[2], sent[4]) == (body_of(request)["messages"][2], body_of(request)["messages"][4])


@pytest.mark.proves("costs.cached-prefix")
def test_only_blocks_that_may_be_marked_are() -> None:
    blank: JsonObject = {"type": "text", "text": " "}
    message: JsonObject = {"role": "user", "content": [{"type": "text", "text": "Hi"}, blank]}
    body = body_of(replace(asked(), messages=[message]))
    assert marked(body) == [(0, 0)]


@pytest.mark.proves("costs.cleared-results")
def test_the_results_of_the_running_round_are_never_cleared() -> None:
    body = body_of(asked(said({"type": "text", "text": "a"}), results(16)))
    clearing, compacting = body["context_management"]["edits"]
    assert clearing["keep"] == {"type": "tool_uses", "value": 16}
    assert clearing["clear_at_least"]["value"] > 0
    assert compacting["type"] == "compact_20260112"


@pytest.mark.proves("append-only.prefix")
def test_an_unknown_model_is_asked_for_nothing_special() -> None:
    request = asked(model="somebody-elses-model", effort="low")
    assert body_of(request).keys() == {"model", "max_tokens", "stream", "system", "messages", "tools"}
    assert encode(request, Features(), 100_000).betas == ""


@pytest.mark.proves("stream.thinking")
def test_thinking_is_shown_where_the_model_thinks_by_default() -> None:
    assert body_of(asked())["thinking"] == {"type": "adaptive", "display": "updates"}
    assert "thinking" not in body_of(asked(model="claude-sonnet-4-6"))
    features = Features()
    refusal = "thinking.adaptive.display: Input should be 'summarized' or 'omitted'"
    assert features.note_refusal(refusal, [THINKING_UPDATES])
    assert body_of(asked(), features)["thinking"] == {"type": "adaptive", "display": "summarized"}


@pytest.mark.proves("faults.refused-feature")
def test_a_refused_feature_is_left_out_from_then_on() -> None:
    features = Features()
    used = encode(asked(), features, 100_000).features
    assert not features.note_refusal("messages.0: text content blocks must be non-empty", used)
    assert features.note_refusal("context_management: Extra inputs are not permitted", used)
    assert not features.allows(CONTEXT_EDITING)
    assert "context_management" not in body_of(asked(), features)
    assert "context-management" not in encode(asked(), features, 100_000).betas


@pytest.mark.proves("faults.refused-feature", "append-only.lost-right")
@pytest.mark.parametrize(
    "refusal",
    [
        "messages.1.role: Input should be 'user' or 'assistant'",
        "Unexpected value(s) `mid-conversation-tool-changes-2026-07-01` for the `anthropic-beta` header.",
    ],
)
def test_changes_of_tools_are_left_out_where_the_address_refuses_them(refusal: str) -> None:
    removal: JsonObject = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "echo"}}
    request = asked({"role": "system", "content": [removal]})
    features = Features()
    assert features.note_refusal(refusal, encode(request, features, 100_000).features)
    assert [message["role"] for message in body_of(request, features)["messages"]] == ["user"]
    assert "tool-changes" not in encode(request, features, 100_000).betas


@pytest.mark.proves("faults.refused-feature")
def test_a_refused_signature_switches_no_feature_off() -> None:
    features = Features()
    used = encode(asked(), features, 100_000).features
    refusal = "messages.1.content.0: Invalid `signature` in `thinking` block. `display` and context_management differ."
    assert not features.note_refusal(refusal, used)


@pytest.mark.proves("append-only.lost-right")
def test_a_withdrawn_tool_needs_its_header() -> None:
    removal: JsonObject = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "echo"}}
    request = asked({"role": "system", "content": [removal]})
    assert "mid-conversation-tool-changes-2026-07-01" in encode(request, Features(), 100_000).betas
