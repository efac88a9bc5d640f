"""Credentials, stack traces and internal addresses removed from texts."""

from __future__ import annotations

import pytest

from shared.tools.results.redaction import MAX_READ_CHARS, without_internals, without_secret, without_urls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Broken.\nTraceback (most recent call last):\n  File x", "Broken."),
        ('Broken.\n  File "a.py", line 1', "Broken."),
        ("sent Bearer abc.def to it", "sent … to it"),
        ("sent eyJa.b.c and eyJ-eyJ-x", "sent … and eyJ-eyJ-x"),
        ("a\0b\ud800", "ab"),
        ("x" * 20_000, "x" * MAX_READ_CHARS),
    ],
)
def test_a_failure_loses_credentials_and_stack_traces(text: str, expected: str) -> None:
    assert without_internals(text) == expected


@pytest.mark.parametrize(
    ("text", "public", "private"),
    [
        ("see https://docs.example.com/a.", "see https://docs.example.com/a.", "see …."),
        ("see http://10.0.0.1/x, ok", "see …, ok", "see …, ok"),
        ("at 1http://db.internal/x and svn+ssh://u:p@h.example.com", "at 1… and svn+…", "at 1… and svn+…"),
        ("a-" * 3_000, "a-" * 3_000, "a-" * 3_000),
    ],
)
def test_urls_of_internal_hosts_are_removed(text: str, public: str, private: str) -> None:
    assert without_urls(text, keep_public=True) == public
    assert without_urls(text, keep_public=False) == private


def test_a_secret_is_replaced_and_a_very_short_one_is_not() -> None:
    assert without_secret("a token-123 b token-123", "token-123") == "a … b …"
    assert without_secret("abc", "") == "abc"
    assert without_secret("abc", "a") == "abc"
