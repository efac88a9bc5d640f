"""The function of the retention's schedule, in a process of its own as on Lambda."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from shared.graph.schema import set_up
from tests.support.database import Database, new_graph_name
from tests.support.lambda_functions import ROOT, Process, measured
from tests.support.multitude import add_conversations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OLD = "2020-01-01T00:00:00.000000+00:00"
COUNT = "MATCH (c:Conversation) RETURN count(c)"
INVOKE = """
import asyncio, json, sys
from dataclasses import dataclass

@dataclass
class Context:
    left: int = 60_000
    aws_request_id: str = "1"

    def get_remaining_time_in_millis(self):
        return self.left

from functions.apply_retention import handler
from shared.aws.scheduled_job import ScheduledJob

async def forever(settings, report):
    report("begun")
    await asyncio.Event().wait()

def late():
    return ScheduledJob(forever)({}, Context(left=10_050))

def on_time():
    return handler(json.loads(sys.argv[1]), Context())

print(json.dumps({"late": late, "on_time": on_time}[sys.argv[2]]()))
"""
EVENT = (ROOT / "events" / "apply_retention.json").read_text()


@pytest.fixture
async def own(database: Database) -> AsyncIterator[Database]:
    """Make a graph of the test's own with three idle conversations."""
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    await add_conversations(own, "a@example.com", 3, 2)
    await own.cypher("MATCH (c:Conversation) SET c.updated_at = $old RETURN 1", old=OLD)
    yield own
    await own.drop()


async def invoked(variables: dict[str, str], case: str, **more: str) -> tuple[int, str]:
    """Invoke a job in a process; returns its status and what it has written."""
    given = {name: value for name, value in variables.items() if name != "IMBI_AUTH_JWT_SECRET"}
    command = [sys.executable, "-c", INVOKE, EVENT, case]
    with Process(command, measured() | given | more, ROOT) as process:
        status = await process.ended()
        return status, process.output


@pytest.mark.proves("jobs.retention")
async def test_the_schedule_deletes_what_is_too_old(function_variables: dict[str, str], own: Database) -> None:
    variables = function_variables | {"POSTGRES_GRAPH_NAME": own.graph_name}
    status, output = await invoked(variables, "on_time", IMBI_ASSISTANT_RETENTION_DAYS="30")
    assert status == 0, output
    lines = json.loads(output.splitlines()[-1])["lines"]
    assert lines == [
        "IMBI_ASSISTANT_AUDIT_RETENTION_DAYS is 0: nothing is deleted.",
        "3 conversations that were idle for 30 days were deleted.",
    ]
    assert await own.cypher(COUNT) == [0]


@pytest.mark.proves("jobs.failures")
async def test_a_failure_is_the_error_of_the_invocation(function_variables: dict[str, str]) -> None:
    variables = function_variables | {"POSTGRES_GRAPH_NAME": "not_there"}
    more = {"IMBI_ASSISTANT_RETENTION_DAYS": "30", "IMBI_ASSISTANT_AUDIT_RETENTION_DAYS": "30"}
    status, output = await invoked(variables, "on_time", **more)
    assert status == 1
    assert "StartupError: The sweep failed" in output
    assert "The audit cannot be pruned" in output
    assert variables["POSTGRES_URL"] not in output


@pytest.mark.proves("jobs.late")
async def test_work_that_takes_too_long_ends_before_the_invocation(function_variables: dict[str, str]) -> None:
    status, output = await invoked(function_variables, "late")
    assert status == 0, output
    assert json.loads(output.splitlines()[-1])["lines"] == [
        "begun",
        "The time of the invocation is over. The next one goes on.",
    ]
