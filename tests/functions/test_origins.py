"""Requests that did not come through the service's origin, OPTIONS requests, and pages of other origins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute

from functions import livez
from local_server import ROUTES as MODULES
from shared.http.origin import HEADER
from shared.http.route_methods import METHODS
from tests.support.log_lines import written_log
from tests.support.model_server import reply, text
from tests.support.sse import EventReader

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

OLD, NEW = "o" * 32, "n" * 40
UI = "https://imbi.example.com"
ROUTES = [
    ("/assistant/conversations", ["GET", "HEAD", "OPTIONS", "POST"]),
    ("/assistant/conversations/1", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"]),
    ("/assistant/conversations/1/messages", ["OPTIONS", "POST"]),
    ("/assistant/users/a@example.com/conversations", ["DELETE", "OPTIONS"]),
    ("/assistant/status", ["GET", "HEAD", "OPTIONS"]),
    ("/status", ["GET", "HEAD", "OPTIONS"]),
]


@pytest.mark.proves("origin.secret")
async def test_only_requests_with_one_of_the_secrets_are_answered(start_service: StartService) -> None:
    service = start_service(IMBI_ASSISTANT_ORIGIN_SECRET=f"{NEW}, {OLD}", IMBI_ASSISTANT_URL="/assistant")
    async with service.client() as client:
        for path in ("/conversations", "/status", "/openapi.json", "/nowhere"):
            for headers in ({}, {HEADER: ""}, {HEADER: f"{NEW}, {OLD}"}, {HEADER: NEW[1:]}, {HEADER: f"{OLD}o"}):
                with written_log() as written:
                    refused = await client.http.get(f"{service.url}{path}", headers=headers)
                assert (refused.status_code, list(refused.json())) == (403, ["detail"])
                assert not any(secret in written.getvalue() for secret in (OLD, NEW))
        for secret in (OLD, NEW):
            assert (await client.http.get(f"{service.url}/conversations", headers={HEADER: secret})).status_code == 200
            assert (await client.http.get(f"{service.address}/status", headers={HEADER: secret})).status_code == 200
        for url in (service.url, service.address):
            assert (await client.http.get(f"{url}/livez")).status_code == 200


@pytest.mark.proves("origin.secret")
async def test_a_token_is_needed_as_before(start_service: StartService) -> None:
    service = start_service(IMBI_ASSISTANT_ORIGIN_SECRET=NEW)
    async with service.client_with("nonsense") as client:
        assert (await client.http.get("/conversations", headers={HEADER: NEW})).status_code == 401


@pytest.mark.proves("origin.options")
async def test_options_names_the_methods_of_a_route(start_service: StartService) -> None:
    service = start_service(IMBI_ASSISTANT_URL="/assistant")
    async with service.client_with("nonsense") as client:
        for path, methods in ROUTES:
            answer = await client.http.options(f"{service.address}{path}")
            assert (answer.status_code, answer.content) == (204, b"")
            assert sorted(answer.headers["allow"].split(", ")) == methods
        assert (await client.http.options(f"{service.address}/elsewhere")).status_code == 404


@pytest.mark.proves("origin.options")
def test_a_function_of_one_route_knows_the_methods_of_all() -> None:
    served: dict[str, set[str]] = {}
    for module in (module for module in MODULES if module is not livez):
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            served.setdefault(route.path, set()).update(route.methods or ())
    assert {path: set(methods) for path, methods in METHODS.items()} == served


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, last-event-id, prefer",
    }


@pytest.mark.proves("origin.cors")
async def test_pages_of_named_origins_may_use_the_service(start_service: StartService) -> None:
    service = start_service(IMBI_ASSISTANT_CORS_ORIGINS=f"{UI}, http://localhost:5173")
    async with service.client() as client:
        for origin in (UI, "http://localhost:5173"):
            allowed = await client.http.options("/conversations", headers=preflight(origin))
            assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, origin)
            assert "PATCH" in allowed.headers["access-control-allow-methods"]
            assert "access-control-allow-credentials" not in allowed.headers
        for origin in ("https://evil.example.com", "http://imbi.example.com", f"{UI}.evil.example.com", "null"):
            refused = await client.http.options("/conversations", headers=preflight(origin))
            assert refused.status_code == 400
            assert "access-control-allow-origin" not in refused.headers
        read = await client.http.get("/conversations/none", headers={"Origin": UI})
        assert (read.status_code, read.headers["access-control-allow-origin"]) == (404, UI)
        assert "x-request-id" in read.headers["access-control-expose-headers"].lower()


@pytest.mark.proves("origin.cors")
async def test_a_stream_is_read_by_a_page_of_another_origin(
    start_service: StartService, model_server: ModelServer
) -> None:
    model_server.script(reply(text("Hello.")))
    service = start_service(IMBI_ASSISTANT_CORS_ORIGINS="*")
    async with service.client() as client:
        conversation_id = await client.begin()
        answer = await client.http.post(
            f"/conversations/{conversation_id}/messages", json={"content": "Hello."}, headers={"Origin": UI}
        )
        assert answer.headers["access-control-allow-origin"] == "*"
        reader = EventReader()
        reader.feed(answer.content)
        reader.finish()


@pytest.mark.proves("origin.cors")
async def test_without_the_setting_no_page_of_another_origin_is_allowed(client: Client) -> None:
    answer = await client.http.options("/conversations", headers=preflight(UI))
    assert answer.status_code == 204
    read = await client.http.get("/conversations", headers={"Origin": UI})
    assert not [name for name in (*answer.headers, *read.headers) if name.startswith("access-control")]
