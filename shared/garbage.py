"""How Python looks for cyclic garbage: seldom, and not again and again among what stays for good.

The libraries for answers and the tools are some 300,000 objects. A full look at them stops every stream of the process
for 200 ms, and a quarter of the start goes by with looks at modules that have just been imported.
"""

from __future__ import annotations

import gc

_YOUNG_OBJECTS = 50_000
_LOOKS_BEFORE_AN_OLDER_GENERATION = 20


def collect_seldom() -> None:
    """Look when there are some 50,000 new objects, not 700; they are a few megabytes."""
    gc.set_threshold(_YOUNG_OBJECTS, _LOOKS_BEFORE_AN_OLDER_GENERATION, _LOOKS_BEFORE_AN_OLDER_GENERATION)


def keep_what_is_there() -> None:
    """Take all objects of now for permanent. Those that reference counting frees are freed as ever."""
    gc.freeze()
