"""Rules that decide by a tool's name whether a call runs, needs the user's approval, or is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Decision: TypeAlias = Literal["auto", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """A rule for the tools whose names match a shell pattern such as `create_*_key`."""

    pattern: str
    decision: Decision


def parse_rules(text: str) -> tuple[ApprovalRule, ...]:
    """Parse rules of the form `pattern=auto|ask|deny`, separated by commas.

    Raises:
        ValueError: a rule has another form.
    """
    rules = []
    for rule in filter(None, (part.strip() for part in text.split(","))):
        pattern, _, decision = rule.rpartition("=")
        known = next((each for each in get_args(Decision) if each == decision.strip()), None)
        if not pattern.strip() or known is None:
            raise ValueError(
                "must be rules such as create_api_key=ask, delete_*=deny; the decisions are auto, ask, deny"
            )
        rules.append(ApprovalRule(pattern.strip(), known))
    return tuple(rules)
