"""The sweeps of idle conversations that the service makes while it runs."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError
from shared.util import clock

if TYPE_CHECKING:
    from shared.graph.retention import Retention

INTERVAL_SECONDS = 3600.0

log = logging.getLogger(__name__)


async def keep_sweeping(retention: Retention, days: int, interval_seconds: float = INTERVAL_SECONDS) -> None:
    """Sweep again and again until this is cancelled. A failure is logged, and the next sweep goes on.

    The first pause is random, so that processes that start together do not sweep together.
    """
    pause = random.uniform(0, interval_seconds)  # noqa: S311  # no secret
    while True:
        await asyncio.sleep(pause)
        pause = interval_seconds
        try:
            count = await retention.sweep(clock.now() - timedelta(days=days))
        except GraphError as error:
            log.warning("the sweep of idle conversations failed: %s", type(error).__name__)
        else:
            if count:
                log.info("%d conversations that were idle for %d days were deleted", count, days)
