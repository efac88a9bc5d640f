"""The names, units and meanings of the service's own metrics; CloudWatch gets the same names in its own style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.observability.metrics import AnswerReport

PREFIX = "imbi_assistant"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number of an answer's report. `read` returns None if this answer has no such number.

    The unit is that of UCUM: `ms`, or a thing in braces.
    """

    name: str
    unit: str
    meaning: str
    read: Callable[[AnswerReport], float | None]

    @property
    def cloudwatch_name(self) -> str:
        """The name in CloudWatch: the same words in the style of AWS."""
        return "".join(word.capitalize() for word in self.name.split("_"))


MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement(
        "time_to_first_event", "ms", "Time from the question to the answer's first event", lambda it: it.first_event_ms
    ),
    Measurement("duration", "ms", "Time from the question to the answer's end", lambda it: it.duration_ms),
    Measurement("answers", "{answer}", "Answers that have ended", lambda _: 1),
    Measurement("failures", "{answer}", "Answers that have failed", lambda it: int(it.is_failure)),
    Measurement("rounds", "{round}", "Rounds of tool calls", lambda it: it.rounds),
    Measurement("tool_calls", "{call}", "Tool calls", lambda it: it.tool_calls),
    Measurement("tool_errors", "{call}", "Tool calls that ended with an error", lambda it: it.tool_errors),
    Measurement("input_tokens", "{token}", "Input tokens that no cache was used for", lambda it: it.usage.input_tokens),
    Measurement("output_tokens", "{token}", "Output tokens", lambda it: it.usage.output_tokens),
    Measurement(
        "cache_read_tokens",
        "{token}",
        "Input tokens that came from the cache",
        lambda it: it.usage.cache_read_input_tokens,
    ),
    Measurement(
        "cache_write_tokens",
        "{token}",
        "Input tokens that were written to the cache",
        lambda it: it.usage.cache_creation_input_tokens,
    ),
)
"""The numbers of an answer. Those in milliseconds are distributions, and the others are sums."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that is read when the metrics are collected, in any thread, with the attributes of each value."""

    name: str
    unit: str
    meaning: str
    read: Callable[[], Iterable[tuple[float, Mapping[str, str]]]]
