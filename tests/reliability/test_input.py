"""Input is bounded and clean, or refused before it is used."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import jwt
import pytest

from tests.support.aftermath import goes_on
from tests.support.service import DEVELOPER, JWT_SECRET, claims_of, forged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

MOST = 1_048_576


@pytest.mark.proves("input.too-long")
@pytest.mark.parametrize("is_told", [True, False], ids=["told", "chunked"])
@pytest.mark.parametrize("size", [MOST + 1, 5 * MOST])
async def test_a_body_that_is_too_long_is_413(client: Client, *, is_told: bool, size: int) -> None:
    conversation = await client.begin()
    content = b'{"content": "' + b"x" * (size - 15) + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for i in range(0, len(content), 65_536):
            yield content[i : i + 65_536]

    for path in (f"/conversations/{conversation}/messages", "/conversations"):
        response = await client.http.post(
            path, content=content if is_told else chunks(), headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 413, response.text
        assert response.json() == {"detail": f"The body is longer than {MOST} bytes"}
    assert await client.messages(conversation) == []


@pytest.mark.proves("input.too-long")
async def test_a_content_length_that_is_too_large_is_refused_before_the_body(client: Client, service: Service) -> None:
    address = urlsplit(service.url)
    head = (
        f"POST /conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {10**12}\r\n\r\n"
    )

    def ask() -> bytes:
        with socket.create_connection((address.hostname, address.port), 5) as connection:
            connection.sendall(head.encode())
            return connection.recv(100)

    assert (await asyncio.to_thread(ask)).startswith(b"HTTP/1.1 413 ")


@pytest.mark.proves("input.too-long")
async def test_the_limit_is_of_each_request_and_can_be_set(
    start_service: StartService, model_server: ModelServer
) -> None:
    async with start_service(IMBI_ASSISTANT_MAX_BODY_BYTES="200").client() as client:
        conversation = await client.begin()
        for _ in range(5):
            assert (await client.http.post("/conversations", json={"model": "m" * 150})).status_code == 201
        assert (await client.post(conversation, "x" * 200)).status_code == 413
        await goes_on(client, conversation, model_server)


def bad_tokens() -> dict[str, str]:
    """Tokens that are wrong in one way each."""
    good = claims_of(DEVELOPER)
    now = int(time.time())
    payload = forged(good).split(".")
    rsa = jwt.utils.base64url_encode(json.dumps({"alg": "RS256", "typ": "JWT"}).encode()).decode()
    none = jwt.utils.base64url_encode(json.dumps({"alg": "none"}).encode()).decode()
    tokens = {
        "none": f"{none}.{payload[1]}.",
        "none with a signature": f"{none}.{payload[1]}.{payload[2]}",
        "RS256": f"{rsa}.{payload[1]}.{payload[2]}",
        "HS384": forged(good, JWT_SECRET * 2, algorithm="HS384"),
        "HS512": forged(good, JWT_SECRET * 2, algorithm="HS512"),
        "empty signature": f"{payload[0]}.{payload[1]}.",
        "other payload": f"{payload[0]}.{payload[1][:-4]}AAAA.{payload[2]}",
        "four parts": ".".join([*payload, "x"]),
        "no JSON": f"{payload[0]}.AAAA.{payload[2]}",
        "very long": "x" * 20_000,
        "dots": ".." * 50,
        "two secrets": forged(good, "another secret that is long enough too!"),
    }
    for name, value in _bad_claims(now):
        tokens[f"{name} = {str(value)[:20]!r}"] = (
            forged(good | {name: value}) if name != "sub" else _encoded(good, value)
        )
    return tokens


def _bad_claims(now: int) -> list[tuple[str, Any]]:
    return [
        ("exp", now - 60),
        ("exp", now + 10**10),
        ("exp", 10**30),
        ("exp", -1),
        ("exp", "9999999999"),
        ("exp", [now + 60]),
        ("exp", None),
        ("exp", True),
        ("exp", float("inf")),
        ("exp", float("nan")),
        ("iat", now + 10_000),
        ("iat", "soon"),
        ("iat", {}),
        ("nbf", now + 10_000),
        ("type", "refresh"),
        ("type", ["access"]),
        ("type", None),
        ("jti", ""),
        ("jti", 7),
        ("jti", "a\0b"),
        ("jti", None),
        ("sub", "a\0b"),
        ("sub", "\ud800"),
        ("sub", ""),
        ("sub", 7),
        ("sub", [DEVELOPER]),
        ("sub", None),
        ("sub", "x" * 5000),
        ("sub", "' OR true --"),
    ]


def _encoded(claims: dict[str, Any], subject: object) -> str:
    """Sign a subject that the library would not."""
    body = jwt.utils.base64url_encode(json.dumps(claims | {"sub": subject}).encode())
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
    signed = head + b"." + body
    key = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return (signed + b"." + jwt.utils.base64url_encode(key.sign(signed, key.prepare_key(JWT_SECRET)))).decode()


@pytest.mark.proves("input.tokens", "tokens.foreign-is-401", "tokens.malformed-is-401", "tokens.claims-are-required")
async def test_no_bad_token_is_more_than_401(service: Service) -> None:
    async with service.client_with(None) as client:
        for name, token in bad_tokens().items():
            headers = {"Authorization": f"Bearer {token}"}
            for path in ("/conversations", f"/conversations/{uuid4()}"):
                response = await client.http.get(path, headers=headers)
                assert response.status_code == 401, f"{name}: {response.status_code}"
                assert response.json() == {"detail": "Not authenticated"}
                assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.proves("input.tokens")
async def test_no_bad_header_is_more_than_401(service: Service) -> None:
    good = forged(claims_of(DEVELOPER))
    values = [
        "",
        "Bearer",
        f"Basic {good}",
        good,
        f"Bearer {good} {good}",
        "Bearer \xff\xfe",
        "Bearer ik_",
        "Bearer ik__x",
    ]
    async with service.client_with(None) as client:
        for value in values:
            headers = {b"Authorization": value.encode("latin-1")}
            response = await client.http.get("/conversations", headers=headers)
            assert response.status_code == 401, value
