"""The tools that the model sees without a search: the built-in tools, and those that most questions need."""

from __future__ import annotations

from typing import Final

from shared.tools.builtin import BUILTIN_NAMES, UNDO_CHANGE

OPERATIONS: Final = frozenset(
    {
        # Finding the thing that a question is about. Nearly every question begins here.
        "list_organizations",
        "search_organization",
        "list_projects",
        "get_project",
        "list_project_types",
        "list_teams",
        "list_team_members",
        "list_environments",
        "get_org_document",
        "list_integrations",
        # What runs where, and what is on its way.
        "list_current_releases",
        "list_releases",
        "get_release_drift",
        "list_promotion_options",
        "get_deployment_run",
        "compare_refs",
        "get_commit_check_status",
        "list_release_dependencies",
        "list_org_pull_requests",
        # What happened, what is wrong, and who may do what.
        "list_operation_logs",
        "list_incidents",
        "search_logs",
        "get_project_analysis",
        "list_roles",
        "get_role",
        # Questions over many projects: dependencies, packages, scores.
        "get_project_relationships",
        "search_components",
        "get_problem_packages",
        "score_rollup",
        "score_history_by_team",
        # The changes that people ask for most.
        "create_operation_log",
        "create_project",
        "patch_project",
        "archive_project",
        "trigger_deployment",
        "add_release_blocker",
        "resolve_release_blocker",
    }
)
"""Names of tools. A tool belongs here if many questions need it, if another resident tool needs its answer, or if it is
small and completes a task that the others begin. Choosing gets worse above about 50 loaded tools:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
"""

RESIDENT: Final = (BUILTIN_NAMES - {UNDO_CHANGE}) | OPERATIONS
"""The names of the tools that are never deferred.

`undo_change` is deferred: the first result with a receipt refers to it.
"""
