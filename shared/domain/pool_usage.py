"""The use of a pool of database connections at one moment."""

from __future__ import annotations

from typing import NamedTuple


class PoolUsage(NamedTuple):
    """The numbers of idle connections, of connections in use, and of requests that wait for one."""

    idle: int
    used: int
    pending: int
