"""Cases that are made of bad answers: redacted, and appended without a change of what was there."""

from __future__ import annotations

from uuid import uuid4

import pytest

from local.eval.cases import parse_cases
from local.eval.made_cases import with_case
from local.eval.redaction import redacted
from local.eval.stored_answers import StoredAnswer
from shared.domain.errors import SettingsError

KEPT = """\
# Ours.
[defaults]  # for all
max_seconds = 9

[[case]]
name = "Who owns it?"
question = "?"
facts = ["x"] # y
"""
SECRETS = [
    ("Mail ada.lovelace+x@corp.example.com about it", "ada"),
    ("Use Bearer abcdef0123456789", "abcdef"),
    ("The token is eyJhbGciOiJI.eyJzdWIiOiIxMjM0NTY3ODkw.SflKxwRJSMeKKF2QT4", "eyJ"),
    ("my key ik_abcd_secretsecret1", "ik_abcd"),
    ("sk-ant-api03-AAAAAAAA", "api03"),
    ("password: hunter2hunter2", "hunter2"),
    ("My password is hunter2!", "hunter2"),
    ("The API key was now s3cr3t-and-more", "s3cr3t"),
    ("postgres://bob:pass-word@db/imbi", "pass-word"),
    ("AKIAIOSFODNN7EXAMPLE1", "AKIAIOS"),
    ("what is Zx81kQpLm29RtYvBn04d?", "Zx81kQ"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----\nWhy?", "MIIEow"),
]


@pytest.mark.proves("eval.redacted")
@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[secret for _, secret in SECRETS])
def test_emails_and_secrets_are_not_in_a_case(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert secret not in redacted(f"Hello, {text} and thank you.")


@pytest.mark.proves("eval.redacted")
@pytest.mark.parametrize(
    "text",
    [
        "Who owns billing-api-gateway-service-v2 in production?",
        "What happened to 7f1c6f0e-3c1e-4f53-9d3a-0c7a5d9b2e41?",
        "Open https://imbi.example.com/projects/1234/components",
        "Are passwords stored in the account-database?",
        "Wem gehört der Zahlungsdienst „Checkout“? 🦜",
    ],
)
def test_ordinary_questions_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.proves("eval.add")
def test_a_case_is_appended_and_the_file_stays_valid_with_its_comments() -> None:
    answer = StoredAnswer(("Who owns it?", 'And "that"\n\tone\x7f\\?'), ("search_tools", "get_project"))
    message = uuid4()
    text = with_case(KEPT, answer, message, "c.toml")
    assert text.startswith(KEPT)
    _, added = parse_cases(text, "c.toml").case
    assert added.message == message
    assert [turn.question for turn in added.turns] == list(answer.questions)
    assert added.turns[-1].tools == ("get_project",)
    with pytest.raises(SettingsError, match="already"):
        with_case(text, answer, message, "c.toml")


@pytest.mark.proves("eval.add")
def test_a_new_file_and_equal_names_are_possible() -> None:
    answer = StoredAnswer(("Who owns it?",), ())
    text = with_case("", answer, uuid4(), "c.toml")
    for _ in range(2):
        text = with_case(text, answer, uuid4(), "c.toml")
    assert [case.name for case in parse_cases(text, "c.toml").case] == [
        "Who owns it?",
        "Who owns it? (2)",
        "Who owns it? (3)",
    ]


@pytest.mark.proves("eval.add")
@pytest.mark.parametrize("before", ['case = [{name = "x", question = "?"}]\n', "[[case]]\nname = 1\n", "no toml"])
def test_a_file_that_would_not_be_valid_is_left_alone(before: str) -> None:
    with pytest.raises(SettingsError):
        with_case(before, StoredAnswer(("?",), ()), uuid4(), "c.toml")
