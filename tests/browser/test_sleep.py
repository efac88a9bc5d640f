"""Connections that died without a sign, as after a laptop's sleep, and networks that come back, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import reply, text, wait
from tests.support.proxy import proxied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.conftest import OpenPage
    from tests.support.browser import Page
    from tests.support.model_server import ModelServer
    from tests.support.page_service import PageService
    from tests.support.proxy import Proxy

pytestmark = pytest.mark.slow

# The clock of the page, but not its timers, has run on meanwhile.
HOUR_LATER = "(() => { const now = Date.now; Date.now = () => now() + 3_600_000; })()"


@pytest.fixture
def proxy(service: PageService) -> Iterator[Proxy]:
    with proxied(service.address) as running:
        yield running


def shown_once(page: Page, answer: str, start: str) -> None:
    """Wait for a whole answer, and check that no part of it is shown twice."""
    page.wait_for_text(answer, ".answer")
    page.wait_for("document.querySelector('.answer .foot > *')")
    assert page.text(".answer").count(start) == 1
    assert page.evaluate("document.querySelectorAll('.mine').length") == 1
    assert page.evaluate("document.querySelectorAll('.answer').length") == 1


def fall_asleep(page: Page, proxy: Proxy) -> None:
    """Stop the page's timers, and let its connections die without FIN or RST."""
    page.command("Page.setWebLifecycleState", state="frozen")
    proxy.hang()


def wake_up(page: Page, proxy: Proxy) -> None:
    proxy.revive()
    page.command("Page.setWebLifecycleState", state="active")


@pytest.mark.parametrize("ends_meanwhile", [False, True], ids=["running", "ended"])
def test_an_answer_grows_on_after_a_sleep(
    open_page: OpenPage, proxy: Proxy, model_server: ModelServer, *, ends_meanwhile: bool
) -> None:
    asleep, awake = model_server.gate(), model_server.gate()
    model_server.script(reply(text("Before", wait(asleep), ", in the night", wait(awake), " and after.")))
    page = open_page(proxy.url)
    other = open_page()
    page.ask("Tell me")
    page.wait_for_text("Before", ".answer")
    other.open(f"{other.evaluate('location.origin')}/{page.evaluate('location.hash')}")
    other.wait_for_text("Before", ".answer")
    page.evaluate(HOUR_LATER)
    fall_asleep(page, proxy)
    asleep.open()
    other.wait_for_text("Before, in the night", ".answer")
    if ends_meanwhile:
        awake.open()
        shown_once(other, "Before, in the night and after.", "Before")
    wake_up(page, proxy)
    page.wait_for_text("Before, in the night", ".answer")
    awake.open()
    for tab in (page, other):
        shown_once(tab, "Before, in the night and after.", "Before")


def test_a_dead_connection_is_noticed_by_its_silence(
    open_page: OpenPage, proxy: Proxy, model_server: ModelServer
) -> None:
    """The page sees no event of a wake-up, only that its clock has run on."""
    gate = model_server.gate()
    model_server.script(reply(text("Before", wait(gate), " and after.")))
    page = open_page(proxy.url)
    page.ask("Tell me")
    page.wait_for_text("Before", ".answer")
    proxy.hang()
    proxy.revive()
    page.evaluate(HOUR_LATER)
    gate.open()
    shown_once(page, "Before and after.", "Before")


def test_offline_and_online_again_the_same_answer_grows(open_page: OpenPage, model_server: ModelServer) -> None:
    first, second = model_server.gate(), model_server.gate()
    model_server.script(reply(text("Before", wait(first), ", offline", wait(second), " and after.")))
    page = open_page()
    page.ask("Tell me")
    page.wait_for_text("Before", ".answer")
    other = open_page(f"/{page.evaluate('location.hash')}")
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.command("Network.enable")
    page.command("Network.emulateNetworkConditions", **offline)
    page.wait_for("!navigator.onLine")
    first.open()
    other.wait_for_text("Before, offline", ".answer")
    page.command("Network.emulateNetworkConditions", **offline | {"offline": False})
    page.wait_for_text("Before, offline", ".answer")
    second.open()
    for tab in (page, other):
        shown_once(tab, "Before, offline and after.", "Before")


def test_the_way_back_to_an_answer_whose_connection_died(
    open_page: OpenPage, proxy: Proxy, model_server: ModelServer
) -> None:
    gate = model_server.gate()
    model_server.script(reply(text("First half", wait(gate), ", second half.")), reply(text("Other.")))
    page = open_page(proxy.url)
    page.ask("Tell me")
    page.wait_for_text("First half", ".answer")
    proxy.hang()
    proxy.revive()
    page.click("#new")
    page.ask("Something else")
    page.wait_for_text("Other.", ".answer")
    page.wait_for("document.querySelector('.answer .foot > *')")
    page.evaluate("history.go(-2)")
    page.wait_for_text("First half", ".answer")
    gate.open()
    shown_once(page, "First half, second half.", "First half")


def test_a_network_that_stays_away_is_said_and_the_answer_comes_with_it(
    open_page: OpenPage, proxy: Proxy, model_server: ModelServer
) -> None:
    gate = model_server.gate()
    model_server.script(reply(text("Before", wait(gate), " and after.")))
    page = open_page(proxy.url)
    page.ask("Tell me")
    page.wait_for_text("Before", ".answer")
    # The waits between the attempts pass at once.
    page.evaluate("(() => { window.later = setTimeout; setTimeout = (action) => later(action); })()")
    proxy.kill()
    page.wait_for_text("The connection was lost", ".ending")
    assert page.evaluate("document.querySelectorAll('.ending > button').length") == 0
    proxy.revive()
    gate.open()
    page.evaluate("setTimeout = later; dispatchEvent(new Event('online')); undefined")
    shown_once(page, "Before and after.", "Before")
