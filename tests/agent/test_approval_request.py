"""The sentence that asks says what would happen: the operation, the request, and the values before and after."""

from __future__ import annotations

from typing import Any

import pytest

from shared.agent.approval_request import request_text
from shared.domain.approvals import AskedCall, Review

pytestmark = pytest.mark.proves("approvals.words")

PROJECT = "/api/organizations/acme/projects/7"


def sentence(method: str | None, path: str | None, *changes: Any, **more: Any) -> str:
    call = AskedCall(id="toolu_1", name="a_tool", input={}, method=method, path=path, changes=changes, **more)
    found = request_text(Review("digest", (call,)))
    beginning, end = "**Your approval is needed.** This step ", " Nothing has been done yet."
    assert found.startswith(beginning)
    assert end in found
    return found.removeprefix(beginning).partition(end)[0]


def test_a_deletion_says_what_else_it_does() -> None:
    found = sentence(
        "DELETE", PROJECT, {"path": "/name", "before": "Web"}, operation="Delete Project",
        options=("delete_repository=true",),
    )  # fmt: skip
    assert found == (
        f"is “Delete Project” (`a_tool`): `DELETE {PROJECT}` with `delete_repository=true`; `name` is `Web`."
    )


@pytest.mark.parametrize(
    ("method", "change", "expected"),
    [
        ("POST", {"after": "Web"}, "`name` is `Web`"),
        ("PUT", {"after": True}, "`name` becomes `true`"),
        ("PATCH", {"before": None, "after": "Web"}, "`name` becomes `Web`"),
        ("PATCH", {"before": "Web", "after": "Net"}, "`name` changes from `Web` to `Net`"),
        ("PATCH", {"before": "Web", "after": None}, "`name` is removed (it is `Web`)"),
        ("PATCH", {"after": None}, "`name` is removed"),
    ],
    ids=["post", "put", "set", "change", "remove", "remove-unknown"],
)
def test_each_value_is_told_as_the_method_means_it(method: str, change: Any, expected: str) -> None:
    assert sentence(method, PROJECT, {"path": "/name", **change}).endswith(f"; {expected}.")


def test_paths_are_readable_but_cannot_be_mistaken() -> None:
    assert sentence("DELETE", "/api/users/ann%40example.com/a%2Fb%20c") == (
        "deletes `DELETE /api/users/ann@example.com/a%2Fb%20c` (`a_tool`)."
    )


@pytest.mark.parametrize("title", ["", "**Done**", "[x](http://x)", "a" * 100, "a`b", "a\nb"])
def test_a_title_that_means_something_in_markdown_is_left_out(title: str) -> None:
    assert sentence("POST", "/api/x", operation=title) == "sends `POST /api/x` (`a_tool`)."


def test_an_undo_says_that_it_is_one() -> None:
    found = sentence("DELETE", PROJECT, operation="Delete Project", undoes=True)
    assert found == f"takes back an earlier change. It is “Delete Project” (`a_tool`): `DELETE {PROJECT}`."


def test_a_tool_of_an_mcp_server_is_named_with_its_server() -> None:
    found = sentence(None, None, source="mcp:ci", operation="restart")
    assert found == "calls the tool `restart` of the MCP server `ci`."
