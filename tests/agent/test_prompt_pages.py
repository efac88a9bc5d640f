"""The UI's pages for the prompt: the built-in list, and what an llms.txt may bring into the prompt."""

from __future__ import annotations

import re

import httpx2
import pytest

from shared.agent.ui_links import BUILT_IN, UrlPatterns


async def patterns_of(content: str | bytes, status: int = 200) -> str:
    """Read the pages of a UI whose llms.txt has this content."""
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(status, content=content))
    pages = UrlPatterns("https://imbi.example.com", transport=transport)
    text = await pages.text()
    await pages.aclose()
    return text


@pytest.mark.proves("prompt.url-patterns")
@pytest.mark.parametrize(
    "page",
    [
        "/dashboard",
        "/projects",
        "/projects/{project_id}",
        "/projects/{project_id}/{tab}",
        "/operations-log",
        "/documents",
        "/reports/{id}",
        "/users/{email}",
        "/settings/{tab}",
        "/admin/{section}",
        "/admin/{section}/{slug}",
        "/admin/{section}/new",
        "/admin/{section}/{slug}/edit",
    ],
)
def test_the_built_in_list_has_the_uis_pages(page: str) -> None:
    assert page in re.findall(r"/[\w{}/-]+", BUILT_IN)


@pytest.mark.proves("prompt.url-patterns")
def test_the_built_in_list_has_no_page_that_the_ui_lacks() -> None:
    assert not re.search(r"(?<!admin)/teams", BUILT_IN)
    assert "relationships" in BUILT_IN
    assert all(line.startswith("- /") for line in BUILT_IN.splitlines())


@pytest.mark.proves("prompt.url-patterns", "prompt.hostile-text")
async def test_a_long_text_is_cut_at_the_end_of_a_line() -> None:
    line = "- /things/{id}: a thing with a description\n"
    text = await patterns_of(line * 1_000)
    assert 7_900 < len(text) <= 8_000
    assert set(text.splitlines()) == {line.strip()}
    assert len(await patterns_of("x" * 50_000)) == 8_000


@pytest.mark.proves("prompt.hostile-text")
async def test_characters_that_nobody_sees_are_removed() -> None:
    text = await patterns_of("\ufeff- /a:\x00 one\x07\n- /b:\u202e two\u2066\n\x1b[31m- /c\xff".encode())
    assert text == "- /a: one\n- /b: two\n[31m- /c\xff"


@pytest.mark.proves("prompt.url-patterns")
@pytest.mark.parametrize(("content", "status"), [(b"", 200), (b" \n", 200), (b"<!doctype html>", 200), (b"x", 404)])
async def test_what_is_no_list_is_not_used(content: bytes, status: int) -> None:
    assert await patterns_of(content, status) == BUILT_IN
