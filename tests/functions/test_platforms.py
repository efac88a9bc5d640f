"""Answers of Claude on Amazon Bedrock and on the Claude Platform on AWS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shared.claude.platforms import bedrock_model
from tests.support.aftermath import goes_on
from tests.support.model_server import http_error, reply, text, thinking, tool
from tests.support.platform_server import PlatformServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartService

REGION = "eu-central-1"
BEDROCK = {"IMBI_ASSISTANT_PROVIDER": "bedrock", "AWS_REGION": REGION}
AWS = {"IMBI_ASSISTANT_PROVIDER": "aws", "AWS_REGION": REGION, "ANTHROPIC_AWS_WORKSPACE_ID": "wrkspc_1"}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret"}
NO_KEY = {"ANTHROPIC_API_KEY": None}


@pytest.fixture
def platform() -> Iterator[PlatformServer]:
    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ.update(CREDENTIALS)
    try:
        with PlatformServer() as server:
            yield server
            server.verify()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@pytest.mark.proves("platforms.answers")
@pytest.mark.parametrize("given", [BEDROCK, AWS], ids=["bedrock", "aws"])
async def test_an_answer_with_tools_is_given(
    start_service: StartService, platform: PlatformServer, given: dict[str, str]
) -> None:
    platform.script(
        reply(thinking("Hm"), text("Let me "), tool("navigate_to", {"path": "/projects"})), reply(text("Grüße 😀"))
    )
    service = start_service(**given, **NO_KEY, ANTHROPIC_BASE_URL=platform.url)
    async with service.client() as client:
        conversation = await client.begin()
        answer = await client.ask(conversation, "Hi")
        assert answer.done["stop_reason"] == "end_turn"
        assert answer.text.endswith("Grüße 😀")
        await goes_on(client, conversation, platform)
    if given is BEDROCK:
        assert set(platform.models) == {"anthropic.claude-sonnet-4-6"}
    else:
        assert set(platform.workspaces) == {"wrkspc_1"}
    assert platform.accepted <= 2, "one connection for the answer, and one for the title at most"


@pytest.mark.proves("platforms.answers")
async def test_an_exception_in_the_stream_has_the_code_of_its_kind(
    start_service: StartService, platform: PlatformServer
) -> None:
    platform.exception = ("validationException", "messages: odd")
    platform.script(reply(text("Hello")))
    service = start_service(**BEDROCK, **NO_KEY, ANTHROPIC_BASE_URL=platform.url)
    async with service.client() as client:
        answer = await client.ask(await client.begin(), "Hi")
    assert answer.error["code"] == "invalid_request"


@pytest.mark.proves("platforms.lacks")
async def test_an_unknown_beta_is_left_out(start_service: StartService, platform: PlatformServer) -> None:
    platform.script(http_error(400, "invalid_request_error", "invalid beta flag"), reply(text("Hello")))
    service = start_service(**BEDROCK, **NO_KEY, ANTHROPIC_BASE_URL=platform.url)
    async with service.client() as client:
        assert (await client.ask(await client.begin(), "Hi")).text == "Hello"
    assert "context_management" in platform.chats[0].body
    assert "context_management" not in platform.chats[1].body


@pytest.mark.proves("platforms.credentials")
async def test_refused_credentials_are_told_as_such(start_service: StartService, platform: PlatformServer) -> None:
    platform.account = "AKIDOTHER"
    service = start_service(**BEDROCK, **NO_KEY, ANTHROPIC_BASE_URL=platform.url)
    async with service.client() as client:
        answer = await client.ask(await client.begin(), "Hi")
    assert answer.error["code"] == "authentication"


@pytest.mark.proves("platforms.models")
@pytest.mark.parametrize(
    ("name", "on_bedrock"),
    [
        ("claude-sonnet-5-5", "anthropic.claude-sonnet-5-5"),
        ("anthropic.claude-opus-5-5", "anthropic.claude-opus-5-5"),
        ("eu.anthropic.claude-sonnet-4-6", "eu.anthropic.claude-sonnet-4-6"),
        ("arn:aws:bedrock:eu-central-1:1:inference-profile/x", "arn:aws:bedrock:eu-central-1:1:inference-profile/x"),
    ],
)
def test_models_have_bedrocks_names(name: str, on_bedrock: str) -> None:
    assert bedrock_model(name) == on_bedrock
