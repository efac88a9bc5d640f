"""The result of a case with one model: which expectations its answers did not meet, and what they took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.eval.prices import cost, known_price

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from local.eval.answers import GivenAnswer
    from local.eval.cases import Case, CaseFile, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """The result of a case with one model."""

    case: str
    model: str
    problems: tuple[str, ...] = ()
    """One sentence for each expectation that was not met, and for each limit that was exceeded."""
    seconds: float = 0.0
    cost: float | None = None
    """US dollars; None if the model's price is not known."""
    input_tokens: int = 0
    output_tokens: int = 0
    tools: tuple[str, ...] = ()
    conversation_id: UUID | None = None
    """The conversation, if it was kept."""

    @property
    def has_passed(self) -> bool:
        """Whether all expectations were met within the limits."""
        return not self.problems


def judged(
    file: CaseFile, case: Case, model: str, answers: Sequence[GivenAnswer], problems: Sequence[str]
) -> CaseResult:
    """Return the result of a case whose answers have these problems; the limits add theirs."""
    usages = [answer.usage for answer in answers]
    spent = cost(usages, file.prices.get(model) or known_price(model))
    seconds = sum(answer.seconds for answer in answers)
    return CaseResult(
        case=case.name,
        model=model,
        problems=(*problems, *_exceeded(file.limits_of(case), model, seconds, spent)),
        seconds=seconds,
        cost=spent,
        input_tokens=sum(
            each.input_tokens + each.cache_read_input_tokens + each.cache_creation_input_tokens for each in usages
        ),
        output_tokens=sum(each.output_tokens for each in usages),
        tools=tuple(dict.fromkeys(name for answer in answers for name in answer.tools)),
    )


def _exceeded(limits: Limits, model: str, seconds: float, spent: float | None) -> list[str]:
    found = []
    if limits.max_seconds is not None and seconds > limits.max_seconds:
        found.append(f"It took {seconds:.1f} s; the limit is {limits.max_seconds:g} s.")
    if limits.max_cost is not None and spent is None:
        found.append(f'The price of {model} is not known. Add [prices."{model}"] to the file.')
    if limits.max_cost is not None and spent is not None and spent > limits.max_cost:
        found.append(f"It cost ${spent:.4f}; the limit is ${limits.max_cost:g}.")
    return found
