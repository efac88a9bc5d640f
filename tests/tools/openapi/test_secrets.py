"""Operations whose result is a secret are offered only where a rule allows it."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from shared.domain.approval_rules import ApprovalRule, parse_rules
from shared.tools.openapi.secrets import is_offered
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN
from tests.support.openapi_documents import names_of, operation


def answering(*properties: str, **parts: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in properties}, **parts}
    return {"200": {"content": {"application/json": {"schema": schema}}}}


PATHS: dict[str, Any] = {
    "/api/api-keys": {
        "get": operation("list_api_keys", responses=answering("key_id", "name", "next_token")),
        "post": operation("create_api_key", responses={"201": answering("key_id", "key_secret")["200"]}),
    },
    "/api/api-keys/{id}/rotate": {"post": operation("rotate_api_key")},
    "/api/accounts/{id}/client-credentials": {"post": operation("create_client_credential")},
    "/api/accounts/{id}/tokens": {
        "post": operation("create_token", responses={"200": {"$ref": "#/components/responses/Nested"}}),
        "get": operation("list_tokens", responses=answering("token_type", "expires_at")),
    },
    "/api/users/{email}/password": {"put": operation("change_password", responses={"204": {}})},
    "/api/users/{email}:resetPassword": {"post": operation("resetUserPassword")},
    "/api/servers": {
        "post": operation("create_server", responses=answering("has_client_secret", "oauth_token_url")),
        "get": operation("list_servers"),
    },
    "/api/secrets/{name}/audit": {"get": operation("list_secret_audit")},
}
COMPONENTS = {
    "responses": {"Nested": answering(items={"$ref": "#/components/schemas/Token"})["200"]},
    "schemas": {"Token": {"type": "object", "properties": {"accessToken": {"type": ["string", "null"]}}}},
}
COMPONENTS["responses"]["Nested"]["content"]["application/json"]["schema"]["properties"] = {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Token"}}
}
HARMLESS = {"list_api_keys", "list_tokens", "create_server", "list_servers", "list_secret_audit"}
SECRET = {
    "create_api_key",
    "rotate_api_key",
    "create_client_credential",
    "create_token",
    "change_password",
    "resetUserPassword",
}


async def offered(rules: str) -> set[str]:
    document = {"openapi": "3.1.0", "paths": PATHS, "components": COMPONENTS}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=json.dumps(document)))
    tools = OpenAPIToolset("http://api", transport=transport, rules=parse_rules(rules))
    await tools.load()
    names = set(names_of(tools.definitions(ADMIN.principal)))
    await tools.aclose()
    return names


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ("", set()),
        ("*=auto", SECRET),
        ("rotate_*=auto", {"rotate_api_key"}),
        ("create_api_key=deny, create_*=auto", {"create_client_credential", "create_token"}),
        ("create_api_key=ask", {"create_api_key"}),
    ],
)
async def test_a_secret_is_offered_only_where_a_rule_allows_it(rules: str, allowed: set[str]) -> None:
    assert await offered(rules) == HARMLESS | allowed


def test_a_rule_that_asks_allows_where_calls_can_be_asked_about() -> None:
    rules = (ApprovalRule("create_*", "ask"),)
    assert is_offered("create_api_key", has_secret_result=True, rules=rules, can_ask=True)
    assert not is_offered("create_api_key", has_secret_result=True, rules=rules)
    assert is_offered("list_projects", has_secret_result=False, rules=())


@pytest.mark.parametrize("text", ["create_x", "create_x=maybe", "=auto", "a=auto,b"])
def test_a_malformed_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be rules such as"):
        parse_rules(text)
