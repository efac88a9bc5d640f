"""Fixtures of the tests in a real browser: Chromium, the service with its page, and users of their own."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from local.company.principals import ADMINISTRATOR_EMAIL
from local.node import find_node, set_up_page
from local.npm import INSTALL, is_installed
from tests.support.browser import DESKTOP, chromium, running_browser
from tests.support.page_service import PageService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Browser, Page
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

PACKAGE = Path(__file__).parent
INSTALL_SECONDS = 120
THINKER = "claude-opus-5-5"
"""A model whose thinking is shown."""


class OpenPage(Protocol):
    """Opens the chat page in a new tab."""

    def __call__(self, path: str = "/", size: tuple[int, int] = DESKTOP, *, is_dark: bool = False) -> Page:
        """Open a path of the service, such as the address of a conversation, or any URL."""
        ...


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(downloads: Path) -> Iterator[Browser]:
    """Run one browser; skip where the machine has none."""
    if chromium() is None:
        pytest.skip("there is no Chromium")
    with running_browser(downloads) as running:
        yield running


@pytest.fixture
def users(database: Database) -> list[str]:
    """Make two users without conversations; the third one is known to the demo API."""

    async def make() -> list[str]:
        return [await database.add_user(role="admin", is_admin=True), await database.add_user(), ADMINISTRATOR_EMAIL]

    return asyncio.run(make())


@pytest.fixture
def service(variables: dict[str, str], users: list[str], model_server: ModelServer) -> Iterator[PageService]:  # noqa: ARG001  # its script is the test's
    set_up_page(lambda _line: None)
    with PageService(variables | {"IMBI_ASSISTANT_MODEL": THINKER}, users) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, service: PageService) -> Iterator[OpenPage]:
    """Open pages, which are closed at the end; a page that has reported an error fails the test."""
    pages: list[Page] = []
    browser.errors.clear()

    def opened(path: str = "/", size: tuple[int, int] = DESKTOP, *, is_dark: bool = False) -> Page:
        url = path if path.startswith("http") else service.address + path
        page = browser.page(url, size, is_dark=is_dark)
        pages.append(page)
        page.wait_for("document.querySelector('#log > *')")
        return page

    yield opened
    for page in pages:
        page.close()
    assert browser.errors == []


@pytest.fixture(scope="session")
def axe() -> str:
    """Return the source of axe-core; skip where npm cannot install it."""
    if not is_installed(PACKAGE):
        node = find_node()
        if node is None:
            pytest.skip("there is no Node.js")
        command = [*node.npm, *INSTALL]
        ended = subprocess.run(command, cwd=PACKAGE, capture_output=True, timeout=INSTALL_SECONDS, check=False)  # noqa: S603  # npm with our own arguments
        if ended.returncode != 0:
            pytest.skip("npm could not install axe-core: can the package registry be reached?")
    return (PACKAGE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
