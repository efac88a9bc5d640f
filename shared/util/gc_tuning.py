"""Settings of Python's cyclic garbage collector that avoid long pauses.

The libraries and the tool definitions of this service consist of about 300,000 objects. A full collection over them
stops every stream of the process for about 200 ms, and collections during the imports take a quarter of the start-up
time.
https://docs.python.org/3/library/gc.html
"""

from __future__ import annotations

import gc

_THRESHOLDS = (10_000, 20, 100)


def raise_thresholds() -> None:
    """Collect after 10,000 new objects (about 1 MB) instead of Python's default of 700 or 2,000."""
    gc.set_threshold(*_THRESHOLDS)


def freeze() -> None:
    """Exclude all present objects from later collections; reference counting still frees them."""
    gc.freeze()
