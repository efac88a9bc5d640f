"""The glossary names only what exists, and explains arguments by where they stand."""

from __future__ import annotations

import re

import pytest

from shared.tools.definitions.glossary import described
from shared.tools.definitions.terms import FOR_CHANGES, FOR_TOOLS, SOURCES, TERMS
from tests.support.imbi_operations import operations

TOOLS = operations()
ARGUMENTS = {argument for arguments in TOOLS.values() for argument in arguments}
TEXTS = [
    *TERMS.values(),
    *FOR_CHANGES.values(),
    *(text for texts in FOR_TOOLS.values() for text in texts.values()),
    *(source for _, source in SOURCES.values() if source),
]


def test_every_tool_that_a_text_names_exists() -> None:
    named = {name for text in TEXTS for name in re.findall(r"\b(?:list|get|search|trigger)_\w+", text)}
    assert len(named) > 20
    assert named <= TOOLS.keys()


def test_every_entry_is_of_an_argument_that_exists() -> None:
    assert TERMS.keys() <= ARGUMENTS
    assert FOR_CHANGES.keys() <= ARGUMENTS
    for tool, texts in FOR_TOOLS.items():
        assert texts.keys() <= set(TOOLS[tool]), tool


def test_texts_are_short_sentences() -> None:
    assert max(map(len, TEXTS)) <= 160
    assert all(re.search(r"[.…]$", text) for text in TEXTS if " " in text)


@pytest.mark.parametrize(
    ("argument", "tool", "path", "text"),
    [
        ("org_slug", "list_teams", "/api/organizations/{org_slug}/teams/", "Slug of the organization."),
        ("slug", "get_team", "/api/organizations/{org_slug}/teams/{slug}", "Slug of the team, from list_teams."),
        ("slug", "list_team_members", "/organizations/{org_slug}/teams/{slug}/members", TERMS["team_slug"]),
        ("slug", "create_project", "/api/organizations/{org_slug}/projects/", FOR_CHANGES["slug"]),
        ("id", "get_mcp_server", "/api/mcp-servers/{id}", "Id of the MCP server, from list_mcp_servers."),
        ("email", "get_user_activity", "/api/users/{email}/activity", "E-mail address of the user, from list_users."),
        ("tag", "list_documents", "/api/organizations/{org_slug}/documents/", "Slug of the tag, from list_tags."),
        ("tag", "block_release", "/releases/{tag}/block", TERMS["tag"]),
        ("enabled", "list_blueprints", "/api/blueprints/", TERMS["enabled"]),
        ("enabled", "set_local_auth", "/api/admin/local-auth", FOR_CHANGES["enabled"]),
        ("slug", "get_thing", "/things/{slug}", None),
        ("unheard_of", "list_teams", "/teams", None),
    ],
)
def test_an_argument_is_explained_by_its_tool_its_place_and_its_name(
    argument: str, tool: str, path: str, text: str | None
) -> None:
    assert described(argument, tool, path) == text
