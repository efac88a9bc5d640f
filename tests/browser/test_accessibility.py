"""The chat page for everybody: no serious finding of axe-core in any state, and the keyboard reaches everything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.test_conversations import MARKDOWN
from tests.support.browser import DESKTOP, PHONE
from tests.support.model_server import http_error, reply, text, tool

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.support.browser import Page
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow


def findings(page: Page, axe: str) -> list[str]:
    """Return the serious and critical findings of the present state, each with its places."""
    page.evaluate(f"{axe}; undefined")
    found = page.evaluate(
        """axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations
        .filter(({impact}) => impact === "serious" || impact === "critical")
        .map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map(({html}) => html.slice(0, 160)).join(" | ")}`))"""
    )
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_state_has_a_serious_finding(
    open_page: OpenPage, model_server: ModelServer, axe: str, size: tuple[int, int], *, is_dark: bool
) -> None:
    page = open_page(size=size, is_dark=is_dark)
    seen = {"start": findings(page, axe)}
    model_server.script(
        reply(text("I look."), tool("list_organizations", {})), reply(text(MARKDOWN)), http_error(400, "x", "No")
    )
    model_server.allow_refusals()
    page.ask("How?")
    page.wait_for("document.querySelector('.answer .foot')")
    page.click(".activity > summary")
    page.click(".call > summary")
    seen["answer"] = findings(page, axe)
    page.click("#actions summary")
    seen["menu"] = findings(page, axe)
    page.click("#actions button", "Rename")
    seen["dialog"] = findings(page, axe)
    page.press("Escape")
    page.evaluate("document.querySelector('.mine .edit').click()")
    seen["editing"] = findings(page, axe)
    page.press("Escape")
    page.ask("And now?")
    page.wait_for("document.querySelector('.ending')")
    seen["failure"] = findings(page, axe)
    if size == PHONE:
        page.click("#menu")
        page.evaluate("new Promise((resolve) => { setTimeout(resolve, 300); })")
        seen["list"] = findings(page, axe)
    assert {state: found for state, found in seen.items() if found} == {}, json.dumps(seen, indent=1)


def test_the_keyboard_reaches_the_question_at_once(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate("document.activeElement.blur()")
    page.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.press("Enter")
    assert page.evaluate("document.activeElement.id") == "question"


def test_on_a_phone_the_list_takes_the_focus_and_gives_it_back(open_page: OpenPage) -> None:
    page = open_page(size=PHONE)
    page.click("#menu")
    page.wait_for("document.activeElement.id === 'new'")
    assert page.evaluate("document.getElementById('main').inert") is True
    page.press("Escape")
    page.wait_for("document.activeElement.id === 'menu'")
    assert page.evaluate("document.getElementById('main').inert") is False
