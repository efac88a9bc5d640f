"""The chat page and its routes."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import FastAPI

from local.node import set_up_page
from local.page import page_router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

USERS = ("developer@example.com", "admin@example.com")
HERE = ("127.0.0.1", 5000)


def app() -> FastAPI:
    application = FastAPI()
    application.include_router(page_router(lambda user: f"token of {user}", USERS, "/assistant", samples=["One?"]))
    return application


def visitor(address: tuple[str, int] = HERE, url: str = "http://localhost:8002") -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app(), client=address), base_url=url)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    async with visitor() as client:
        yield client


@pytest.mark.anyio
async def test_the_page_loads_nothing_from_elsewhere(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    import_map = page.text.split('<script type="importmap">')[1].split("</script>")[0]
    assert base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode() in policy
    assert "//" not in page.text.replace("http://www.w3.org/2000/svg", "")
    for inline in ("<script>", "<style", " style=", "onclick"):
        assert inline not in page.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "media_type"),
    [("app.mjs", "text/javascript"), ("markdown_view.mjs", "text/javascript"), ("style.css", "text/css")],
)
async def test_the_files_of_the_page_are_served(browser: httpx2.AsyncClient, name: str, media_type: str) -> None:
    found = await browser.get(f"/_page/{name}")
    assert found.status_code == 200
    assert found.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert "innerHTML" not in found.text


@pytest.mark.anyio
async def test_every_library_of_the_import_map_is_served(browser: httpx2.AsyncClient) -> None:
    set_up_page(lambda _line: None)
    page = (await browser.get("/")).text
    names = set(re.findall(r'"/_page/(lib/[^"]+)"', page))
    assert len(names) == 5
    for name in names:
        found = await browser.get(f"/_page/{name}")
        assert (found.status_code, found.headers["content-type"]) == (200, "text/javascript; charset=utf-8")


FOREIGN = ["index.html", "nothing.mjs", "..%2Frouter.py", "%2e%2e%2f__init__.py", "lib/package.json", "lib/marked.js"]


@pytest.mark.anyio
@pytest.mark.parametrize("name", [*FOREIGN, "lib/..%2F..%2Fpackage.json", "lib/marked%2Flib%2Fmarked.umd.js"])
async def test_no_other_file_is_served(browser: httpx2.AsyncClient, name: str) -> None:
    assert (await browser.get(f"/_page/{name}")).status_code == 404


@pytest.mark.anyio
async def test_the_page_gets_prefix_users_and_samples(browser: httpx2.AsyncClient) -> None:
    config = (await browser.get("/_page/config")).json()
    assert config == {"prefix": "/assistant", "users": list(USERS), "samples": ["One?"]}


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["http://localhost:8002", "http://127.0.0.1:8002", "http://[::1]:8002"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_gets_a_token_for_a_development_user(url: str, address: str) -> None:
    async with visitor((address, 5000), url) as client:
        answer = await client.get("/_page/token", params={"user": USERS[1]})
    assert answer.status_code == 200
    assert answer.json() == {"token": "token of admin@example.com"}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "evil.example.com:8002",
        "localhost.evil.example.com",
        "127.0.0.1.evil.example.com",
        "10.0.0.7",
        "",
        "[::1",
    ],
)
async def test_a_foreign_host_gets_no_token(browser: httpx2.AsyncClient, host: str) -> None:
    answer = await browser.get("/_page/token", params={"user": USERS[0]}, headers={"Host": host})
    assert answer.status_code == 403
    assert "token of" not in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"])
async def test_another_machine_gets_no_token(address: str) -> None:
    async with visitor((address, 5000)) as client:
        assert (await client.get("/_page/token", params={"user": USERS[0]})).status_code == 403


@pytest.mark.anyio
async def test_another_sites_page_gets_no_token(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/_page/token", params={"user": USERS[0]}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.anyio
async def test_others_than_the_development_users_get_no_token(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/_page/token", params={"user": "nobody@example.com"})).status_code == 404
