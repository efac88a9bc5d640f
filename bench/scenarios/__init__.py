"""The scenarios: one module per group of figures, each with a function `measure(bench)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.scenarios import (
    bursts,
    cold,
    conversation,
    crowd,
    distance,
    environments,
    events,
    first_word,
    functions,
    lists,
    long,
    million,
    observability,
    patterns,
    pgbouncer,
    queries,
    residents,
    search,
    start,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from bench.environment import Bench
    from bench.figures import Figure

SCENARIOS: Mapping[str, Callable[[Bench], Coroutine[None, None, list[Figure]]]] = {
    "start": start.measure,
    "first_word": first_word.measure,
    "distance": distance.measure,
    "events": events.measure,
    "observability": observability.measure,
    "crowd": crowd.measure,
    "bursts": bursts.measure,
    "long": long.measure,
    "pgbouncer": pgbouncer.measure,
    "environments": environments.measure,
    "lists": lists.measure,
    "million": million.measure,
    "queries": queries.measure,
    "search": search.measure,
    "patterns": patterns.measure,
    "tokens": tokens.measure,
    "conversation": conversation.measure,
    "functions": functions.measure,
    "residents": residents.measure,
    "cold": cold.measure,
}
