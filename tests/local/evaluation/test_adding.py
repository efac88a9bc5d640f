"""`eval add`: a case of an answer that the service or the database has."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from local.chat.access import given
from local.eval.cases import read_cases
from local.eval.command import add_case
from shared.domain.errors import SettingsError
from shared.settings import load
from tests.support.model_server import reply, text, tool
from tests.support.service import token_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import NewClient
    from tests.support.model_server import ModelServer
    from tests.support.service import Service


@pytest.mark.proves("eval.add", "eval.redacted")
@pytest.mark.parametrize("is_operator", [False, True], ids=["service", "database"])
async def test_a_bad_answer_becomes_a_case(
    service: Service, new_client: NewClient, model_server: ModelServer, tmp_path: Path, *, is_operator: bool
) -> None:
    user = await new_client()
    conversation = await user.begin()
    model_server.script(reply(text("Hello.")), reply(tool("navigate_to", {"path": "/x"})), reply(text("Nobody.")))
    await user.ask(conversation, "<context>\n/projects\n</context>\n\nI am ada@corp.example.com")
    answer = await user.ask(conversation, "Who owns the thing with the password: hunter2hunter2")
    file = tmp_path / "new.toml"
    source = load(service.variables) if is_operator else given(service.url, token_of(user.email))
    assert await asyncio.to_thread(add_case, source, str(answer.done["message_id"]), file) == 0
    [case] = read_cases(file).case
    assert [turn.question for turn in case.turns] == [
        "I am somebody@example.com",
        "Who owns the thing with the password: …",
    ]
    assert case.turns[-1].tools == ("navigate_to",)
    question = (await user.messages(conversation))[0]["id"]
    for wrong in (question, str(uuid4()), "7"):
        with pytest.raises(SettingsError):
            await asyncio.to_thread(add_case, source, wrong, file)
    assert len(read_cases(file).case) == 1
    assert os.listdir(tmp_path) == ["new.toml"]  # noqa: PTH208  # a test blocks nobody
