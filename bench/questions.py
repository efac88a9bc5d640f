"""Twenty realistic questions, with the tools that a model would call to answer them, in order."""

from __future__ import annotations

from typing import NamedTuple


class Question(NamedTuple):
    """A question and its tools, which both documents contain."""

    text: str
    tools: tuple[str, ...]


QUESTIONS = (
    Question("Which projects do we have?", ("list_projects",)),
    Question("Who looks after the checkout?", ("search_organization", "get_project", "list_team_members")),
    Question("What has gone live today?", ("list_operation_logs",)),
    Question("Which version of the web shop runs in production?", ("search_organization", "list_current_releases")),
    Question("Show me the latest versions of the payment service.", ("search_organization", "list_releases")),
    Question("What does the web shop depend on?", ("search_organization", "get_project_relationships")),
    Question("Which teams are there?", ("list_teams",)),
    Question("Who is in the platform team?", ("list_teams", "list_team_members")),
    Question("Put Vera into the platform team.", ("list_teams", "list_users", "add_team_member")),
    Question("Which stages does software go through before it is live?", ("list_environments",)),
    Question("How good is our catalogue, team by team?", ("score_rollup",)),
    Question("Where is anything said about invoices?", ("search_organization",)),
    Question("What was done to the checkout last week?", ("search_organization", "list_operation_logs")),
    Question("Note that I restarted the mail gateway.", ("search_organization", "create_operation_log")),
    Question("What may a maintainer do?", ("list_roles", "get_role")),
    Question("Which accounts do the pipelines use?", ("list_service_accounts",)),
    Question("Register a new API called Coupons.", ("list_teams", "list_project_types", "create_project")),
    Question("We do not use the old importer any more, put it away.", ("search_organization", "archive_project")),
    Question("Which labels can I give to things?", ("list_tags",)),
    Question("Which fields does a web application have to fill in?", ("list_project_types", "list_blueprints")),
)
