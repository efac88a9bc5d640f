"""The command `chat`: how it reaches a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import run
from tests.support.service import JWT_SECRET

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.proves("commands.chat")
def test_the_chat_says_what_it_lacks_to_reach_a_service(tmp_path: Path) -> None:
    production = {"ENVIRONMENT": "production", "IMBI_AUTH_JWT_SECRET": JWT_SECRET}
    without_token = run(tmp_path, "chat", "--url", "http://127.0.0.1:1/assistant", **production)
    assert (without_token.returncode, without_token.stderr.count("\n")) == (2, 1)
    assert "IMBI_ASSISTANT_TOKEN" in without_token.stderr
    with_token = run(tmp_path, "chat", "--url", "http://127.0.0.1:1/a", IMBI_ASSISTANT_TOKEN="t", **production)
    assert with_token.returncode == 1
    assert with_token.stderr == "No assistant is running at http://127.0.0.1:1/a/. Start it with `make run`.\n"
    elsewhere = run(tmp_path, "chat", "--data-dir", str(tmp_path / "none"))
    assert elsewhere.returncode == 1
    assert elsewhere.stderr.startswith(f"No service has used the data directory {tmp_path / 'none'} yet.")
