"""How Python looks for cyclic garbage: seldom, and not again and again among what stays for good.

The libraries for answers and the tools are some 300,000 objects. A full look at them stops every stream of the process
for 200 ms, and a quarter of the start goes by with looks at modules that have just been imported.
"""

from __future__ import annotations

import gc

_THRESHOLDS = (10_000, 20, 100)


def collect_seldom() -> None:
    """Look when there are some 10,000 new objects, not 700; they are a megabyte."""
    gc.set_threshold(*_THRESHOLDS)


def keep_what_is_there() -> None:
    """Take all objects of now for permanent. Those that reference counting frees are freed as ever."""
    gc.freeze()
