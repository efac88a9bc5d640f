"""Access tokens over HTTP: valid ones are accepted, all others are refused."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest

from shared.auth.tokens import verify
from tests.support.service import DEVELOPER, JWT_SECRET, claims_of, forged, token_of

if TYPE_CHECKING:
    import httpx2

    from tests.conftest import NewClient
    from tests.support.database import Database
from tests.support.service import Service


async def listed(service: Service, authorization: str | None) -> httpx2.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with service.client_with(None) as nobody:
        return await nobody.http.get("/conversations", headers=headers)


async def assert_refused(service: Service, authorization: str | None) -> None:
    response = await listed(service, authorization)
    assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
    assert response.headers["www-authenticate"] == "Bearer"


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.proves("tokens.without-node-is-valid", "tokens.verified-locally")
async def test_a_good_token_gets_in(service: Service) -> None:
    """Nobody but the graph is there to be asked, and it has no node of the token."""
    assert (await listed(service, f"Bearer {token_of(DEVELOPER)}")).status_code == 200
    assert (await listed(service, f"bearer {token_of(DEVELOPER)}")).status_code == 200


@pytest.mark.proves("tokens.missing-is-401")
async def test_a_request_without_a_token_is_refused(service: Service) -> None:
    await assert_refused(service, None)
    async with service.client_with(None) as nobody:
        for method, path in (
            ("POST", "/conversations"),
            ("GET", f"/conversations/{uuid4()}"),
            ("PATCH", f"/conversations/{uuid4()}"),
            ("DELETE", f"/conversations/{uuid4()}"),
            ("POST", f"/conversations/{uuid4()}/messages"),
            ("POST", f"/conversations/{uuid4()}/stop"),
        ):
            response = await nobody.http.request(method, path, content=b"{" * 10)
            assert response.status_code == 401, path
            assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.proves("tokens.malformed-is-401")
@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer a.b",
        "Bearer ..",
        f"Bearer {'x' * 9000}",
        f"Bearer {'.'.join([encoded({'alg': 'HS256'})] * 3)}",
        f"Bearer {encoded([])}.{encoded({})}.x",  # type: ignore[arg-type]  # no object at all
        "Bearer \xff\xfe",
        "Basic dXNlcjpwYXNz",
        "Digest username=x",
        "ik_0_x",
    ],
    ids=range(12),
)
async def test_a_malformed_token_is_refused(service: Service, authorization: str) -> None:
    async with service.client_with(None) as nobody:
        headers = {b"Authorization": authorization.encode("latin-1")}
        response = await nobody.http.get("/conversations", headers=headers)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.proves("tokens.malformed-is-401")
async def test_a_token_in_another_scheme_or_place_is_refused(service: Service) -> None:
    token = token_of(DEVELOPER)
    for authorization in (token, f"Token {token}", f"Basic {token}", f"Bearer {token} x"):
        await assert_refused(service, authorization)
    async with service.client_with(None) as nobody:
        headers = {"Cookie": f"token={token}", "X-Authorization": f"Bearer {token}"}
        response = await nobody.http.get("/conversations", params={"access_token": token}, headers=headers)
        assert response.status_code == 401


@pytest.mark.proves("tokens.expired-is-401")
async def test_a_token_ends(service: Service) -> None:
    now = int(time.time())
    for changes in ({"exp": now - 30, "iat": now - 60}, {"exp": 0}, {"exp": -1}):
        await assert_refused(service, f"Bearer {forged(claims_of(DEVELOPER, **changes))}")


@pytest.mark.proves("tokens.expired-is-401")
async def test_a_token_does_not_begin_early(service: Service) -> None:
    for name in ("nbf", "iat"):
        await assert_refused(service, f"Bearer {forged(claims_of(DEVELOPER, **{name: int(time.time()) + 3600}))}")


@pytest.mark.proves("tokens.leeway")
@pytest.mark.parametrize("changes", [{"exp": -1}, {"iat": 4}, {"nbf": 4}], ids=lambda changes: next(iter(changes)))
def test_the_clock_of_the_issuer_may_differ_by_seconds(changes: dict[str, int]) -> None:
    """The times are whole seconds of this very second, so the check cannot come too late for them."""
    now = int(time.time())
    token = forged(claims_of(DEVELOPER, **{name: now + seconds for name, seconds in changes.items()}))
    assert verify(token, (JWT_SECRET,)).subject == DEVELOPER


@pytest.mark.proves("tokens.foreign-is-401")
async def test_a_token_of_another_secret_or_algorithm_is_refused(service: Service) -> None:
    claims = claims_of(DEVELOPER)
    unsigned = f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims)}."
    signed = jwt.encode(claims, JWT_SECRET, algorithm="HS256")
    for token in (
        forged(claims, secret="another secret that is long enough for it"),
        forged(claims, algorithm="HS384"),
        forged(claims, algorithm="HS512"),
        unsigned,
        unsigned.replace("none", "None"),
        signed.rpartition(".")[0] + ".",
        signed[:-2],
        f"{signed.partition('.')[0]}.{encoded(claims | {'sub': 'admin@example.com'})}.{signed.rpartition('.')[2]}",
    ):
        await assert_refused(service, f"Bearer {token}")


@pytest.mark.proves("tokens.foreign-is-401")
async def test_headers_of_a_token_change_nothing(service: Service) -> None:
    token = forged(claims_of(DEVELOPER), kid="../../etc/passwd", jku="http://evil.example.com", jwk={"k": "x"})
    assert (await listed(service, f"Bearer {token}")).status_code == 200


@pytest.mark.proves("tokens.claims-are-required")
@pytest.mark.parametrize("name", ["sub", "jti", "type", "iat", "exp"])
async def test_every_claim_is_required(service: Service, name: str) -> None:
    await assert_refused(service, f"Bearer {forged(claims_of(DEVELOPER, **{name: ...}))}")
    await assert_refused(service, f"Bearer {raw({**claims_of(DEVELOPER), name: None})}")


def raw(claims: dict[str, Any]) -> str:
    """Sign claims of wrong types, which the library would not write."""
    header, payload = encoded({"alg": "HS256", "typ": "JWT"}), encoded(claims)
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(f"{header}.{payload}".encode(), algorithm.prepare_key(JWT_SECRET))
    return f"{header}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


WRONG = [
    ("type", "refresh"),
    ("type", "Access"),
    ("type", ["access"]),
    ("sub", ""),
    ("sub", 5),
    ("sub", ["developer@example.com"]),
    ("sub", "developer@example.com\0"),
    ("sub", "\ud800"),
    ("sub", "DEVELOPER@example.com"),
    ("sub", " developer@example.com"),
    ("jti", ""),
    ("jti", 5),
    ("jti", {"a": 1}),
    ("jti", "\0"),
    ("exp", "soon"),
    ("exp", {"a": 1}),
    ("exp", 10**400),
    ("exp", True),
    ("iat", "now"),
    ("iat", []),
]


@pytest.mark.proves("tokens.claims-are-required")
@pytest.mark.parametrize(("name", "value"), WRONG, ids=range(len(WRONG)))
async def test_a_claim_of_a_wrong_type_is_refused(service: Service, name: str, value: Any) -> None:
    await assert_refused(service, f"Bearer {raw({**claims_of(DEVELOPER), name: value})}")


@pytest.mark.proves("tokens.revoked-is-401")
async def test_a_revoked_token_is_refused(service: Service, database: Database) -> None:
    claims = claims_of(DEVELOPER)
    authorization = f"Bearer {forged(claims)}"
    assert (await listed(service, authorization)).status_code == 200
    written = "CREATE (t:TokenMetadata {jti: $jti, revoked: $revoked}) RETURN 1"
    await database.cypher(written, jti=claims["jti"], revoked=False)
    assert (await listed(service, authorization)).status_code == 200
    await database.cypher("MATCH (t:TokenMetadata) WHERE t.jti = $jti SET t.revoked = true RETURN 1", jti=claims["jti"])
    await assert_refused(service, authorization)


@pytest.mark.proves("tokens.unknown-user-is-401")
async def test_a_token_for_an_unknown_user_is_refused(service: Service) -> None:
    await assert_refused(service, f"Bearer {token_of('nobody@example.com')}")
    await assert_refused(service, f"Bearer {forged(claims_of('no-such-bot', auth_method='client_credentials'))}")


@pytest.mark.proves("tokens.inactive-user-is-401")
async def test_an_inactive_user_does_not_get_in(service: Service, new_client: NewClient, database: Database) -> None:
    client = await new_client()
    assert await client.list() == []
    await database.cypher("MATCH (u:User) WHERE u.email = $email SET u.is_active = false RETURN 1", email=client.email)
    await assert_refused(service, f"Bearer {client.token}")


@pytest.mark.proves("tokens.service-account-is-403")
async def test_a_service_account_has_no_conversations(service: Service) -> None:
    token = forged(claims_of("release-bot", auth_method="client_credentials"))
    async with service.client_with(token) as bot:
        for method, path in (
            ("GET", "/conversations"),
            ("POST", "/conversations"),
            ("GET", f"/conversations/{uuid4()}"),
        ):
            response = await bot.http.request(method, path)
            assert response.status_code == 403
            assert response.json().keys() == {"detail"}


@pytest.mark.proves("tokens.unknown-user-is-401", "tokens.service-account-is-403")
async def test_users_and_service_accounts_are_not_mistaken_for_each_other(service: Service) -> None:
    await assert_refused(service, f"Bearer {forged(claims_of('release-bot'))}")
    await assert_refused(service, f"Bearer {forged(claims_of(DEVELOPER, auth_method='client_credentials'))}")
