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
    page.reload()
    page.wait_for_text("That is all.", ".exchange")
    assert page.evaluate("document.querySelector('.approval')") is None


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
    page.wait_for_text("Sells.", ".receipt")
    assert "description" in page.text(".receipt")
    assert "/organizations/fernwood/teams/checkout" in page.text(".receipt")
