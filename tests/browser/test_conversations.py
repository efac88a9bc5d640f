"""Conversations on the chat page, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import reply, text, thinking, tool, wait

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import OpenPage
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow

MARKDOWN = """\
# Result

| Command | Meaning |
|---|--:|
| `a | b` | a pipe |

1. one
   - two
     - [x] three

```python
def answer() -> int:
    return 42
```

The sum is $x^2 + 1$, it costs $5 or $10.[^1]

<img src=x onerror="window.isHacked = true"> [link](javascript:window.isHacked=true) <service-name>

[^1]: A note.
"""


def test_an_answer_is_streamed_and_rendered(open_page: OpenPage, model_server: ModelServer) -> None:
    gate = model_server.gate()
    model_server.script(reply(text(MARKDOWN[:60], wait(gate), MARKDOWN[60:], chunks=20)))
    page = open_page()
    page.ask("How?")
    page.wait_for_text("Result", ".answer h1")
    assert page.evaluate("document.querySelector('.answer .foot')") is None
    gate.open()
    page.wait_for("document.querySelector('.answer .foot')")
    found = """({
        cell: document.querySelector('td code').textContent,
        depth: document.querySelectorAll('.answer ol ul ul .task').length,
        language: document.querySelector('.code-bar span').textContent,
        coloured: document.querySelectorAll('.code .hljs-keyword').length > 0,
        formulas: document.querySelectorAll('.math math').length,
        notes: document.querySelectorAll('.footnotes li').length,
        pictures: document.querySelectorAll('.answer img').length,
        scripts: document.querySelectorAll('.answer a[href^=javascript]').length,
        hacked: Boolean(window.isHacked),
    })"""
    assert page.evaluate(found) == {
        "cell": "a | b",
        "depth": 1,
        "language": "python",
        "coloured": True,
        "formulas": 1,
        "notes": 1,
        "pictures": 0,
        "scripts": 0,
        "hacked": False,
    }
    assert "it costs $5 or $10" in page.text(".answer")
    assert "<service-name>" in page.text(".answer")
    page.click(".answer sup a")
    assert page.evaluate("document.activeElement.id").endswith("note-1")
    assert page.evaluate("document.querySelectorAll('.mine').length") == 1


def test_tools_and_thoughts_are_folded_away(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(
        reply(thinking("I should look at the organizations."), tool("list_organizations", {})),
        reply(text("There is one.")),
    )
    page = open_page()
    page.ask("Which organizations are there?")
    page.wait_for_text("There is one.", ".answer")
    page.wait_for("document.querySelector('.answer .foot')")
    assert page.evaluate("[...document.querySelectorAll('.answer details')].some((one) => one.open)") is False

    def opened() -> list[str]:
        page.wait_for_text("There is one.", ".answer")
        assert "1 tool call" in page.text(".activity > summary")
        page.click(".thoughts > summary")
        page.click(".activity > summary")
        page.click(".call > summary")
        page.wait_for_text("Result", ".call")
        return [page.text(".thoughts"), page.text(".activity")]

    live = opened()
    assert "I should look at the organizations." in live[0]
    assert " ms" in live[1]
    page.reload()
    assert opened() == live


def test_what_the_browser_was_asked_to_do_is_shown_again(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(reply(tool("navigate_to", {"path": "/projects/a1"})), reply(text("There you are.")))
    page = open_page()
    page.ask("Open the project")
    for _ in range(2):
        page.wait_for_text("There you are.", ".answer")
        assert "open /projects/a1" in page.text(".note")
        page.reload()


def test_a_wide_table_scrolls_and_breaks_no_word(open_page: OpenPage, model_server: ModelServer) -> None:
    columns = [f"Column-number-{number}" for number in range(12)]
    source = f"| {' | '.join(columns)} |\n|{'---|' * 12}\n| {' | '.join(columns)} |"
    model_server.script(reply(text(source)))
    page = open_page(size=(390, 844))
    page.ask("Table")
    page.wait_for("document.querySelector('.answer .foot')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "(({scrollWidth, clientWidth}) => scrollWidth > clientWidth)(document.querySelector('.table'))"
    )
    assert page.evaluate("document.querySelector('td').getClientRects()[0].height") < 60


def test_drafts_are_kept_for_each_conversation(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(reply(text("Yes.")))
    page = open_page()
    page.ask("Is it?")
    page.wait_for("document.querySelector('.answer .foot')")
    page.evaluate("document.getElementById('question').focus()")
    page.type("half a question")
    page.click("#new")
    assert page.evaluate("document.getElementById('question').value") == ""
    page.type("another half")
    page.click(".conversation a")
    page.wait_for("document.getElementById('question').value === 'half a question'")
    page.reload()
    page.wait_for("document.getElementById('question').value === 'half a question'")


def test_a_user_switch_goes_to_the_start_of_the_other_user(
    open_page: OpenPage, model_server: ModelServer, users: list[str]
) -> None:
    model_server.script(reply(text("A secret.")))
    page = open_page()
    page.ask("Tell me")
    page.wait_for("document.querySelector('.answer .foot')")
    page.choose("#user", users[1])
    page.wait_for("document.querySelector('.welcome') && location.hash === ''")
    page.wait_for_text("No conversations yet", "#conversations")
    assert "secret" not in page.text()


def test_escape_closes_what_is_open_before_it_stops_the_answer(open_page: OpenPage, model_server: ModelServer) -> None:
    gate = model_server.gate()
    model_server.script(reply(text("Begun", wait(gate), " and done.")))
    page = open_page()
    page.ask("Go")
    page.wait_for_text("Begun", ".answer")
    page.click("#actions summary")
    page.press("Escape")
    page.wait_for("!document.querySelector('details.menu[open]')")
    assert page.evaluate("document.getElementById('stop').checkVisibility()")
    page.press("Escape")
    page.wait_for("document.getElementById('send').checkVisibility()")
    gate.open()
    page.wait_for_text("Begun", ".answer")
    page.wait_for_text("Interrupted", ".ending")


def test_conversations_are_found_by_their_words(open_page: OpenPage, model_server: ModelServer) -> None:
    model_server.script(reply(text("By the rollback script.")), reply(text("Never.")))
    page = open_page()
    page.ask("How do we go back?")
    page.wait_for("document.querySelector('.answer .foot')")
    page.click("#new")
    page.ask("When is Christmas?")
    page.wait_for_text("Never.", ".answer")
    page.wait_for("document.querySelectorAll('.conversation').length === 2")
    page.evaluate("document.getElementById('search').focus()")
    page.type("rollback")
    page.wait_for("document.querySelectorAll('.conversation').length === 1")
    page.wait_for_text("rollback", ".conversation mark")
    page.click(".conversation a")
    page.wait_for_text("By the rollback script.", ".answer")
    page.evaluate("document.getElementById('search').focus()")
    page.press("Escape")
    page.wait_for("document.querySelectorAll('.conversation').length === 2")


def test_a_conversation_is_exported(open_page: OpenPage, model_server: ModelServer, downloads: Path) -> None:
    model_server.script(reply(text("By the script.")))
    page = open_page()
    page.ask("How do we go back?")
    page.wait_for("document.querySelector('.answer .foot')")
    for label, pattern in (("Export as Markdown", "*.md"), ("Export as JSON", "*.json")):
        page.click("#actions summary")
        page.click("#actions button", label)
        assert "By the script." in page.wait_for_file(downloads, pattern).read_text(encoding="utf-8")
