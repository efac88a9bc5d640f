"""Names of the API's tools."""

from __future__ import annotations

import random
import re

import pytest

from shared.tools.builtin import BUILTIN_NAMES
from shared.tools.openapi.naming import Endpoint, singular, tool_names

PROJECTS = Endpoint(
    "get", "/api/organizations/{org_slug}/projects/", "list_projects_api_organizations__org_slug__projects__get"
)


def generated(method: str, path: str, function: str) -> Endpoint:
    """Make an endpoint with the operationId that FastAPI generates."""
    return Endpoint(method, path, re.sub(r"\W", "_", f"{function}{path}") + f"_{method}")


def name_of(endpoint: Endpoint, *others: Endpoint) -> str:
    return tool_names([endpoint, *others])[endpoint]


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        (PROJECTS, "list_projects"),
        (generated("post", "/api/x/values:fetch", "fetch_values"), "fetch_values"),
        (generated("get", "/", "get_root"), "get_root"),
        (Endpoint("get", "/outer/api/teams", "list_teams_api_teams_get"), "list_teams"),
        (Endpoint("post", "/api/teams", "do_teams_api_teams_get"), "do_teams"),
        (generated("post", "/api/me/identities/{id}/refresh", "refresh"), "refresh_identity"),
        (generated("get", "/api/v1/whoami", "whoami"), "whoami"),
        (Endpoint("get", "/pets", "listPets"), "listPets"),
        (Endpoint("get", "/pets", "list-pets"), "list-pets"),
        (Endpoint("get", "/pets", "pets.list everything!"), "pets_list_everything"),
        (Endpoint("get", "/pets", "…"), "list_pets"),
        (Endpoint("get", "/api/v2/projects/{id}/links"), "list_project_links"),
        (Endpoint("get", "/api/projects/{id}"), "get_project"),
        (Endpoint("post", "/api/policies"), "create_policy"),
        (Endpoint("put", "/api/addresses/{id}"), "replace_address"),
        (Endpoint("patch", "/api/status/{id}"), "update_status"),
        (Endpoint("delete", "/"), "delete"),
    ],
)
def test_a_name_is_what_a_person_would_call_it(endpoint: Endpoint, name: str) -> None:
    assert name_of(endpoint) == name


def test_equal_names_are_told_apart_by_what_they_are_about() -> None:
    users = generated("post", "/api/users/{email}/organizations", "add_to_organization")
    accounts = generated("post", "/api/service-accounts/{slug}/organizations", "add_to_organization")
    assert tool_names([users, accounts]) == {
        users: "add_user_to_organization",
        accounts: "add_service_account_to_organization",
    }


def test_the_one_without_anything_of_its_own_keeps_the_name() -> None:
    general = generated("get", "/api/documents/{id}/comments", "list_threads")
    special = generated("get", "/api/projects/{pid}/documents/{id}/comments", "list_threads")
    assert tool_names([special, general]) == {general: "list_threads", special: "list_project_threads"}


def test_methods_of_one_path_are_told_apart() -> None:
    both = [Endpoint("get", "/things", "thing"), Endpoint("post", "/things", "thing")]
    assert list(tool_names(both).values()) == ["thing_get", "thing_post"]


def test_who_has_a_name_alone_keeps_it() -> None:
    users = generated("post", "/api/users/{email}/organizations", "add_to_organization")
    accounts = generated("post", "/api/service-accounts/{slug}/organizations", "add_to_organization")
    other = generated("put", "/api/other", "add_user_to_organization")
    names = tool_names([users, accounts, other])
    assert names[other] == "add_user_to_organization"
    assert names[users] == "add_to_organization_post"


def test_built_in_names_are_nobodys() -> None:
    endpoints = [Endpoint("get", f"/{name}", name) for name in sorted(BUILTIN_NAMES)]
    names = tool_names(endpoints)
    assert not BUILTIN_NAMES.intersection(names.values())
    assert set(names.values()) == {f"{name}_get" for name in BUILTIN_NAMES}


def test_what_nothing_tells_apart_gets_a_stable_suffix() -> None:
    same = [Endpoint("get", "/a/{x}", "thing"), Endpoint("get", "/a/{y}", "thing"), Endpoint("get", "/b", "thing_get")]
    names = tool_names(same)
    assert len(set(names.values())) == 3
    assert re.fullmatch(r"thing_[0-9a-f]{8}", names[same[0]])
    assert names == tool_names(reversed(same))


def test_long_names_are_cut_to_different_ones() -> None:
    long = [Endpoint("get", f"/{n}", f"{'very_' * 30}long_{n}") for n in range(3)]
    names = tool_names(long)
    assert len(set(names.values())) == 3
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names.values())


def test_any_document_gives_unique_accepted_names_in_any_order() -> None:
    chance = random.Random(7)  # noqa: S311  # no secret
    parts = ["api", "users", "{id}", "teams", "größe", "a b", "%20", "x" * 70, "status", "\ud800"]
    ids = [None, "", "a", "list", "get_a", "…", "navigate_to", "x" * 200, "a-b", "\ud800"]
    endpoints = {
        Endpoint(chance.choice(["get", "post"]), "/" + "/".join(chance.choices(parts, k=4)), chance.choice(ids))
        for _ in range(400)
    }
    names = tool_names(endpoints)
    assert len(set(names.values())) == len(endpoints)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names.values())
    assert names == tool_names(sorted(endpoints, key=repr))


def test_an_unrelated_operation_renames_nobody() -> None:
    endpoints = [PROJECTS, generated("get", "/api/users/{email}/teams", "list_teams")]
    more = [*endpoints, generated("get", "/api/other", "list_others")]
    assert tool_names(endpoints).items() <= tool_names(more).items()


@pytest.mark.parametrize(
    ("plural", "noun"),
    [
        ("users", "user"),
        ("policies", "policy"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("branches", "branch"),
        ("releases", "release"),
        ("databases", "database"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("uses", "use"),
        ("ties", "tie"),
        ("staff", "staff"),
    ],
)
def test_plurals_become_singular(plural: str, noun: str) -> None:
    assert singular(plural) == noun
