"""Changes on the chat page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.company.principals import ADMINISTRATOR_EMAIL, ORGANIZATION_SLUG
from tests.browser.test_accessibility import findings
from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow

OUTCOMES = {"Approve": "Approved", "Reject": "Rejected"}


@pytest.mark.parametrize("decision", ["Approve", "Reject"])
def test_a_change_is_approved_or_rejected(
    open_page: OpenPage, model_server: ModelServer, axe: str, decision: str
) -> None:
    arguments = {"org_slug": "acme", "slug": "no-such-team"}
    model_server.script(reply(text("I delete it."), tool("delete_team", arguments)), reply(text("That is all.")))
    page = open_page()
    page.ask("Delete the team")
    page.wait_for("document.querySelector('.approval')")
    assert "DELETE" in page.text(".approval")
    assert "Expires in 60 min" in page.text(".approval")
    page.reload()
    page.wait_for("document.querySelector('.approval')")
    assert findings(page, axe) == []
    page.click(".approval button", decision)
    page.wait_for_text("That is all.", ".exchange")
    page.wait_for("!document.querySelector('.approval')")
    for _ in range(2):
        page.wait_for_text(OUTCOMES[decision], ".outcome")
        assert "DELETE" in page.text(".outcome")
        assert ("1 not approved" in page.text(".activity > summary")) is (decision == "Reject")
        page.reload()
        page.wait_for_text("That is all.", ".exchange")
    assert page.evaluate("document.querySelector('.approval')") is None


def test_a_decision_that_another_tab_has_made_is_shown(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(
        reply(text("I delete it."), tool("delete_team", {"org_slug": "acme", "slug": "no-such-team"})),
        reply(text("That is all.")),
    )
    page = open_page()
    page.ask("Delete the team")
    page.wait_for("document.querySelector('.approval')")
    # This tab does not hear of the other one.
    page.evaluate("BroadcastChannel.prototype.postMessage = () => {}; undefined")
    other = open_page(f"/{page.evaluate('location.hash')}")
    other.wait_for("document.querySelector('.approval')")
    page.click(".approval button", "Reject")
    page.wait_for_text("That is all.", ".exchange")
    if other.evaluate("Boolean(document.querySelector('.approval'))"):
        other.click(".approval button", "Approve")
    other.wait_for_text("Rejected", ".outcome")
    other.wait_for_text("That is all.", ".exchange")
    assert other.evaluate("document.querySelector('.approval, .ending')") is None


def test_a_change_leaves_a_receipt(open_page: OpenPage, model_server: ModelServer) -> None:
    def described(words: str) -> dict[str, object]:
        step = {"op": "replace", "path": "/description", "value": words}
        return {"org_slug": ORGANIZATION_SLUG, "slug": "checkout", "operations": [step]}

    model_server.script(reply(tool("patch_team", described("Sells."))), reply(text("It is changed.")))
    page = open_page()
    page.choose("#user", ADMINISTRATOR_EMAIL)
    page.wait_for("document.querySelector('.welcome')")
    page.ask("Describe the team")
    page.wait_for_text("It is changed.", ".answer")
    for _ in range(2):
        page.wait_for_text("Sells.", ".receipt")
        assert "description" in page.text(".receipt")
        assert "/organizations/fernwood/teams/checkout" in page.text(".receipt")
        page.reload()
