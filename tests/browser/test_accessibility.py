"""The chat page for everybody: no serious finding of axe-core in any state, and the keyboard reaches everything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.company.principals import ADMINISTRATOR_EMAIL, ORGANIZATION_SLUG
from tests.browser.test_conversations import MARKDOWN
from tests.support.browser import DESKTOP, PHONE
from tests.support.model_server import http_error, reply, text, thinking, tool, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import OpenPage
    from tests.support.browser import Page
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow

SIZES = {"desktop": DESKTOP, "phone": PHONE}
LOOKS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]


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


@pytest.fixture(params=LOOKS, ids=["-".join(look) for look in LOOKS])
def look(request: pytest.FixtureRequest, open_page: OpenPage, axe: str) -> Iterator[tuple[Page, Callable[[str], None]]]:
    """Open a page in each size and colour scheme; `see(state)` notes the findings, of which there must be none."""
    size, scheme = request.param
    page = open_page(size=SIZES[size], is_dark=scheme == "dark")
    seen: dict[str, list[str]] = {}

    def see(state: str) -> None:
        seen[state] = findings(page, axe)

    yield page, see
    assert {state: found for state, found in seen.items() if found} == {}, json.dumps(seen, indent=1)


def open_list(page: Page) -> None:
    """Show the list of conversations, which a phone hides."""
    if page.evaluate("document.getElementById('menu').checkVisibility()"):
        page.click("#menu")
        page.evaluate("new Promise((resolve) => { setTimeout(resolve, 300); })")


def test_an_answer_has_no_serious_finding_in_any_state(
    look: tuple[Page, Callable[[str], None]], model_server: ModelServer
) -> None:
    page, see = look
    see("start")
    gate = model_server.gate()
    model_server.script(
        reply(thinking("I look."), text("I look."), tool("list_organizations", {})),
        reply(text(MARKDOWN[:40], wait(gate), MARKDOWN[40:])),
        http_error(400, "x", "No"),
    )
    model_server.allow_refusals()
    page.ask("How?")
    page.wait_for_text("Result", ".answer h1")
    see("running")
    gate.open()
    page.wait_for("document.querySelector('.answer .foot')")
    for folded in (".thoughts", ".activity", ".call"):
        page.click(f"{folded} > summary")
    see("answer")
    page.click("#actions summary")
    see("menu")
    page.click("#actions button", "Rename")
    see("dialog")
    page.press("Escape")
    page.evaluate("document.querySelector('.mine .edit').click()")
    see("editing")
    page.press("Escape")
    page.ask("And now?")
    page.wait_for("document.querySelector('.ending')")
    see("failure")
    open_list(page)
    see("list")
    page.evaluate("document.getElementById('search').focus()")
    page.type("how")
    page.wait_for("document.querySelector('.conversation mark')")
    see("found")
    page.type("ever nothing")
    page.wait_for_text("Nothing found", "#conversations")
    see("nothing found")


def test_an_interruption_has_no_serious_finding(
    look: tuple[Page, Callable[[str], None]], model_server: ModelServer
) -> None:
    page, see = look
    gate = model_server.gate()
    model_server.script(reply(text("One, two", wait(gate))), reply(text("Blue.")))
    page.ask("Count")
    page.wait_for_text("One, two", ".answer")
    page.click("#stop")
    page.wait_for_text("Interrupted", ".ending")
    see("interrupted")
    gate.open()
    page.click(".ending button", "Try again")
    page.wait_for_text("Blue.", ".answer")
    page.wait_for("document.querySelector('.answer .foot button')")
    see("repeated")
    page.evaluate("fetch = () => Promise.reject(new TypeError('offline')); undefined")
    page.ask("Are you there?")
    page.wait_for_text("cannot be reached", ".ending")
    see("unreachable")
    page.click("#actions summary")
    page.click("#actions button", "Archive")
    page.wait_for("document.getElementById('toast').checkVisibility()")
    see("toast")


def test_a_change_has_no_serious_finding(look: tuple[Page, Callable[[str], None]], model_server: ModelServer) -> None:
    page, see = look
    page.choose("#user", ADMINISTRATOR_EMAIL)
    page.wait_for("document.querySelector('.welcome')")
    team = {"org_slug": ORGANIZATION_SLUG, "slug": "checkout"}
    step = {
        "op": "replace",
        "path": "/description",
        "value": f"Sells {page.evaluate('innerWidth + matchMedia(`(prefers-color-scheme: dark)`).matches')}.",
    }
    model_server.script(
        reply(tool("patch_team", team | {"operations": [step]})),
        reply(text("Changed."), tool("delete_team", {"org_slug": "acme", "slug": "none"})),
        reply(text("That is all.")),
    )
    page.ask("Describe the team")
    page.wait_for("document.querySelector('.approval')")
    see("asked")
    page.click(".asked summary")
    see("asked with inputs")
    page.click(".approval button", "Reject")
    page.wait_for_text("That is all.", ".exchange")
    page.wait_for("document.querySelector('.answer .foot small')")
    page.click(".outcome summary")
    see("decided")
    page.reload()
    page.wait_for_text("That is all.", ".exchange")
    see("decided and reloaded")


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


def test_everything_can_be_done_with_the_keyboard_alone(open_page: OpenPage, model_server: ModelServer) -> None:
    call = tool("delete_team", {"org_slug": "acme", "slug": "no-such-team"})
    model_server.script(reply(text("I delete it."), call), reply(text("That is all.")), reply(text("Blue.")))
    page = open_page()
    page.evaluate("document.getElementById('question').focus()")
    page.type("Delete the team")
    page.press("Enter")
    page.wait_for("document.querySelector('.approval')")
    page.tab_to("Reject")
    page.press("Enter")
    page.wait_for_text("That is all.", ".exchange")
    page.wait_for("document.querySelector('.answer .foot button')")
    page.tab_to("1 tool call")
    page.press("Enter")
    page.wait_for("document.querySelector('.activity').open")
    page.tab_to("Actions for")
    page.press("Enter")
    page.tab_to("Rename")
    page.press("Enter")
    page.type("A calm Thursday")
    page.press("Enter")
    page.wait_for_text("A calm Thursday", "#title")
    page.tab_to("Edit this question")
    page.press("Enter")
    page.evaluate("document.activeElement.select()")
    page.type("Which colour?")
    page.press("Enter")
    page.wait_for_text("Blue.", ".answer")
    page.wait_for("document.querySelector('.answer .foot button')")
    page.tab_to("Search conversations")
    page.type("colour")
    page.wait_for("document.querySelector('.conversation mark')")
    page.tab_to("A calm Thursday")
    page.press("Enter")
    page.wait_for_text("Which colour?", ".mine")
