"""The resident operations exist, are few enough to choose from, and answer most questions without a search."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from bench.questions import QUESTIONS
from shared.tools.builtin import BUILTIN_NAMES
from shared.tools.openapi.toolset import OpenAPIToolset
from shared.tools.search.resident import OPERATIONS, RESIDENT
from tests.support.imbi_api import ADMIN
from tests.support.imbi_operations import DOCUMENT, operations

if TYPE_CHECKING:
    from shared.domain.ports import ToolDefinition

HARD = tomllib.loads((Path(__file__).parents[3] / "bench" / "questions.toml").read_text())["questions"]
CACHED_BY_EVERY_MODEL = 4_096
BYTES_PER_TOKEN = 4


def test_every_resident_operation_exists() -> None:
    assert operations().keys() >= OPERATIONS
    assert OPERATIONS.isdisjoint(BUILTIN_NAMES)


def test_there_are_not_too_many_to_choose_from() -> None:
    assert len(OPERATIONS) >= 30
    assert len(OPERATIONS) + len(BUILTIN_NAMES & RESIDENT) < 50


def test_most_questions_need_no_search() -> None:
    hard = [question for question in HARD if OPERATIONS.intersection(question["tools"])]
    usual = [question for question in QUESTIONS if OPERATIONS.issuperset(question.tools)]
    assert len(hard) > len(HARD) / 2
    assert len(usual) >= len(QUESTIONS) * 0.8


async def definitions() -> tuple[ToolDefinition, ...]:
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=DOCUMENT.read_bytes()))
    toolset = OpenAPIToolset("http://imbi-api:8000", transport=transport)
    await toolset.load()
    found = toolset.definitions(ADMIN.principal)
    await toolset.aclose()
    return found


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the document is not on this machine")
async def test_their_definitions_alone_are_long_enough_for_every_models_cache() -> None:
    resident = [each for each in await definitions() if each.name in OPERATIONS]
    assert sum(len(each.encoded) for each in resident) > CACHED_BY_EVERY_MODEL * BYTES_PER_TOKEN
