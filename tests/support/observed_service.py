"""The real service with OpenTelemetry and metrics for Prometheus, as `serve` starts it."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from local_server import application
from shared.http.served_metrics import own_metrics
from shared.http.server import bind, create_server
from shared.observability.telemetry import start_telemetry
from tests.support.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def kept_environment() -> Iterator[None]:
    """Undo what happens to the environment meanwhile: OpenTelemetry's variables are set there."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


class ObservedService(Service):
    """The service; `metrics_url` is where its metrics are, if `IMBI_ASSISTANT_METRICS_ADDRESS` is set to anything."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables)
        self._metrics = bind("127.0.0.1", 0)
        self.metrics_url = f"http://127.0.0.1:{self._metrics.getsockname()[1]}/metrics"

    async def _serve(self) -> None:
        with kept_environment():
            telemetry = start_telemetry(self.settings, self.variables)
        server = create_server(application(self.settings, telemetry), log_level="warning")
        with ExitStack() as stack:
            listening = stack.enter_context(self._metrics)
            async with own_metrics(listening, telemetry):
                self._started.set_result(server)
                await server.serve([self._listening])
            if telemetry is not None:
                await telemetry.aclose()
