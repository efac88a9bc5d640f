"""The log at DEBUG, with the loggers of every library at DEBUG: it contains nothing that anybody said."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.log_lines import written_log
from tests.support.model_server import http_error, reply, text, thinking, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

CANARY = "canary4711"


@contextmanager
def every_logger_at_debug() -> Iterator[None]:
    loggers = [each for each in logging.getLogger().manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.DEBUG)
    yield
    for each, level in zip(loggers, before, strict=True):
        each.setLevel(level)


@pytest.mark.proves("telemetry.privacy")
@pytest.mark.parametrize("form", ["json", "text"])
async def test_no_line_contains_what_was_said(
    start_service: StartService, model_server: ModelServer, form: str
) -> None:
    service = start_service(
        IMBI_ASSISTANT_SYSTEM_PROMPT=f"A prompt with {CANARY}.", ANTHROPIC_API_KEY=f"sk-ant-{CANARY}"
    )
    async with service.client() as client:
        await client.begin()  # the libraries are imported, and their loggers exist
        await ask_about_the_canary(client, model_server)
        with written_log("DEBUG", form) as written, every_logger_at_debug():
            await ask_about_the_canary(client, model_server)
            await asyncio.sleep(0)
    assert "answered: outcome=end_turn" in written.getvalue()
    assert "http_404" in written.getvalue()
    assert CANARY not in written.getvalue().casefold()
    assert str(client.token) not in written.getvalue()


async def ask_about_the_canary(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(
        reply(
            thinking(f"What is {CANARY}?"),
            tool("get_team", {"org_slug": CANARY, "slug": CANARY}),
            tool("navigate_to", {"path": f"/{CANARY}"}),
            tool(CANARY, {"a": CANARY}),
        ),
        reply(text(f"It is {CANARY}.")),
    )
    assert (await client.ask(conversation, f"What is {CANARY}?")).text.endswith(f"It is {CANARY}.")
    model_server.script(
        http_error(
            400, "invalid_request_error", f"It can't be '{CANARY * 8}', \"two {CANARY}\".", x_should_retry="false"
        )
    )
    assert (await client.ask(conversation, f"And {CANARY}?")).error["code"] == "invalid_request"
    await client.http.get("/conversations", params={"q": CANARY})
    await client.http.get(f"/{CANARY}")
    await client.http.patch(f"/conversations/{conversation}", json={"title": [CANARY]})


def fail() -> None:
    try:
        _ = dict[str, str]()[CANARY]
    except KeyError as error:
        raise ExceptionGroup(CANARY, [ValueError(CANARY)]) from error


@pytest.mark.proves("telemetry.privacy")
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_has_no_text_of_an_exception(form: str) -> None:
    with written_log("DEBUG", form) as written:
        try:
            fail()
        except ExceptionGroup:
            for name in ("shared.tested", "mcp.server", "uvicorn.error", "asyncio"):
                logging.getLogger(name).exception("it failed")
        logging.getLogger("fastmcp.tools").error("the result was %s", CANARY)
        logging.getLogger("asyncio").error("never retrieved\nfuture: <Task exception=%r>", ValueError(CANARY))
    assert CANARY not in written.getvalue()
    assert written.getvalue().count("test_log_privacy.py") >= 4
    for kept in ("it failed", "KeyError", "ExceptionGroup", "ValueError", "never retrieved"):
        assert kept in written.getvalue()


@pytest.mark.proves("telemetry.privacy")
def test_a_line_of_text_cannot_be_forged() -> None:
    with written_log(form="text") as written:
        logging.getLogger("shared.tested").info("a name: %s", "Ann\n2026 ERROR \x1b[2J\u2028x")
    assert written.getvalue().count("\n") == 1
    assert "\x1b" not in written.getvalue()
