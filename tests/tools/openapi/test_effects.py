"""What the operations of a document do to data, by method, mark and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.approval_rules import parse_rules
from shared.domain.errors import ToolError
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN
from tests.support.openapi_documents import Documents, operation

if TYPE_CHECKING:
    from shared.domain.call_facts import CallFacts

ID = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
PATHS: dict[str, Any] = {
    "/api/things": {"get": operation("list_things"), "post": operation("create_thing")},
    "/api/things/{id}": {
        "get": operation("get_thing", **ID),
        "put": operation("replace_thing", **ID),
        "patch": operation("update_thing", **ID),
        "delete": operation("delete_thing", **ID),
    },
    "/api/things:search": {"post": operation("search_things")},
    "/api/things/purge": {"post": operation("purge_things", **{"x-imbi-destructive": True})},
    "/api/things/reset": {"post": operation("reset_things", **{"x-imbi-destructive": "yes"})},
    "/api/things/export": {"post": operation("export_things", **{"x-imbi-destructive": False})},
    "/api/wipe": {"x-imbi-destructive": True, "post": operation("wipe_all")},
    "/api/things/{id}/credentials": {"put": operation("update_thing_credentials", **ID)},
    "/api/api-keys": {"get": operation("list_api_keys"), "post": operation("create_api_key")},
    "/api/api-keys/{id}/rotate": {"post": operation("rotate_api_key", **ID)},
    "/api/api-keys/{id}/revoke": {"post": operation("revoke_api_key", **ID)},
    "/api/users/{id}/password": {"post": operation("change_password", **ID)},
}
EFFECTS = {
    "list_things": "read",
    "get_thing": "read",
    "list_api_keys": "read",
    "create_thing": "write",
    "replace_thing": "write",
    "update_thing": "write",
    "search_things": "write",
    "export_things": "write",
    "delete_thing": "destructive",
    "purge_things": "destructive",
    "reset_things": "destructive",
    "wipe_all": "destructive",
    "update_thing_credentials": "destructive",
    "create_api_key": "destructive",
    "rotate_api_key": "destructive",
    "revoke_api_key": "destructive",
    "change_password": "destructive",
}

pytestmark = pytest.mark.anyio


async def loaded(paths: dict[str, Any] | None = None, address: str = "http://api") -> OpenAPIToolset:
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths or PATHS}
    tools = OpenAPIToolset(address, transport=Documents(document), rules=parse_rules("*=auto"))
    await tools.load()
    return tools


def facts(tools: OpenAPIToolset, name: str, **arguments: Any) -> CallFacts:
    return tools.facts(name, arguments, ADMIN.principal)


async def test_each_operation_reads_writes_or_destroys() -> None:
    tools = await loaded()
    assert {name: facts(tools, name).effect for name in tools.names} == EFFECTS
    assert facts(tools, "rotate_api_key").has_secret_result
    assert not facts(tools, "revoke_api_key").has_secret_result


async def test_the_facts_have_the_request_that_would_be_sent() -> None:
    tools = await loaded()
    found = facts(tools, "delete_thing", id="a/b c")
    assert (found.source, found.method, found.changes_something) == ("imbi_api", "DELETE", True)
    assert (found.path_template, found.path) == ("/api/things/{id}", "/api/things/a%2Fb%20c")
    assert facts(tools, "delete_thing", id="..").path is None
    assert facts(tools, "delete_thing").path is None
    with pytest.raises(ToolError):
        facts(tools, "no_such_tool")


async def test_the_operation_differs_by_id_method_path_and_address() -> None:
    here = await loaded()
    elsewhere = await loaded(address="http://other/base")
    moved = await loaded({"/api/v2/things/{id}": {"delete": operation("delete_thing", **ID)}})
    renamed = await loaded({"/api/things/{id}": {"delete": operation("deleteThing", **ID)}})
    found = [facts(each, "delete_thing", id="1").operation for each in (here, elsewhere)]
    found += [facts(each, *each.names, id="1").operation for each in (moved, renamed)]
    assert len(set(found)) == 4
    assert facts(here, "delete_thing", id="2").operation == found[0]
