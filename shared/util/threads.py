"""Work that would hold the event loop for too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_R = TypeVar("_R")

LARGE = 100_000
"""From this size on, in bytes or characters, parsing and rewriting a text may take more than some milliseconds."""


async def run_sized(size: int, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Run a function in a thread where its input is large, and at once where it is small.

    `size` is the input's length in bytes or characters. A thread costs some 100 microseconds, which small inputs do
    not repay.
    """
    if size < LARGE:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
