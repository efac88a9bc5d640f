"""The tools of one reading of the document, and whom they are offered to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.messages_api.tools import tool_problems
from shared.domain.models import Principal
from shared.tools.definitions.terms import TERMS
from tests.support.imbi_api import ADMIN, GUEST, READER, ImbiApi
from tests.support.openapi_documents import document, names_of, toolset_of

if TYPE_CHECKING:
    from shared.domain.ports import Toolset


EVERYBODYS = {
    "create_file",
    "get_elsewhere",
    "get_failing",
    "get_large",
    "get_late",
    "get_page",
    "get_picture",
    "post_landed",
    "post_moved",
    "scan_projects",
    "update_template",
    "whoami",
}


READERS = {"list_projects", "get_project"}


WRITERS = {"create_project", "patch_project"}


ADMINS = {"delete_project"}


async def test_the_document_of_a_real_application_becomes_tools() -> None:
    tools = ImbiApi().toolset()
    port: Toolset = tools
    assert (names_of(port.definitions(ADMIN.principal)), port.in_browser) == ([], False)
    assert await tools.load() == len(EVERYBODYS | READERS | WRITERS | ADMINS)
    assert set(names_of(tools.definitions(ADMIN.principal))) == EVERYBODYS | READERS | WRITERS | ADMINS
    definitions = [json.loads(definition.encoded) for definition in tools.definitions(ADMIN.principal)]
    assert list(tool_problems({"tools": definitions})) == []
    await tools.aclose()


async def test_a_caller_is_offered_what_it_may_use() -> None:
    tools = ImbiApi().toolset()
    await tools.load()
    writer = Principal("w", "W", permissions=frozenset({"project:read", "project:write", "admin", "other"}))
    assert set(names_of(tools.definitions(GUEST.principal))) == EVERYBODYS
    assert set(names_of(tools.definitions(READER.principal))) == EVERYBODYS | READERS
    assert set(names_of(tools.definitions(writer))) == EVERYBODYS | READERS | WRITERS
    await tools.aclose()


async def test_equal_permissions_give_the_identical_sorted_list() -> None:
    tools = ImbiApi().toolset()
    await tools.load()
    first = tools.definitions(READER.principal)
    for number in range(100):
        tools.definitions(Principal("x", "X", permissions=frozenset({f"unknown:{number}"})))
    other = Principal("o", "O", permissions=frozenset({"project:read", "something:else"}))
    assert tools.definitions(other) is first
    assert names_of(first) == sorted(names_of(first))
    await tools.aclose()


async def test_the_number_of_stored_selections_is_bounded() -> None:
    paths = {f"/api/t{n}": {"get": {"operationId": f"t{n}", "x-imbi-permission": f"p{n}"}} for n in range(100)}
    tools, _ = toolset_of(document(**paths))
    await tools.load()
    principals = [Principal("x", "X", permissions=frozenset({f"p{number}"})) for number in range(100)]
    for number, principal in enumerate(principals):
        assert names_of(tools.definitions(principal)) == [f"t{number}"]
    assert tools.definitions(principals[-1]) is tools.definitions(principals[-1])
    await tools.aclose()


async def test_a_definition_says_what_is_needed_and_no_more() -> None:
    tools = ImbiApi().toolset()
    await tools.load()
    found = next(tool for tool in tools.definitions(ADMIN.principal) if tool.name == "list_projects")
    assert found.description == "List projects of an organization."
    assert found.input_schema == {
        "type": "object",
        "properties": {
            "org_slug": {"description": "Organization slug.", "type": "string"},
            "filter": {"type": "array", "items": {"type": "string"}, "description": "Repeatable."},
            "slim": {"description": TERMS["slim"], "type": "boolean", "default": False},
            "limit": {"description": TERMS["limit"], "type": "integer", "minimum": 1, "default": 20},
            "page_size_": {"type": "integer", "description": "(`page[size]`)"},
            "x-trace": {"type": "string"},
        },
        "required": ["org_slug"],
    }
    await tools.aclose()
