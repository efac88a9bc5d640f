"""Generated operations: the request that arrives at a real server equals an independent serialiser's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.generated_operations import Generator, document_of
from tests.support.imbi_api import ADMIN
from tests.support.recording_server import recording

if TYPE_CHECKING:
    from tests.support.generated_operations import Case
    from tests.support.recording_server import Recorded

LEAST_CASES = 1_000


async def test_every_generated_request_arrives_as_expected() -> None:
    cases = list(Generator().cases())
    assert len(cases) >= LEAST_CASES
    with recording(document_of(cases)) as (url, recorded):
        tools = OpenAPIToolset(url, timeout=60.0)
        assert await tools.load() == len(cases)
        wrong = [problem for case in cases if (problem := await problem_of(tools, case, recorded))]
        await tools.aclose()
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:20])


async def problem_of(tools: OpenAPIToolset, case: Case, recorded: list[Recorded]) -> str:
    """Call an operation and compare; return a line where something else arrived."""
    try:
        await tools.call(case.name, case.arguments, ADMIN)
        case.check(recorded[-1])
    except Exception as error:  # noqa: BLE001  # every kind of failure is a wrong request
        arrived = (recorded[-1].target, recorded[-1].body[:300]) if recorded else ()
        return f"{case.operation} {case.arguments}: {type(error).__name__} {str(error)[:300]} {arrived}"
    return ""
