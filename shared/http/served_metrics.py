"""The serving of metrics for Prometheus by one process, or by the parent of several workers."""

from __future__ import annotations

import logging
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from shared.domain.errors import StartupError
from shared.http.server import bind
from shared.util.addresses import SERVICE, Address

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator, Sequence

    from prometheus_client.registry import Collector

    from shared.observability.otel_sdk import Telemetry
    from shared.telemetry_settings import TelemetrySettings

log = logging.getLogger(__name__)


@contextmanager
def metrics_socket(settings: TelemetrySettings, workers: int) -> Iterator[socket.socket | None]:
    """Listen on the address for metrics, if there is one.

    If the service's own address has them, several workers read the metrics of all from a loopback address.

    Raises:
        StartupError: the address cannot be used.
    """
    address = settings.metrics_address
    if address == SERVICE:
        address = Address("127.0.0.1", 0) if workers > 1 else None
    if address is None:
        yield None
        return
    try:
        listening = bind(*address)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise StartupError(f"IMBI_ASSISTANT_METRICS_ADDRESS: cannot listen on {address}: {reason}") from error
    with listening:
        yield listening


@asynccontextmanager
async def own_metrics(listening: socket.socket | None, telemetry: Telemetry | None) -> AsyncIterator[None]:
    """Serve the metrics of this process, if there are any."""
    registry = telemetry.registry if telemetry else None
    if listening is None or registry is None:
        yield
        return
    from shared.http.metrics_server import serving_metrics  # noqa: PLC0415  # its package may not be installed

    async def collect() -> Collector:
        return registry

    async with serving_metrics(listening, collect):
        yield


@asynccontextmanager
async def metrics_of_workers(listening: socket.socket | None, count: int) -> AsyncIterator[Sequence[socket.socket]]:
    """Serve the metrics of all workers; yield a socket for each of them, on which it serves its own."""
    if listening is None:
        yield ()
        return
    try:
        from shared.http.metrics_server import serving_metrics  # noqa: PLC0415  # its package may not be installed
        from shared.http.worker_metrics import WorkerMetrics  # noqa: PLC0415  # likewise
    except ModuleNotFoundError:
        # Each worker says so in its log.
        yield ()
        return
    with ExitStack() as stack:
        sockets = [stack.enter_context(bind("127.0.0.1", 0)) for _ in range(count)]
        async with serving_metrics(listening, WorkerMetrics(sockets).collect):
            yield sockets
