"""The rules of the local Runtime API, which AWS's documents and its emulator have too."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from tests.support.aftermath import until
from tests.support.runtime_api import RUNTIME, SECONDS, runtime_api


@pytest.mark.proves("lambda-local.runtime-api")
async def test_the_runtime_api_gives_an_environment_no_more_than_its_invocations() -> None:
    async with (
        runtime_api(concurrency=2) as api,
        httpx2.AsyncClient(base_url=f"http://{api.address}{RUNTIME}", timeout=SECONDS) as http,
    ):
        first, second = api.invoke({}), api.invoke({})
        got = [(await http.get("/invocation/next")).headers["lambda-runtime-aws-request-id"] for _ in range(2)]
        assert got == [first.id, second.id]
        refused = await http.get("/invocation/next")
        assert (refused.status_code, refused.json()["errorType"]) == (403, "InvalidStateTransition")
        assert (await http.post(f"/invocation/{first.id}/response", json="a")).status_code == 202
        again = await http.post(f"/invocation/{first.id}/response", json="a")
        assert (again.status_code, again.json()["errorType"]) == (400, "InvalidRequestID")
        third = api.invoke({})
        assert (await http.get("/invocation/next")).headers["lambda-runtime-aws-request-id"] == third.id
        assert (first.result, second.has_ended) == ("a", False)


@pytest.mark.proves("lambda-local.runtime-api")
async def test_the_runtime_api_refuses_a_whole_response_of_more_than_6_mb() -> None:
    async with (
        runtime_api() as api,
        httpx2.AsyncClient(base_url=f"http://{api.address}{RUNTIME}", timeout=SECONDS) as http,
    ):
        invocation = api.invoke({})
        await http.get("/invocation/next")
        refused = await http.post(f"/invocation/{invocation.id}/response", content=bytes(6 * 1024 * 1024 + 1))
        assert refused.status_code == 413
        assert (await invocation.end()).is_broken


@pytest.mark.proves("lambda-local.runtime-api")
async def test_an_environment_that_hangs_up_loses_no_invocation() -> None:
    async with runtime_api() as api:
        _reader, writer = await asyncio.open_connection(*api.address.split(":"))
        writer.write(f"GET {RUNTIME}/invocation/next HTTP/1.1\r\n\r\n".encode())
        await api.idle()
        writer.close()
        await until(lambda: not api.waiting)
        invocation = api.invoke({})
        async with httpx2.AsyncClient(base_url=f"http://{api.address}{RUNTIME}", timeout=SECONDS) as http:
            given = await http.get("/invocation/next")
        assert given.headers["lambda-runtime-aws-request-id"] == invocation.id
