"""The response to a request that had to wait for too long."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from shared.domain.errors import GraphBusy
from shared.http import error_responses


@pytest.mark.proves("load.fair")
async def test_a_request_that_finds_no_place_is_told_so_and_when_to_come_back() -> None:
    app = FastAPI()
    error_responses.install(app)

    @app.get("/")
    async def refuse() -> None:
        raise GraphBusy

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service") as client:
        response = await client.get("/")
    assert response.status_code == 503
    assert response.json() == {"detail": "The assistant is busy: too many requests are waiting"}
    assert int(response.headers["retry-after"]) > 0
