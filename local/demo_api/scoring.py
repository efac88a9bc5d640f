"""Scores projects by the weighted mean of a few policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from local.demo_api.schemas.projects import PolicyContribution, ScoreBreakdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from local.demo_api.schemas.projects import Project

_FULL = 100.0


@dataclass(frozen=True, slots=True)
class Policy:
    """A scoring policy: a number counts as it is, a value in `scores` by its score, any other value as 100."""

    slug: str
    category: Literal["attribute", "presence", "link_presence"]
    subject: str
    weight: int
    scores: Mapping[str, float] | None = None

    def value(self, project: Project) -> JsonValue:
        """Return the project's value that the policy scores."""
        known = project.links if self.category == "link_presence" else project.attributes
        return known.get(self.subject)

    def applies_to(self, project: Project) -> bool:
        """Return whether the policy applies; a database, for example, has no test coverage."""
        return self.category != "attribute" or self.value(project) is not None

    def contribution(self, project: Project, total_weight: int) -> PolicyContribution:
        """Return the policy's contribution to the project's score."""
        value = self.value(project)
        mapped = self._mapped(value)
        return PolicyContribution(
            policy_slug=self.slug,
            category=self.category,
            attribute_name=None if self.category == "link_presence" else self.subject,
            link_slug=self.subject if self.category == "link_presence" else None,
            value=value,
            mapped_score=mapped,
            weight=self.weight,
            weighted_contribution=round(mapped * self.weight / total_weight, 2),
        )

    def _mapped(self, value: JsonValue) -> float:
        if value is None:
            return 0.0
        if self.scores is not None:
            return self.scores.get(str(value), 0.0)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else _FULL


POLICIES = (
    Policy("test-coverage", "attribute", "test_coverage", 30),
    Policy(
        "lifecycle",
        "attribute",
        "lifecycle",
        25,
        {"active": 100.0, "experimental": 80.0, "maintenance": 60.0, "deprecated": 10.0},
    ),
    Policy("has-dashboard", "link_presence", "dashboard", 15),
    Policy("has-runbook", "link_presence", "runbook", 15),
    Policy("has-on-call", "presence", "on_call", 15),
)


def breakdown_of(project: Project) -> ScoreBreakdown:
    """Return a project's score with the contribution of each policy."""
    policies = [policy for policy in POLICIES if policy.applies_to(project)]
    total_weight = sum(policy.weight for policy in policies)
    contributions = [policy.contribution(project, total_weight) for policy in policies]
    total = sum(contribution.weighted_contribution for contribution in contributions)
    return ScoreBreakdown(base_score=round(total, 1), attribute_contributions=contributions)


def score_of(project: Project) -> float:
    """Return a project's score, from 0 to 100."""
    return breakdown_of(project).base_score
