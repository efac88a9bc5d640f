"""Feedback on the chat page, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.test_accessibility import findings
from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow

PRESSED = "[...document.querySelectorAll('.thumb[aria-pressed=true]')].map((thumb) => thumb.ariaLabel).join()"


def test_an_answer_is_rated_with_a_comment_and_the_rating_withdrawn(
    open_page: OpenPage, model_server: ModelServer, axe: str
) -> None:
    model_server.script(reply(text("Nobody owns it.")))
    page = open_page()
    page.ask("Who owns it?")
    page.wait_for("document.querySelector('.rating')")
    page.click(".thumb[aria-label='Bad answer']")
    page.wait_for("!document.querySelector('.comment').hidden")
    assert findings(page, axe) == []
    page.type("It is Ada's")
    page.press("Enter")
    page.wait_for("document.querySelector('.comment').hidden")
    page.reload()
    page.wait_for(f"{PRESSED} === 'Bad answer'")
    assert page.evaluate("document.querySelector('.rating').title") == "It is Ada's"
    page.click(".thumb[aria-label='Bad answer']")
    page.wait_for(f"{PRESSED} === ''")
    page.reload()
    page.wait_for("document.querySelector('.rating')")
    assert page.evaluate(PRESSED) == ""


def test_a_thumb_as_a_message_rates_the_answer_above(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(reply(text("Nobody owns it.")))
    page = open_page()
    page.ask("Who owns it?")
    page.wait_for("document.querySelector('.rating')")
    page.ask("👍🏽")
    page.wait_for_text("Thank you", ".exchange:last-child .answer")
    page.wait_for(f"{PRESSED} === 'Good answer'")
    assert page.evaluate("document.querySelectorAll('.rating').length") == 1
