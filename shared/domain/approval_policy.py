"""The policy that decides which tool calls run at once, which ask the user first, and which are refused."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeAlias

from shared.domain.call_facts import ASSISTANT

if TYPE_CHECKING:
    from shared.domain.approval_rules import ApprovalRule, Decision
    from shared.domain.call_facts import CallFacts

ApprovalMode: TypeAlias = Literal["off", "destructive", "writes"]


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """The mode and the rules of an installation. The first rule that matches the tool's name counts."""

    mode: ApprovalMode = "off"
    rules: tuple[ApprovalRule, ...] = ()

    @property
    def may_ask(self) -> bool:
        """Whether any call can ask or be refused under this policy."""
        return self.mode != "off" or any(rule.decision != "auto" for rule in self.rules)

    def decide(self, facts: CallFacts) -> Decision:
        """Return what happens to a call.

        Our own tools that change nothing always run, because no conversation works without them. A tool whose
        definition has changed asks, whatever it does, unless a rule decides about it.
        """
        if facts.source == ASSISTANT and not facts.changes_something:
            return "auto"
        for rule in self.rules:
            if fnmatchcase(facts.name, rule.pattern):
                return rule.decision
        if self.mode == "off":
            return "auto"
        asks = facts.is_changed or facts.effect == "destructive" or (self.mode == "writes" and facts.changes_something)
        return "ask" if asks else "auto"
