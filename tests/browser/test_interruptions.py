"""Answers that were interrupted, and questions that are asked again, on the chat page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import http_error, reply, text, wait

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow


def test_an_interrupted_answer_goes_on(open_page: OpenPage, model_server: ModelServer) -> None:
    gate = model_server.gate()
    model_server.script(reply(text("One, two", wait(gate))), reply(text("three, four.")))
    page = open_page()
    page.ask("Count")
    page.wait_for_text("One, two", ".answer")
    page.click("#stop")
    page.wait_for_text("Interrupted", ".ending")
    gate.open()
    page.reload()
    page.wait_for_text("Interrupted", ".ending")
    page.click(".ending button", "Go on")
    page.wait_for_text("three, four.", ".exchange:last-child .answer")
    page.wait_for("document.querySelectorAll('.ending > button').length === 0")


def test_a_failure_that_cannot_be_repeated_offers_no_retry(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(http_error(404, "not_found_error", "No such model"))
    page = open_page()
    page.ask("Anything?")
    page.wait_for("document.querySelector('.ending')")
    assert page.evaluate("document.querySelectorAll('.ending > button').length") == 0
    page.reload()
    page.wait_for("document.querySelector('.ending')")
    assert page.evaluate("document.querySelectorAll('.ending > button').length") == 0


def test_a_question_is_edited_and_asked_again(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(reply(text("Two.")), reply(text("Blue.")), reply(text("Four.")), reply(text("Really four.")))
    page = open_page()
    page.ask("One and one?")
    page.wait_for("document.querySelector('.answer .foot')")
    page.ask("Colour?")
    page.wait_for_text("Blue.", ".exchange:last-child .answer")
    page.wait_for("document.querySelectorAll('.answer .foot').length === 2")
    page.click(".mine .edit", "Edit")
    page.evaluate("document.querySelector('.editing textarea').select()")
    page.type("Two and two?")
    page.press("Enter")
    page.wait_for_text("Four.", ".answer")
    page.wait_for("document.querySelector('.answer .foot button')")
    assert page.evaluate("document.querySelectorAll('.exchange').length") == 1
    page.click(".foot button", "Try again")
    page.wait_for_text("Really four.", ".answer")
    page.wait_for("document.querySelector('.answer .foot button')")
    page.reload()
    page.wait_for_text("Really four.", ".answer")
    assert page.evaluate("document.querySelectorAll('.exchange').length") == 1
    assert "Two and two?" in page.text("#log")
