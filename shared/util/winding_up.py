"""The end of tasks that are no longer wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


async def ended(
    tasks: Collection[asyncio.Task[object]], patient: Collection[asyncio.Task[object]], grace: float
) -> None:
    """Cancel tasks and wait for their end; those of `patient` get `grace` seconds to end by themselves."""
    for task in tasks:
        if task not in patient:
            task.cancel()
    running = [task for task in patient if not task.done()]
    if running:
        await asyncio.wait(running, timeout=grace)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
