"""The metrics of all workers in one response: every series has the label of its worker, so that sums are right.

Each worker serves its own metrics on a loopback address. One request to a port that all share would reach one of them
at random.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import httpx2
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from shared.http.metrics_server import METRICS_PATH
from shared.observability.measurements import PREFIX

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Sequence

log = logging.getLogger(__name__)

_SECONDS = 2.0
"""The longest wait for the metrics of one worker."""
_UP = f"{PREFIX}_worker_up"


class WorkerMetrics:
    """Reads the metrics of workers from the sockets on which they serve them."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._urls = [f"http://127.0.0.1:{each.getsockname()[1]}{METRICS_PATH}" for each in sockets]
        self._silent: set[int] = set()

    async def collect(self) -> Collector:
        """Return the metrics of the workers that answer."""
        async with httpx2.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
            texts = await asyncio.gather(*(_read(client, url) for url in self._urls))
        silent = {number for number, text in enumerate(texts) if text is None}
        for number in silent - self._silent:
            log.warning("the metrics of worker %s cannot be read", number)
        self._silent = silent
        return await asyncio.to_thread(_Merged, texts)


class _Merged(Collector):
    """The metrics of several texts; a worker that did not answer has none."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._families = {_UP: Metric(_UP, "Whether the worker's metrics could be read", "gauge")}
        for number, text in enumerate(texts):
            worker = {"worker": str(number)}
            self._families[_UP].add_sample(_UP, worker, text is not None)
            for family in text_string_to_metric_families(text or ""):
                known = Metric(family.name, family.documentation, family.type)
                merged = self._families.setdefault(family.name, known)
                for sample in family.samples:
                    merged.add_sample(sample.name, {**sample.labels, **worker}, sample.value)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self._families.values()


async def _read(client: httpx2.AsyncClient, url: str) -> str | None:
    try:
        async with asyncio.timeout(_SECONDS):
            response = await client.get(url)
    except (httpx2.HTTPError, TimeoutError):
        return None
    return response.text if response.is_success else None
