"""The check of the model, against the scripted one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.installations import CANARY, found
from tests.support.model_reply import http_error, reply
from tests.support.model_steps import text

if TYPE_CHECKING:
    from tests.support.model_server import ModelServer


@pytest.mark.proves("check.model")
async def test_the_model_is_asked_for_one_token(given: dict[str, str], model_server: ModelServer) -> None:
    model_server.script(reply(text("Yes"), stop="max_tokens"))
    assert (await found(given, "model"))["model"].state == "ok"
    [request] = model_server.chats
    assert request.body["max_tokens"] == 1
    await found(given)
    assert len(model_server.chats) == 1


@pytest.mark.proves("check.model", "check.secrets")
async def test_a_model_that_refuses_the_key_is_a_failure(given: dict[str, str], model_server: ModelServer) -> None:
    model_server.script(http_error(401, "authentication_error", f"invalid x-api-key {CANARY}"))
    finding = (await found(given, "model", ANTHROPIC_API_KEY=CANARY))["model"]
    assert finding.state == "failed"
    assert "not allowed to use the AI model" in finding.detail
    assert CANARY not in finding.detail
