"""The plans that answer the questions, by the names that `questions.txt` calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model import about, answers, changes, projects
from local.demo_model.answers import look_up, related, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.demo_model.answers import Plan

_OWN = (
    about.describe_self, about.accept_thanks, about.describe_user,
    answers.recall, answers.list_kind, answers.owner, answers.releases, answers.tell_field, answers.compare,
    answers.describe, projects.count_projects, projects.list_projects,
    changes.undo, changes.change, changes.create, changes.change_members, changes.archive,
    changes.delete, changes.go_to_page, changes.go_to_thing,
)  # fmt: skip
_RELATED = "get_project_relationships"

PLANS: Mapping[str, Plan] = {
    **{plan.__name__: plan for plan in _OWN},
    "refresh_tools": show("refresh_openapi_spec", "I refreshed my tools."),
    "on_call": look_up("mcp:list_team_rotas", "on-call shift"),
    "incidents": look_up("mcp:list_incidents", "incident"),
    "incident": show("mcp:get_incident", "The incident:"),
    "costs": look_up("mcp:list_cloud_costs", "monthly US dollar cost", "The highest {}"),
    "cloud_bill": show("mcp:get_cloud_bill", "This month's cloud bill, in US dollars:"),
    "search_conversations": look_up("search_my_conversations", "conversation"),
    "search": look_up("search_organization", "match", "The best {}"),
    "organization_members": look_up("list_organization_members", "organization member", kind="user"),
    "team_members": look_up("list_team_members", "member", kind="user"),
    "dependencies": look_up(_RELATED, "dependency", kind="project", rows=related("outbound")),
    "dependents": look_up(_RELATED, "dependent", kind="project", rows=related("inbound")),
    "deployments": look_up("list_operation_logs", "deployment", "The newest {}", entry_type="Deployed"),
    "operations": look_up("list_operation_logs", "operation", "The newest {}"),
}
