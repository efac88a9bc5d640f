"""The terminal chat with its input from a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import jwt
import pytest

from local.chat import issued
from local.company.principals import USERS
from local.tokens import load_secret
from shared.domain.errors import StartupError
from tests.support.chat_programs import piped
from tests.support.local_assistant import ENDS_EARLY, REFUSED, running_assistant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.local_assistant import Assistant


@pytest.fixture(scope="module")
def service() -> Iterator[Assistant]:
    with running_assistant() as assistant:
        yield assistant


def test_the_whole_of_a_pipe_is_one_question(service: Assistant) -> None:
    ended = piped(service.base_url, "first line\nsecond line\n")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "Two lines.\n"


def test_a_pipe_gets_the_answer_alone_and_the_activity_goes_beside_it(service: Assistant) -> None:
    ended = piped(service.base_url, "tools\n")
    assert ended.returncode == 0
    assert ended.stdout.startswith("I look it up.\n\n| Project | Team |")
    assert ended.stderr.splitlines() == [
        "⚙ list_projects …",
        "⚙ get_team …",
        "✓ list_projects 120 ms",
        "✗ get_team 7 ms",
        "⚙ navigate_to …",
        "→ navigate to /projects/123",
        "2,134 tokens in (900 from the cache) · 56 out",
        "Title: Projects of the platform team",
    ]


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        ("fail", ["The model is overloaded.", "/continue lets it go on, /retry asks again."]),
        ("refuse", ["The model does not exist."]),
        (
            ENDS_EARLY,
            ["The connection ended before the answer was complete. /resume shows what is stored of it."],
        ),
        (REFUSED, ["The conversation is full"]),
        ("/nonsense", ["/nonsense is not a command. /help lists the commands."]),
        ("/open 999", ["The list has no conversation 999."]),
        ("/open nonsense", ["Conversation not found."]),
        ("/rename", ["/rename needs a title."]),
        ("/continue", ["No conversation is open."]),
    ],
)
def test_a_failure_is_told_in_plain_lines(service: Assistant, question: str, lines: list[str]) -> None:
    ended = piped(service.base_url, f"{question}\n")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == lines


def test_control_characters_of_an_answer_do_not_reach_the_terminal(service: Assistant) -> None:
    assert piped(service.base_url, "escape\n").stdout == "a]0;ownedb31mc\n"


def test_an_unreachable_service_is_reported_in_one_line() -> None:
    ended = piped("http://127.0.0.1:1/assistant", "hello\n")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == "No assistant is running at http://127.0.0.1:1/assistant/. Start it with `make run`.\n"


def test_an_address_that_is_no_url_is_reported_in_one_line() -> None:
    ended = piped("127.0.0.1:8002", "hello")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "127.0.0.1:8002 is not a URL: it must begin with http:// or https://.\n"


def test_a_refused_token_is_reported_in_one_line(service: Assistant) -> None:
    ended = piped(service.base_url, "hello\n", token="wrong")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"The service at {service.base_url} rejected the access token.")
    assert ended.stderr.count("\n") == 1


def test_an_expired_token_is_called_expired(service: Assistant) -> None:
    expired = jwt.encode({"sub": "a@example.com", "exp": 1_700_000_000}, "a secret of 32 bytes or even more")
    ended = piped(service.base_url, "hello\n", token=expired)
    assert ended.stderr == "The access token has expired at 2023-11-14 22:13 UTC. Get a new one.\n"


def test_a_rejection_names_the_unknown_user_or_the_other_data_directory(tmp_path: Path) -> None:
    load_secret(tmp_path)
    unknown = issued("http://localhost", "nobody@example.com", None, tmp_path).rejection()
    assert unknown.startswith("The service does not know the user nobody@example.com. The development users are ")
    elsewhere = issued("http://localhost", USERS[0].email, None, tmp_path).rejection()
    assert elsewhere == f"The service does not use the data directory {tmp_path}. Name its directory with --data-dir."
    with pytest.raises(StartupError, match="No service has used the data directory"):
        issued("http://localhost", USERS[0].email, None, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_conversation_is_opened_by_its_id(service: Assistant) -> None:
    identifier = str(service.create()["id"])
    opened = piped(service.base_url, f"/open {identifier}")
    assert opened.returncode == 0, opened.stderr
    assert "> Who owns it?" in opened.stderr.splitlines()
    assert opened.stdout == "The **platform** team.\n"
    assert piped(service.base_url, "", conversation=identifier).stdout == "The **platform** team.\n"


def test_an_interrupted_answer_is_marked_when_it_is_opened(service: Assistant) -> None:
    identifier = str(service.create()["id"])
    service.interrupted.add(UUID(identifier))
    lines = piped(service.base_url, f"/open {identifier}").stderr.splitlines()
    assert lines[-2:] == ["Interrupted: The model is overloaded.", "/continue lets it go on, /retry asks again."]


def test_an_answer_that_is_running_is_joined(service: Assistant) -> None:
    service.answering.add(UUID(str(service.create()["id"])))
    ended = piped(service.base_url, "/resume")
    assert "The answer is still running:" in ended.stderr.splitlines()
    assert ended.stdout == "Grüße, **world** 🌍\n"
