"""Secrets in the documents of receipts, planted in every form, and what looks like one and is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.tools.receipts.hiding import has_hidden, hidden, parsed, secret_differences

VALUE = "Tr0ub4dor&3"
TOKEN = "callers-own-token"  # no secret

PLANTED: dict[str, Any] = {
    "name": {"password": VALUE},
    "camel case": {"clientSecret": VALUE},
    "ending": {"github_api_key": VALUE},
    "upper case": {"DB-PASSWORD": VALUE},
    "list": {"recovery_codes": [VALUE, VALUE]},
    "number": {"pin": 90210_31337},
    "below a name": {"credentials": {"user": "me", "deep": [{"value": VALUE}]}},
    "name beside": {"env": [{"name": "DB_PASSWORD", "value": VALUE}]},
    "key beside": {"key": "stripe_api_key", "value": VALUE},
    "flag beside": {"key": "x", "value": VALUE, "secret": True},
    "type beside": {"name": "x", "type": "SecureString", "value": VALUE},
    "bearer": {"note": f"Authorization: Bearer {VALUE}abc"},
    "JWT": {"note": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ" + "x" * 20},
    "own key": {"note": "ik_abcdefgh_" + "s" * 20},
    "GitHub": {"note": "see ghp_" + "a" * 36},
    "AWS": {"note": "AKIAIOSFODNN7EXAMPLE"},
    "PEM": {"note": "-----BEGIN RSA PRIVATE KEY-----\nMIIE"},
    "address": {"url": f"postgres://imbi:{VALUE}@db/imbi"},
    "assignment": {"readme": f"run with PASSWORD={VALUE}"},
    "the caller's token": {"echo": f"you sent {TOKEN}"},
    "as a name": {"ghp_" + "b" * 36: 1},
    "from the document": {"motto": VALUE},
    "in a list": [[{"token": VALUE}]],
}
HARMLESS: dict[str, Any] = {
    "page": {"next_page_token": "abc", "cursor": "x"},
    "flag": {"has_password": True, "is_secret": False},
    "amount": {"max_tokens": 1024},
    "nothing": {"password": None, "secret": ""},
    "word": {"shopping": "pin", "spin": "a", "description": "Rotates the tokens of a team."},
    "other name beside": {"name": "MODE", "value": "x"},
    "address": {"url": "https://example.com/a:b@c"},
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_a_planted_secret_is_hidden(planted: Any) -> None:
    copy = hidden(planted, {"motto"}, TOKEN)
    assert has_hidden(copy)
    for secret in (VALUE, "9021031337", "eyJ", "ik_", "ghp_", "AKIA", "MIIE", TOKEN):
        assert secret not in json.dumps(copy)


@pytest.mark.parametrize("document", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_secret_stays(document: Any) -> None:
    assert hidden(document) == document


def test_a_mask_of_the_api_is_hidden_because_it_must_not_be_sent_back() -> None:
    for mask in ("********", "ab****", "[REDACTED]", "\u2022\u2022\u2022\u2022"):
        assert has_hidden(hidden({"value": mask}))


def test_a_changed_secret_is_named_without_its_value() -> None:
    before: Any = {"a/b": [{"secret": "one"}]}
    after: Any = {"a/b": [{"secret": "two"}]}
    assert secret_differences(before, after, hidden(before), hidden(after)) == ("/a~1b/0/secret",)
    assert secret_differences(before, before, hidden(before), hidden(before)) == ()


def test_a_new_and_a_removed_secret_are_changes() -> None:
    without: Any = {"a": 1}
    having: Any = {"a": 1, "token": "x"}
    for before, after in ((without, having), (having, without)):
        assert secret_differences(before, after, hidden(before), hidden(after)) == ("/token",)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "1e999", "{", ""])
def test_what_cannot_be_sent_again_is_no_document(text: str) -> None:
    with pytest.raises(ValueError, match=r"(?s).*"):
        parsed(text)
