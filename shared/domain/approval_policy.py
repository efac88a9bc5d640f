"""The policy that decides which tool calls run at once, which ask the user first, and which are refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeAlias

from shared.domain.call_facts import ASSISTANT

if TYPE_CHECKING:
    from shared.domain.approval_rules import ApprovalRule, Decision
    from shared.domain.call_facts import CallFacts
    from shared.domain.models import Caller

ApprovalMode: TypeAlias = Literal["off", "destructive", "writes"]


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """The mode and the rules of an installation. The first rule that matches the tool's name counts."""

    mode: ApprovalMode = "off"
    rules: tuple[ApprovalRule, ...] = ()
    asks_before_changes: bool = False
    """Every call that changes something asks, whatever mode and rules allow. What they refuse stays refused."""

    @property
    def may_ask(self) -> bool:
        """Whether any call can ask or be refused under this policy."""
        return self.asks_before_changes or self.mode != "off" or any(rule.decision != "auto" for rule in self.rules)

    def of_caller(self, caller: Caller) -> ApprovalPolicy:
        """Return the policy for the conversation that is being answered, which may ask before more calls."""
        return replace(self, asks_before_changes=self.asks_before_changes or caller.asks_before_changes)

    def decide(self, facts: CallFacts) -> Decision:
        """Return what happens to a call."""
        decision = self._by_rule_and_mode(facts)
        if self.asks_before_changes and decision == "auto" and (facts.changes_something or facts.is_changed):
            return "ask"
        return decision

    def _by_rule_and_mode(self, facts: CallFacts) -> Decision:
        """Return what the rules and the mode decide.

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
