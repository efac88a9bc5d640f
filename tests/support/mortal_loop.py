"""An event loop that kills its process before a chosen step, so that a test reaches every await of the service.

Between two awaits, a task runs in one step, which the loop starts by `call_soon`. The first SIGUSR1 starts the count.
Each later one writes the number of steps so far to standard error, as `steps=<number>`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context


Ts = TypeVarTuple("Ts")


class MortalLoop(asyncio.SelectorEventLoop):
    """Kills its process before step `dies_at`; 0 lets it live."""

    def __init__(self, dies_at: int) -> None:
        super().__init__()
        self._dies_at = dies_at
        self._steps = -1
        signal.signal(signal.SIGUSR1, lambda *_: self._take_signal())

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Schedule a step."""
        return super().call_soon(self._step, callback, args, context=context)

    def _step(self, callback: Callable[[Unpack[Ts]], object], args: tuple[*Ts]) -> None:
        if self._steps >= 0:
            self._steps += 1
            if self._steps == self._dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
        callback(*args)

    def _take_signal(self) -> None:
        if self._steps < 0:
            self._steps = 0
        else:
            print(f"steps={self._steps}", file=sys.stderr, flush=True)  # noqa: T201  # a test reads it
