"""Figures of the service and of the bare relay with their goals, and their table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Goal:
    """An upper limit, or with `is_least` a lower limit, for a value or for its ratio to the floor's value."""

    limit: float
    of: Literal["value", "ratio"] = "value"
    is_least: bool = False

    def is_met(self, value: float, ratio: float | None) -> bool:
        """Return whether a figure meets the goal."""
        reached = value if self.of == "value" else ratio
        return reached is not None and (reached >= self.limit if self.is_least else reached <= self.limit)

    def __str__(self) -> str:
        sign = "≥" if self.is_least else "≤"
        return f"{sign} {self.limit:g}{' x floor' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure; `floor` is that of the bare relay, None if a relay has no comparable figure."""

    scenario: str
    name: str
    unit: str
    value: float
    floor: float | None = None
    goal: Goal | None = None
    is_detail: bool = False
    """Whether only the JSON contains the figure, not the table."""

    @property
    def ratio(self) -> float | None:
        """The ratio of the value to the floor's value."""
        return self.value / self.floor if self.floor else None

    @property
    def verdict(self) -> str:
        """Whether the goal is met, in a word."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.value, self.ratio) else "MISSED"


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that the given share of the values, from 0 to 1, does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(figures: Sequence[Figure]) -> str:
    """Render the figures as a Markdown table."""
    header = ["figure", "unit", "ours", "floor", "ratio", "goal", ""]
    rows = [header, ["-" * max(3, len(each)) for each in header], *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    )


def _row(figure: Figure) -> list[str]:
    return [
        f"{figure.scenario}: {figure.name}",
        figure.unit,
        _number(figure.value),
        "" if figure.floor is None else _number(figure.floor),
        "" if figure.ratio is None else _number(figure.ratio),
        str(figure.goal or ""),
        figure.verdict,
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004  # three digits
