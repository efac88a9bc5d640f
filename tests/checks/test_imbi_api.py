"""The check of the Imbi API, against APIs that are served over HTTP."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from local.demo_api import create_demo_api
from tests.support.background import served
from tests.support.installations import NOWHERE, found
from tests.support.service import JWT_SECRET


def things() -> dict[str, str]:
    return {}


@pytest.mark.proves("check.problems")
async def test_an_api_that_is_away_is_a_failure(given: dict[str, str]) -> None:
    finding = (await found(given, "imbi api", IMBI_INTERNAL_API_URL=NOWHERE))["imbi api"]
    assert finding.state == "failed"
    assert "IMBI_INTERNAL_API_URL" in finding.detail


@pytest.mark.proves("check.unmarked")
async def test_a_document_without_any_mark_is_a_warning(given: dict[str, str]) -> None:
    app = FastAPI()
    app.add_api_route("/things", things, operation_id="list_things")
    with served(app) as url:
        finding = (await found(given, "imbi api", IMBI_INTERNAL_API_URL=url))["imbi api"]
    assert finding.state == "warning"
    assert "no x-imbi-permission" in finding.detail


@pytest.mark.proves("check.problems")
async def test_an_api_without_operations_is_a_warning(given: dict[str, str]) -> None:
    with served(FastAPI()) as url:
        finding = (await found(given, "imbi api", IMBI_INTERNAL_API_URL=url))["imbi api"]
    assert finding.state == "warning"


@pytest.mark.proves("check.complete")
async def test_operations_that_are_left_out_are_named_with_the_reason(given: dict[str, str]) -> None:
    app = create_demo_api(JWT_SECRET)
    app.add_api_route("/api-keys", things, methods=["POST"], operation_id="create_api_key")
    with served(app) as url:
        finding = (await found(given, "imbi api", IMBI_INTERNAL_API_URL=url))["imbi api"]
    assert finding.state == "ok"
    assert "create_api_key (its result is a secret, and no rule allows it)" in finding.detail
