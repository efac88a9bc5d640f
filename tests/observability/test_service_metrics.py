"""The metrics for Prometheus at the service's own address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import HTTPException

from shared.http.service_metrics import service_metrics
from shared.observability.telemetry import start_telemetry
from shared.settings import load
from tests.support.lambda_functions import free_port
from tests.support.observed_service import ObservedService, kept_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.service import Service

SWITCHED_ON = {"IMBI_ASSISTANT_METRICS_ADDRESS": "service"}


@pytest.mark.proves("telemetry.prometheus-service")
async def test_the_service_has_them_with_and_without_its_path(variables: Mapping[str, str]) -> None:
    service = ObservedService({**variables, **SWITCHED_ON, "IMBI_ASSISTANT_URL": "/assistant"})
    with service:
        async with service.client_with(None) as nobody:
            await nobody.http.get(f"{service.url}/conversations")
            for url in (f"{service.address}/metrics", f"{service.url}/metrics"):
                read = await nobody.http.get(url)
                assert read.headers["content-type"].startswith("text/plain; version=0.0.4")
                assert 'http_route="/assistant/conversations"' in read.text
                assert "/metrics" not in read.text
                assert (await nobody.http.head(url)).status_code == 200
                assert (await nobody.http.post(url)).status_code == 405
            document = (await nobody.http.get(f"{service.url}/openapi.json")).json()
    assert [path for path in document["paths"] if path.endswith("/metrics")] == ["/assistant/metrics"]


@pytest.mark.proves("telemetry.prometheus-service")
async def test_by_default_there_is_no_such_route(service: Service) -> None:
    async with service.client_with(None) as nobody:
        assert (await nobody.http.get("/metrics")).status_code == 404
        assert "/metrics" not in (await nobody.http.get("/openapi.json")).json()["paths"]


@pytest.mark.proves("telemetry.prometheus-service")
async def test_a_worker_without_its_parent_says_that_they_cannot_be_read(variables: Mapping[str, str]) -> None:
    settings = load({**variables, **SWITCHED_ON})
    with kept_environment():
        telemetry = start_telemetry(settings, variables)
    respond = service_metrics(settings, telemetry, free_port())
    assert respond is not None
    with pytest.raises(HTTPException) as refused:
        await respond()
    assert refused.value.status_code == 503
