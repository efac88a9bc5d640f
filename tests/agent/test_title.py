"""Titles: which model writes them, how an answer is cleaned, and the words that serve instead."""

from __future__ import annotations

import pytest

from shared.agent.title import TITLE_MODEL, choose_title, clean_title, first_words, title_model
from tests.support.agent_fakes import ScriptedModel, said


@pytest.mark.proves("title.model")
@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-opus-5-5", "claude-haiku-4-5-20251001", TITLE_MODEL])
def test_the_cheapest_model_writes_titles_on_anthropics_own_api(model: str) -> None:
    assert title_model(model) == TITLE_MODEL
    assert title_model(model, "https://api.anthropic.com") == TITLE_MODEL
    assert title_model(model, "https://api.anthropic.com/v1/") == TITLE_MODEL


@pytest.mark.proves("title.model")
def test_elsewhere_the_conversations_own_model_writes_them() -> None:
    assert title_model("claude-sonnet-5-5", "http://127.0.0.1:4000") == "claude-sonnet-5-5"
    assert title_model("claude-sonnet-5-5", "https://api.anthropic.com.example.com") == "claude-sonnet-5-5"
    assert title_model("anthropic.claude-sonnet-5-5", None, "bedrock") == "anthropic.claude-sonnet-5-5"
    assert title_model("claude-sonnet-5-5", None, "aws") == "claude-sonnet-5-5"
    assert title_model("llama-4") == "llama-4"


@pytest.mark.proves("title.clean")
@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Rollback of the web shop", "Rollback of the web shop"),
        ("One two three four five six seven", "One two three four five six"),
        ("Here is a title: Rollback plan", "Rollback plan"),
        ("Here's a title for the conversation:\n\n**Rollback plan**", "Rollback plan"),
        ("Sure! Here is the title:\n\u201cRollback plan\u201d", "Rollback plan"),
        ("**Title:** Rollback plan.", "Rollback plan"),
        ("Conversation title: Rollback plan", "Rollback plan"),
        ("The title is: Rollback plan", "Rollback plan"),
        ("# Title: \u00abRollback plan\u00bb", "Rollback plan"),
        ("1. Rollback plan\n2. Plan of a rollback", "Rollback plan"),
        ("> *Rollback* `plan`", "Rollback plan"),
        ("\u201eGr\u00f6\u00dfe der Teams\u201c", "Gr\u00f6\u00dfe der Teams"),
        ("Here is where: the logs are", "Here is where: the logs are"),
        ("Titles of documents", "Titles of documents"),
        ("What is C#?", "What is C#?"),
        ("the user_id field", "the user_id field"),
        ('""', ""),
        ("Here is a title:", ""),
        (" \n\t\n", ""),
        ("***", ""),
    ],
)
def test_a_title_loses_introductions_quotes_and_markdown(written: str, title: str) -> None:
    assert clean_title(written) == title


@pytest.mark.proves("title.clean")
def test_a_title_without_spaces_is_cut_too() -> None:
    assert len(clean_title("\u8a9e" * 500)) == 80


@pytest.mark.proves("title.fallback")
@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Which projects are there?", "Which projects are there?"),
        ("word " * 11 + "abcde fghij", "word " * 10 + "word…"),
        ("x" * 61, "x" * 59 + "…"),
        ("x" * 60, "x" * 60),
        ("x" * 59 + " yz", "x" * 59 + "…"),
        ("# Heading\n- one\n- **two**", "Heading one two"),
        ("<context>\na\n</context>\n\nWho owns foo_bar?", "Who owns foo_bar?"),
        ("<search_context>a</search_context>", "New conversation"),
        ("???", "New conversation"),
        ("", "New conversation"),
    ],
)
def test_the_first_words_are_cut_between_words(question: str, title: str) -> None:
    assert first_words(question) == title
    assert len(first_words(question)) <= 60


@pytest.mark.proves("title.model")
async def test_a_title_is_asked_for_with_low_effort_and_without_the_uis_blocks() -> None:
    model = ScriptedModel([said("Title: Projects of Platform")])
    question = "<context>\nsecret: 42\n</context>\n\nWhich projects are there?"
    title, usage = await choose_title(model, TITLE_MODEL, question)
    assert (title, usage) == ("Projects of Platform", said("").usage)
    [request] = model.requests
    assert (request.model, request.effort) == (TITLE_MODEL, "low")
    assert "Which projects are there?" in str(request.messages)
    assert "42" not in str(request.messages)
