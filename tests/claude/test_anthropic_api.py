"""Requests to Anthropic's own API have the headers that it asks for, and the login of a gateway's URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from shared.claude.anthropic_api import AnthropicApi
from shared.claude.request import EncodedRequest
from tests.support.model_http import HttpServer

if TYPE_CHECKING:
    from tests.support.model_http import HttpRequest, Responder

BODY = orjson.dumps({"model": "claude-sonnet-4-6"})


class Gateway(HttpServer):
    """Keeps the requests, and gives each an empty stream."""

    def __init__(self) -> None:
        super().__init__("gateway")
        self.received: list[HttpRequest] = []

    async def handle(self, http: HttpRequest, responder: Responder) -> None:
        self.received.append(http)
        await responder.start(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        await responder.finish()


@pytest.mark.proves("settings.model-address")
@pytest.mark.parametrize(
    ("login", "authorization"), [("", None), ("team:s%40crt@", "Basic dGVhbTpzQGNydA==")], ids=["none", "login"]
)
async def test_a_request_has_the_apis_headers_and_the_login_of_its_url(login: str, authorization: str | None) -> None:
    with Gateway() as gateway:
        api = AnthropicApi("key", gateway.url.replace("://", f"://{login}"), idle_seconds=20)
        assert [piece async for piece in await api.post(EncodedRequest(BODY, ()))] == []
        await api.aclose()
    [request] = gateway.received
    assert (request.method, request.path, request.content) == ("POST", "/v1/messages", BODY)
    wanted = ("x-api-key", "anthropic-version", "content-type", "accept-encoding", "anthropic-beta", "authorization")
    assert [request.headers.get(name) for name in wanted] == [
        "key", "2026-10-21", "application/json", "identity", None, authorization,
    ]  # fmt: skip
