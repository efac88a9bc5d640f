"""Tokens, roles and permissions in the demo Imbi API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.company.principals import ADMINISTRATOR_EMAIL, DEVELOPER_EMAIL, VIEWER_EMAIL, permissions_of
from tests.support.demo_company import ORGANIZATION, PROJECTS, bearer

if TYPE_CHECKING:
    import httpx2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        bearer(secret="another secret, which is long enough as well"),
        bearer(exp=1),
        bearer(type="refresh"),
        bearer("nobody@example.com"),
        *(bearer(without=claim) for claim in ("sub", "jti", "type", "iat", "exp")),
    ],
)
async def test_a_bad_token_is_refused_with_a_challenge(api: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    response = await api.get(PROJECTS, headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "detail" in response.json()


async def test_a_service_account_is_let_in_with_its_roles_permissions(api: httpx2.AsyncClient) -> None:
    headers = bearer("release-bot", auth_method="client_credentials")

    assert (await api.get(PROJECTS, params={"slim": "true"}, headers=headers)).status_code == 200
    assert (await api.get(f"{ORGANIZATION}/teams/", headers=headers)).status_code == 403
    assert (await api.get("/api/users/me", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("email", "statuses"),
    [
        (VIEWER_EMAIL, {"read": 200, "project type": 403, "team": 403, "organization": 403}),
        (DEVELOPER_EMAIL, {"read": 200, "project type": 201, "team": 403, "organization": 403}),
        (ADMINISTRATOR_EMAIL, {"read": 200, "project type": 201, "team": 201, "organization": 201}),
    ],
)
async def test_the_role_decides_what_a_user_may_do(
    api: httpx2.AsyncClient, email: str, statuses: dict[str, int]
) -> None:
    headers, body = bearer(email), {"name": "New", "slug": "new"}
    responses = {
        "read": await api.get(f"{ORGANIZATION}/teams/", headers=headers),
        "project type": await api.post(f"{ORGANIZATION}/project-types/", json=body, headers=headers),
        "team": await api.post(f"{ORGANIZATION}/teams/", json=body, headers=headers),
        "organization": await api.post("/api/organizations/", json=body, headers=headers),
    }

    assert {name: response.status_code for name, response in responses.items()} == statuses


def test_each_role_may_do_more_than_the_one_it_inherits_from() -> None:
    assert permissions_of("viewer") < permissions_of("developer") < permissions_of("maintainer")
    assert permissions_of("maintainer") < permissions_of("administrator")
    assert all(permission.endswith(":read") for permission in permissions_of("viewer"))


async def test_the_profile_has_permissions_and_teams(api: httpx2.AsyncClient) -> None:
    profile = (await api.get("/api/users/me", headers=bearer())).json()

    assert profile["permissions"] == sorted(permissions_of("developer"))
    assert [team["team_slug"] for team in profile["teams"]] == ["identity"]


async def test_signing_in_gives_tokens_that_signing_out_revokes(api: httpx2.AsyncClient) -> None:
    wrong = await api.post("/api/auth/login", json={"email": VIEWER_EMAIL, "password": "guess"})
    pair = (await api.post("/api/auth/login", json={"email": VIEWER_EMAIL, "password": "fernwood"})).json()
    form = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    renewed = await api.post("/api/auth/token", data=form)
    headers = {"Authorization": f"Bearer {pair['access_token']}"}

    assert wrong.status_code == 401
    assert renewed.status_code == 200
    assert (await api.post("/api/auth/token", data=form)).status_code == 401
    assert (await api.get("/api/mfa/status", headers=headers)).json()["enabled"] is False
    assert (await api.post("/api/auth/logout", headers=headers)).status_code == 204
    assert (await api.get("/api/mfa/status", headers=headers)).status_code == 401
