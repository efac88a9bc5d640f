"""Paths that are never tools."""

from __future__ import annotations

import pytest

from shared.tools.openapi.exclusions import Exclusions

API = (
    "/projects/",
    "/projects/{id}",
    "/projects/{id}/status",
    "/admin/local-auth",
    "/teams",
    "/authors",
    "/uploads/{id}",
)
NEVER = (
    "/auth",
    "/auth/login",
    "/auth/oauth/{provider}",
    "/mfa/setup",
    "/status",
    "/status/",
    "/uploads/{id}/thumbnail",
)
MOUNTS = ("", "/api", "/v1", "/api/v2", "/v1/api", "/imbi", "/a/b/c", "/Imbi/API")


@pytest.mark.parametrize("mount", MOUNTS)
def test_exclusions_hold_under_any_mount(mount: str) -> None:
    exclusions = Exclusions([mount + path for path in API + NEVER])
    assert [path for path in API if exclusions.covers(mount + path)] == []
    assert [path for path in NEVER if not exclusions.covers(mount + path)] == []


@pytest.mark.parametrize("mount", MOUNTS)
def test_exclusions_hold_where_some_paths_are_outside_the_mount(mount: str) -> None:
    strays = ["/llms.txt", "/status", "/health/{part}"]
    exclusions = Exclusions([*(mount + path for path in API + NEVER), *strays])
    assert [path for path in API if exclusions.covers(mount + path)] == []
    assert [path for path in NEVER if not exclusions.covers(mount + path)] == []
    assert [path for path in strays if exclusions.covers(path)] == ["/status"]


@pytest.mark.parametrize("mount", [*MOUNTS, "/{tenant}", "/{tenant}/api"])
@pytest.mark.parametrize("path", ["/auth/login", "/auth", "/mfa/setup", "/auth/token/refresh"])
def test_a_single_path_is_excluded_where_it_might_have_to_be(mount: str, path: str) -> None:
    assert Exclusions([mount + path]).covers(mount + path)


def test_exclusions_hold_under_a_mount_with_a_parameter() -> None:
    paths = ["/{tenant}/auth/login", "/{tenant}/projects", "/{tenant}/projects/{id}/auth/x"]
    exclusions = Exclusions(paths)
    assert [path for path in paths if exclusions.covers(path)] == paths[:1]


def test_exclusions_hold_where_all_paths_go_on_alike() -> None:
    paths = ["/api/organizations/{org}/teams", "/api/organizations/{org}/auth/x"]
    assert [path for path in paths if not Exclusions(paths).covers(path)] == paths[:1]


def test_a_servers_path_counts_as_a_mount() -> None:
    assert Exclusions(["/imbi/projects", "/b", "/c"], ["https://x.example.com/imbi"]).covers("/imbi/status")
    assert not Exclusions(["/imbi/projects", "/b", "/c"], ["http://[broken", "/"]).covers("/imbi/status")


@pytest.mark.parametrize(
    "path",
    [
        "/api/AUTH/login",
        "/api/%61uth/login",
        "/api/%2561uth/login",
        "/api//auth/login",
        "/api/./auth/login",
        "/api/x/../auth/login",
        "/api\\auth\\login",
        "/api/auth;v=1/login",
        "/api/auth:login",
        "/api/auth?x",
        "/api/ auth /login",
        "/api/%252525252525252525252525252525252561uth",
        "/api/uploads/{id}/Thumbnail/",
    ],
)
def test_other_ways_to_write_a_path_are_seen_through(path: str) -> None:
    assert Exclusions(["/api/projects", "/api/teams", path]).covers(path)


def test_an_address_is_held_to_the_mount_only() -> None:
    exclusions = Exclusions(["/api/{section}/{name}", "/api/teams/{slug}/members"])
    refused = ["/api/auth/login", "/api/MFA/x", "/auth/x", "/api/status", "/api/%61uth/x", "/api/../x"]
    assert [address for address in refused if not exclusions.covers_address(address)] == []
    assert not any(exclusions.covers_address(address) for address in ["/api/teams/auth", "/api/teams/status/members"])


def test_a_document_without_paths_excludes_what_stands_at_the_root() -> None:
    exclusions = Exclusions([])
    assert exclusions.covers("/status")
    assert exclusions.covers("/auth/x")
    assert not exclusions.covers("/")
