"""The user's words without what the web UI puts around them."""

from __future__ import annotations

import time

import pytest

from shared.domain.user_text import without_ui_blocks

QUESTION = "Which projects are there?"


@pytest.mark.proves("title.from-the-words")
@pytest.mark.parametrize(
    "text",
    [
        f"<context>\nUser: Ada\nOrganization: Fernwood (fernwood)\n</context>\n\n{QUESTION}",
        f'<search_context>\nUser searched for: "x"\n\nTop results:\n1. Project: "y"\n</search_context>\n\n{QUESTION}',
        f"<context>\na\n</context>\n\n<search_context>\nb\n</search_context>\n\n{QUESTION}",
        f"<context>a</context><search_context>b</search_context>{QUESTION}",
        f'  <Context page="/projects">\na\n</CONTEXT >\n{QUESTION}',
        f"{QUESTION}\n<context>\nsecret\n</context>",
        f"<context>\na\n</context>\n\n{QUESTION}\n\n<search_context>\nb\n",
        f"<context>\nnever closed\n\n{QUESTION}",
        f"<context>\n<context>a</context>\nb <CONTEXT x='1'>c</context>\n</Context>\n\n{QUESTION}",
        f"<search_context>\nA project's text: <context>, </search_context>\n{QUESTION}",
        f"<context>\nan odd <context> in it\n</context>\n{QUESTION}",
    ],
)
def test_blocks_of_the_ui_are_left_out(text: str) -> None:
    assert without_ui_blocks(text) == QUESTION


@pytest.mark.proves("title.from-the-words")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "  spaces stay \n",
        "What does <context>x</context> mean?",
        "<context:component-scan/>\nWhat does this do?",
        "<contextual>words</contextual>",
        "<context",
        "<context without end\n",
        "</context>\nHello",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert without_ui_blocks(text) == text


@pytest.mark.proves("title.from-the-words")
@pytest.mark.parametrize("text", ["<context>a</context>", "<search_context>\n", "<context>\na\n</context>\n\n"])
def test_a_message_of_blocks_alone_has_no_words(text: str) -> None:
    assert without_ui_blocks(text) == ""


@pytest.mark.proves("title.linear")
@pytest.mark.parametrize(
    "piece",
    [
        "<context ",
        "<context>",
        "<context>\n",
        "<context \n",
        "<context></context>\n",
        "<search_context>\n<context>\n\n",
        "\n<context" + " " * 40,
        "</context   ",
        "<context>a</context>\n<context>",
        "<context> <context></context>\n",
        "\n \n",
    ],
)
def test_the_time_is_linear_whatever_the_text(piece: str) -> None:
    began = time.monotonic()
    without_ui_blocks(piece * 10_000)
    without_ui_blocks("<context>" + piece * 10_000)
    assert time.monotonic() - began < 10  # the bound is for a hang: it takes milliseconds
