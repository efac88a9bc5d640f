"""Running answers that several tabs follow, on the chat page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import reply, text, wait
from tests.support.proxy import proxied

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.support.model_server import ModelServer
    from tests.support.page_service import PageService

pytestmark = pytest.mark.slow


def test_a_running_answer_is_followed_after_a_reload_and_in_another_tab(
    open_page: OpenPage, model_server: ModelServer
) -> None:
    gate, later = model_server.gate(), model_server.gate()
    model_server.script(reply(text("It begins", wait(gate), ", goes on", wait(later), " and ends.")))
    page = open_page()
    page.ask("Tell me")
    page.wait_for_text("It begins", ".answer")
    page.reload()
    page.wait_for_text("It begins", ".answer")
    other = open_page(f"/{page.evaluate('location.hash')}")
    other.wait_for_text("It begins", ".answer")
    gate.open()
    for tab in (page, other):
        tab.wait_for_text("It begins, goes on", ".answer")
    later.open()
    for tab in (page, other):
        tab.wait_for_text("It begins, goes on and ends.", ".answer")
        tab.wait_for("document.querySelector('.answer .foot')")
        assert tab.evaluate("document.querySelectorAll('.mine').length") == 1
        assert tab.text(".answer").count("It begins") == 1


def test_an_answer_goes_on_while_another_conversation_is_open(open_page: OpenPage, model_server: ModelServer) -> None:
    gate = model_server.gate()
    model_server.script(reply(text("First half", wait(gate), ", second half.")), reply(text("Other.")))
    page = open_page()
    page.ask("Tell me")
    page.wait_for_text("First half", ".answer")
    page.click("#new")
    page.ask("Something else")
    page.wait_for_text("Other.", ".answer")
    page.wait_for("document.querySelector('.answer .foot')")
    page.evaluate("history.back()")
    page.wait_for("document.querySelector('.welcome')")
    page.evaluate("history.back()")
    page.wait_for_text("First half", ".answer")
    gate.open()
    page.wait_for_text("First half, second half.", ".answer")


def test_a_tab_shows_what_another_tab_asks(open_page: OpenPage, model_server: ModelServer) -> None:
    gate = model_server.gate()
    model_server.script(reply(text("One.")), reply(text("Two", wait(gate), " and three.")))
    page = open_page()
    page.ask("First?")
    page.wait_for("document.querySelector('.answer .foot')")
    other = open_page(f"/{page.evaluate('location.hash')}")
    other.wait_for_text("One.", ".answer")
    page.ask("Second?")
    other.wait_for_text("Two", ".exchange:last-child .answer")
    gate.open()
    for tab in (page, other):
        tab.wait_for_text("Two and three.", ".exchange:last-child .answer")
        tab.wait_for("document.querySelectorAll('.answer .foot').length === 2")
        assert tab.evaluate("document.querySelectorAll('.exchange').length") == 2


def test_a_lost_connection_is_joined_again(
    open_page: OpenPage, service: PageService, model_server: ModelServer
) -> None:
    gate = model_server.gate()
    model_server.script(reply(text("Before", wait(gate), " and after.")))
    with proxied(service.address) as proxy:
        page = open_page(proxy.url)
        page.ask("Tell me")
        page.wait_for_text("Before", ".answer")
        proxy.reset()
        page.wait_for_text("Before", ".answer")
        gate.open()
        page.wait_for_text("Before and after.", ".answer")
        page.wait_for("document.querySelector('.answer .foot > *')")
        assert page.text(".answer").count("Before") == 1
