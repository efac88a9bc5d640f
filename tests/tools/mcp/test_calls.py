"""Calls of external tools, with servers of both protocol versions."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from fastmcp import FastMCP

from shared.domain.errors import ToolError
from shared.domain.ports import ToolOutput
from tests.support.mcp_hosts import (
    ADA,
    MODERN,
    USER_TOKEN,
    Era,
    Json,
    calculator,
    called,
    hosted,
    loaded,
    names,
    scripted,
    tool,
    toolset_of,
)
from tests.support.pictures import png

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.tools.mcp.toolset import ExternalToolset

pytestmark = pytest.mark.anyio


ERAS = pytest.mark.parametrize(
    ("era", "settings"),
    [
        ("modern", {}),
        ("modern", {"json_response": True}),
        ("legacy", {}),
        ("legacy", {"json_response": True}),
        ("legacy", {"stateless_http": True}),
        ("both", {}),
    ],
)


@pytest.mark.proves("external.eras")
@ERAS
async def test_servers_of_both_eras_are_used(era: Era, settings: Json) -> None:
    async with hosted(calculator(), era, **settings) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert "mcp_calc_add" in names(toolset)
        for _ in range(2):
            assert await called(toolset, "mcp_calc_add", a=2, b=3) == ToolOutput("5")
        assert await called(toolset, "mcp_calc_count", to=3) == ToolOutput("counted to 3")


@pytest.mark.proves("external.results")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_results_of_every_kind_are_converted(era: Era) -> None:
    async with hosted(calculator(), era) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        measured = await called(toolset, "mcp_calc_measure", name="plank")
        assert json.loads(str(measured.content)) == {"name": "plank", "length": [1, 2]}
        shown = await called(toolset, "mcp_calc_show")
        assert shown.content == [
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": b64encode(png(3, 2)).decode()},
            },
            {"type": "text", "text": "a note"},
            {"type": "text", "text": "more: https://docs.example.com/more"},
        ]
        failed = await called(toolset, "mcp_calc_fail")
        assert failed.is_error
        assert "no such thing" in str(failed.content)
        refused = await called(toolset, "mcp_calc_add", a="many", b=1)
        assert refused.is_error
        assert "valid integer" in str(refused.content)


@pytest.mark.proves("external.restart")
@ERAS
async def test_a_restarted_server_costs_one_silent_reconnect(era: Era, settings: Json) -> None:
    async with hosted(calculator(), era, **settings) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert await called(toolset, "mcp_calc_add", a=1, b=1) == ToolOutput("2")
        await host.restart()
        host.seen.clear()
        assert await called(toolset, "mcp_calc_add", a=1, b=2) == ToolOutput("3")
        assert len([request for request in host.seen if "mcp-session-id" not in request.headers]) <= 2
        host.seen.clear()
        assert await called(toolset, "mcp_calc_add", a=1, b=3) == ToolOutput("4")
        assert len(host.seen) == 1


@pytest.mark.proves("external.restart")
async def test_a_server_may_change_its_protocol_version() -> None:
    async with hosted(calculator(), "legacy") as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        for host.era in ("modern", "legacy", "modern"):
            await host.restart()
            assert await called(toolset, "mcp_calc_add", a=1, b=1) == ToolOutput("2")


@pytest.mark.proves("external.secrets")
async def test_a_definition_that_repeats_the_credential_is_redacted() -> None:
    key = Fernet.generate_key().decode()
    schema = {"type": "object", "properties": {"a": {"type": "string", "description": "like t0p-s3cret"}}}
    async with scripted([tool("x", schema, description="Use t0p-s3cret.")]) as host:
        encrypted = Fernet(key).encrypt(b"Bearer t0p-s3cret").decode()
        async with toolset_of(host.node(auth_type="static", static_value_encrypted=encrypted), key=key) as toolset:
            await loaded(toolset)
            (definition,) = toolset.definitions(ADA.principal)
    assert definition.description == "Use …."
    assert b"t0p-s3cret" not in definition.encoded


@pytest.mark.proves("external.no-user-token", "external.secrets")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_static_header_is_sent_and_the_users_token_is_not(era: Era) -> None:
    key = Fernet.generate_key().decode()
    encrypted = Fernet(key).encrypt(b"Token t0p-s3cret").decode()
    server = FastMCP[None]("echo")
    received: list[str] = []

    @server.tool
    def echo() -> str:
        """Repeat what came in."""
        return " ".join(received)

    async def note(request: Request) -> None:
        received[:] = [f"{name}={value}" for name, value in request.headers.items()]

    async with hosted(server, era, before=note) as host:
        node = host.node("echo", auth_type="static", static_header="X-Api-Key", static_value_encrypted=encrypted)
        async with toolset_of(node, key=key) as toolset:
            await loaded(toolset)
            output = await called(toolset, "mcp_echo_echo")
        assert {request.headers.get("x-api-key") for request in host.seen} == {"Token t0p-s3cret"}
        assert not any(USER_TOKEN in str(request.headers.raw) for request in host.seen)
    assert "x-api-key=…" in str(output.content)
    assert "t0p-s3cret" not in f"{output} {node} {toolset.definitions(ADA.principal)}"


async def test_a_call_is_repeated_on_request_but_never_asks_the_user() -> None:
    states: list[Any] = []

    def call(params: Json) -> Json:
        states.append(params.get("requestState"))
        if params["name"] == "ask":
            schema = {"type": "object", "properties": {}}
            request = {"method": "elicitation/create", "params": {"message": "Sure?", "requestedSchema": schema}}
            return {"resultType": "input_required", "inputRequests": {"a": request}}
        if len(states) == 1:
            return {"resultType": "input_required", "requestState": "half-way"}
        return {"content": [{"type": "text", "text": "done"}]}

    async with scripted([tool("slow"), tool("ask")], call) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert await called(toolset, "mcp_calc_slow") == ToolOutput("done")
        assert states == [None, "half-way"]
        with pytest.raises(ToolError, match="asks for input that the assistant cannot give"):
            await called(toolset, "mcp_calc_ask")


async def test_arguments_for_headers_are_sent_as_headers() -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    broken = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "not a token"}}}
    async with scripted([tool("x", schema), tool("y", broken)]) as host, toolset_of(host.node()) as toolset:
        await loaded(toolset)
        assert names(toolset) == ["mcp_calc_x"]
        await called(toolset, "mcp_calc_x", region="eu")
        assert host.seen[-1].headers["mcp-param-region"] == "eu"
        assert host.seen[-1].headers["mcp-protocol-version"] == MODERN


@pytest.mark.proves("external.no-crossed-calls")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_concurrent_calls_during_refreshes_each_get_their_own_result(era: Era) -> None:
    server = FastMCP[None]("echo")

    @server.tool
    async def echo(word: str) -> str:
        return word

    async def refresh(toolset: ExternalToolset) -> None:
        for _ in range(5):
            await toolset.refresh(10)

    async with hosted(server, era, json_response=True) as host, toolset_of(host.node(timeout=60.0)) as toolset:
        await loaded(toolset)
        slots = asyncio.Semaphore(25)

        async def ask(word: str) -> bool:
            async with slots:
                return (await called(toolset, "mcp_calc_echo", word=word)).content == word

        words = [f"{era} {caller} {call}" for caller in range(10) for call in range(10)]
        answers, _ = await asyncio.gather(asyncio.gather(*map(ask, words)), refresh(toolset))
        assert all(answers)
