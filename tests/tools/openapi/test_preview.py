"""What a call would change, read with the caller's own token and without secrets."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.support.imbi_api import ADMIN
from tests.support.openapi_documents import DocumentApi, body, operation

ID = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
THING = {"type": "object", "properties": {name: {} for name in ("name", "owner", "client_secret", "tags")}}
PATCH = {"type": "array", "items": {"type": "object"}}
FORM = {"type": "object", "properties": {"note": {"type": "string"}, "password": {"type": "string"}}}
CREDENTIALS = {"type": "object", "properties": {"credentials": {"type": "object"}}}
SETTING = {"type": "object", "properties": {"value": {"type": "string"}, "secret": {"type": "boolean"}}}
PATHS: dict[str, Any] = {
    "/things": {"get": operation("list_things"), "post": operation("create_thing", requestBody=body(THING))},
    "/forms": {"post": operation("send_form", requestBody=body(FORM, "application/x-www-form-urlencoded"))},
    "/things/{id}/credentials": {"put": operation("set_credentials", requestBody=body(CREDENTIALS), **ID)},
    "/configuration/{id}": {"put": operation("set_value", requestBody=body(SETTING), **ID)},
    "/things/{id}": {
        "get": operation("get_thing", **ID),
        "put": operation("replace_thing", requestBody=body(THING), **ID),
        "patch": operation("patch_thing", requestBody=body(PATCH, "application/json-patch+json"), **ID),
        "delete": operation("delete_thing", **ID),
    },
    "/unread/{id}": {"delete": operation("delete_unread", **ID)},
}
PRESENT = {"name": "web", "owner": None, "client_secret": "hunter2", "tags": ["a"], "note": f"by {ADMIN.token}"}

pytestmark = pytest.mark.anyio


async def previewed(name: str, response: httpx2.Response | None = None, /, **arguments: Any) -> Any:
    api = DocumentApi(PATHS)
    api.response = response or httpx2.Response(200, json=PRESENT)
    await api.definitions()
    found = await api.tools.preview(name, arguments, ADMIN)
    assert all(request.method == "GET" for request in api.requests)
    assert all(request.headers["Authorization"] == f"Bearer {ADMIN.token}" for request in api.requests)
    return [*found]


async def test_a_deletion_shows_what_is_deleted() -> None:
    assert await previewed("delete_thing", id="1") == [
        {"path": "/name", "before": "web"},
        {"path": "/client_secret", "before": "(hidden)"},
        {"path": "/note", "before": "(hidden)"},
    ]
    assert await previewed("delete_unread", id="1") == []


async def test_a_change_shows_only_what_differs() -> None:
    changed = await previewed("replace_thing", id="1", name="web", owner="ops", client_secret="x", tags=["b"])
    assert changed == [
        {"path": "/owner", "before": None, "after": "ops"},
        {"path": "/client_secret", "before": "(hidden)", "after": "(hidden)"},
        {"path": "/tags", "before": ["a"], "after": ["b"]},
    ]


async def test_the_steps_of_a_patch_show_their_values() -> None:
    steps = [
        {"op": "test", "path": "/name", "value": "web"},
        {"op": "replace", "path": "/tags/0", "value": "b"},
        {"op": "remove", "path": "/name"},
        {"op": "move", "from": "/name", "path": "/owner"},
    ]
    assert await previewed("patch_thing", id="1", body=steps) == [
        {"path": "/tags/0", "before": "a", "after": "b"},
        {"path": "/name", "before": "web", "after": None},
        {"path": "/owner", "before": None, "after": "(from /name)"},
    ]


async def test_a_creation_shows_what_is_sent() -> None:
    assert await previewed("create_thing", name="x" * 400) == [{"path": "/name", "after": f"{'x' * 300}…"}]


async def test_a_creation_is_not_compared_with_what_is_there() -> None:
    """The collection's GET may answer with an object, such as a page, whose fields have other meanings."""
    assert await previewed("create_thing", name="web") == [{"path": "/name", "after": "web"}]


async def test_a_form_shows_what_is_sent() -> None:
    assert await previewed("send_form", note="a", password="hunter2") == [
        {"path": "/note", "after": "a"},
        {"path": "/password", "after": "(hidden)"},
    ]


async def test_secrets_of_every_kind_are_hidden() -> None:
    sent = {"credentials": {"user": "bot", "anything": "hunter2"}}
    assert "hunter2" not in str(await previewed("set_credentials", id="1", **sent))
    steps = [{"op": "add", "path": "/env/-", "value": {"name": "DB_PASSWORD", "value": "hunter2"}}]
    assert "hunter2" not in str(await previewed("patch_thing", id="1", body=steps))
    assert "hunter2" not in str(await previewed("set_value", id="x", value="hunter2", secret=True))
    assert await previewed("set_value", id="DB_PASSWORD", value="hunter2") == [{"path": "/value", "after": "(hidden)"}]
    assert await previewed("set_value", id="MODE", value="debug") == [{"path": "/value", "after": "debug"}]


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(404, json={"detail": "gone"}),
        httpx2.Response(200, text="{", headers={"Content-Type": "application/json"}),
        httpx2.Response(200, json={"name": "x" * 70_000}),
        httpx2.Response(200, text="text"),
    ],
)
async def test_what_cannot_be_read_is_left_out(response: httpx2.Response) -> None:
    assert await previewed("replace_thing", response, id="1", owner="ops") == [{"path": "/owner", "after": "ops"}]
