"""What goes wrong in installations: each trouble is one row in plain words, as a line and as JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from shared.checks.configuration import read_installation
from shared.checks.report import as_json, has_failed, presentable, table
from shared.checks.run import WITH_MODEL, run_checks
from tests.support.installations import CANARY, NOWHERE, execute, register
from tests.support.model_server import http_error
from tests.support.proxy import proxied_database
from tests.support.refusing_postgres import (
    NO_DATABASE,
    NO_ENTRY,
    TOO_MANY,
    WRONG_PASSWORD,
    refusing_postgres,
)

if TYPE_CHECKING:
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

SKEW = 3_600


async def row(given: dict[str, str], name: str, subject: str, **changes: str) -> tuple[str, str]:
    """Run one check; return the state and the sentences of a subject, the same as a line and as JSON."""
    installation = read_installation(given | changes)
    findings = presentable(await run_checks(installation, {name: WITH_MODEL[name]}), installation.settings)
    [found] = [each for each in json.loads(as_json(findings)) if each["check"] == subject]
    [line] = [each for each in table(findings).splitlines() if each.split(None, 1)[1].startswith(subject)]
    assert line.split(None, 1)[0] == found["state"]
    assert line.endswith(found["detail"])
    assert CANARY not in line
    assert "Traceback" not in line
    assert has_failed(findings) == any(each["state"] == "failed" for each in json.loads(as_json(findings)))
    return found["state"], found["detail"]


@pytest.mark.proves("check.problems", "check.json", "check.secrets")
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (WRONG_PASSWORD, "it does not accept the user or the password of POSTGRES_URL"),
        (NO_DATABASE, "the user or the database of POSTGRES_URL does not exist"),
        (NO_ENTRY, "its pg_hba.conf does not allow this connection"),
        (TOO_MANY, "it has too many connections"),
    ],
    ids=["password", "database", "pg_hba", "connections"],
)
async def test_a_database_that_refuses_says_why(given: dict[str, str], reason: tuple[str, str], words: str) -> None:
    with refusing_postgres(reason) as address:
        dsn = f"postgresql://nobody:{CANARY}@{address}/none?gssencmode=disable"
        state, detail = await row(given, "database", "database", POSTGRES_URL=dsn)
        assert (await row(given, "clock", "clock", POSTGRES_URL=dsn))[0] == "failed"
    assert (state, detail) == (
        "failed",
        f"The database cannot be reached: {words}. Check POSTGRES_URL and the network.",
    )


@pytest.mark.proves("check.problems", "check.json")
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ('DROP INDEX "{graph}"."imbi_assistant_User_email"', "lacks: index User(email)"),
        ("SELECT ag_catalog.drop_label('{graph}', 'APIKey')", "lacks: vertex label APIKey"),
        ('DROP TABLE "{graph}".imbi_assistant_feedback', "lacks: table imbi_assistant_feedback"),
    ],
    ids=["index", "label", "table"],
)
async def test_a_graph_that_is_not_complete_says_what_it_lacks(
    given: dict[str, str], graph: Database, damage: str, words: str
) -> None:
    await execute(graph, damage)
    state, detail = await row(given, "database", "database")
    assert state == "failed"
    assert words in detail
    assert detail.endswith("Run `imbi-assistant setup`.")


@pytest.mark.proves("check.problems", "check.json")
async def test_a_graph_that_is_not_there_is_named(given: dict[str, str]) -> None:
    state, detail = await row(given, "database", "database", POSTGRES_GRAPH_NAME="not_there")
    assert state == "failed"
    assert "the graph not_there does not exist. Check POSTGRES_GRAPH_NAME." in detail


@pytest.mark.proves("check.problems", "check.json", "check.secrets")
async def test_a_wrong_key_of_the_model_is_a_failure(given: dict[str, str], model_server: ModelServer) -> None:
    model_server.script(http_error(401, "authentication_error", f"invalid x-api-key {CANARY}"))
    state, detail = await row(given, "model", "model", ANTHROPIC_API_KEY=CANARY)
    assert state == "failed"
    assert "ANTHROPIC_API_KEY" in detail


@pytest.mark.proves("check.problems", "check.json")
async def test_a_server_that_is_away_is_named(given: dict[str, str], graph: Database) -> None:
    await register(graph, "Away", f"{NOWHERE}/mcp")
    state, detail = await row(given, "mcp", "mcp Away")
    assert (state, detail) == (
        "failed",
        "The server cannot be reached. Check its registration in Imbi and that it runs.",
    )


@pytest.mark.proves("check.problems", "check.json")
async def test_a_document_of_the_ui_that_is_away_is_a_warning(given: dict[str, str]) -> None:
    state, detail = await row(given, "ui", "ui", IMBI_INTERNAL_UI_URL=NOWHERE)
    assert state == "warning"
    assert "built-in list" in detail


@pytest.mark.proves("check.problems", "check.json")
@pytest.mark.parametrize(("seconds", "order"), [(SKEW, "ahead of"), (-SKEW, "behind")])
async def test_a_clock_that_is_wrong_is_a_warning(given: dict[str, str], seconds: int, order: str) -> None:
    def skewed(data: bytes) -> bytes:
        return re.sub(rb"\b1\d{9}(?=\.\d)", lambda found: b"%d" % (int(found[0]) + seconds), data)

    with proxied_database(given["POSTGRES_URL"]) as proxy:
        proxy.rewritten = skewed
        state, detail = await row(given, "clock", "clock", POSTGRES_URL=proxy.url)
    assert state == "warning"
    assert re.search(rf"clock is (3599|3600|3601) s {order} this machine's\. Synchronize both clocks", detail), detail
