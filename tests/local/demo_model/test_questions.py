"""The demo model answers questions with the demo API's tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.page.router import SAMPLES

if TYPE_CHECKING:
    from tests.support.demo_assistant import Assistant


@pytest.mark.parametrize(
    ("question", "tool", "expected"),
    [
        ("Who owns the Payment Gateway?", "list_team_members", ["Payment Gateway", "Checkout & Payments", "Elena"]),
        ("Which projects does the checkout team have?", "list_projects", ["**13** projects", "Refund Worker"]),
        (
            "Which projects are written in Ruby?",
            "list_project_types",
            ["language is **Ruby**", "Legacy Checkout"],
        ),
        ("How many projects are written in Go?", "list_project_types", ["There are **12** projects"]),
        (
            "How many projects are there per team?",
            "list_projects",
            ["**87** projects, by team", "| Fulfillment | 12 |"],
        ),
        ("projects using FastAPI", "list_projects", ["framework is **FastAPI**"]),
        (
            "What does checkout-api depend on?",
            "get_project_relationships",
            ["depends on **5** projects", "[Cart API]("],
        ),
        ("What depends on the event bus?", "get_project_relationships", ["[Audit Trail]("]),
        ("What are the latest releases?", "list_projects", ["current releases", "| Tag |"]),
        ("Latest releases of Account API", "list_releases", ["Releases of **[Account API]", "Running now"]),
        ("What happened recently?", "list_operation_logs", ["operation logs", "| Occurred at |"]),
        ("Last 3 operations of the checkout api", "list_operation_logs", ["project is **checkout-api**"]),
        ("Who is on the identity team?", "list_team_members", ["Maya Lindqvist", "Devin Okafor"]),
        ("Which environments are there?", "list_environments", ["**4** environments", "/admin/environments/staging"]),
        ("list all project types", "list_project_types", ["**8** project types", "Data Pipeline"]),
        ("Which teams are there?", "list_teams", ["**8** teams", "/teams/identity"]),
        ("Describe the Token Signer", "get_project", ["**Programming language:** Go", "**Team:** Identity"]),
        ("What is the Partner Sandbox environment?", "get_environment", ["### **[Partner Sandbox]"]),
        ("What language is the Checkout API written in?", "get_project", ["is **Kotlin**"]),
        ("Compare Account API and Permission API", "get_project", ["| Programming language | Python | Python |"]),
        ("Which libraries are there?", "list_projects", ["project type is **Library**", "Design System"]),
        ("Which 3 projects have the highest score?", "list_projects", ["**3** projects whose score is highest"]),
        ("Find projects related to payment", "list_projects", ["Fraud Scoring"]),
        ("Who am I?", "get_current_user_profile", ["Ada Whitfield", "administrator"]),
        ("list the members of the organization", "list_organization_members", ["organization members"]),
        ("Which projects does the data team own?", "list_projects", ["**9** projects whose team is **Data Platform**"]),
        ("Who is on the data team?", "list_team_members", ["Viktor Petrov"]),
        ("Tell me about the data team", "get_team", ["### **[Data Platform](/teams/data-platform)**"]),
        ("Tell me about all teams", "list_teams", ["**8** teams:"]),
        ("Describe the environments", "list_environments", ["**4** environments:"]),
    ],
)
async def test_a_question_is_answered_from_the_tools(
    reader: Assistant, question: str, tool: str, expected: list[str]
) -> None:
    answer = await reader.ask(question)
    assert tool in reader.names()
    assert [text for text in expected if text not in answer] == []


async def test_a_follow_up_question_refers_to_the_question_before(reader: Assistant) -> None:
    await reader.ask("Who owns the Payment Gateway?")
    answer = await reader.ask("and its dependencies?")
    assert "Payment Gateway" in answer
    assert "[Payment Database](" in answer
    assert "Elena Marchetti" in await reader.ask("Who are the members of that team?")


async def test_both_parts_of_a_double_question_are_answered(reader: Assistant) -> None:
    answer = await reader.ask("Which team owns the Key Vault and what depends on it?")
    assert "Platform Engineering" in answer
    assert "[Token Signer](" in answer


async def test_a_part_that_is_not_understood_leaves_the_answer_to_the_other(reader: Assistant) -> None:
    answer = await reader.ask("Which teams are there, and what do they own?")
    assert "**8** teams" in answer
    assert "what do they own?" in answer


@pytest.mark.parametrize("question", SAMPLES)
async def test_the_sample_questions_of_the_chat_page_are_understood(reader: Assistant, question: str) -> None:
    assert "I did not understand" not in await reader.ask(question)


async def test_this_project_is_the_one_that_the_page_shows(reader: Assistant) -> None:
    answer = await reader.ask('<context>{"project": {"slug": "price-api"}}</context> What does this project depend on?')
    assert "[Price Database](" in answer


async def test_independent_lookups_are_made_side_by_side(reader: Assistant) -> None:
    await reader.ask("Compare Account API, Cart API and Price API")
    assert max(reader.rounds) == 3
    await reader.ask("Last 5 operations of the checkout api in production")
    assert max(reader.rounds) >= 2
    assert reader.calls[-1][1] == {"project_slug": "checkout-api", "environment_slug": "production", "limit": 5}


async def test_a_name_that_is_not_there_is_not_made_up(reader: Assistant) -> None:
    assert "could not tell which project" in await reader.ask("Who owns the foobar thing?")
    assert "Checkout & Payments" in await reader.ask("Who owns the Paymnt Gateway?")


async def test_the_user_is_taken_to_a_page(reader: Assistant) -> None:
    await reader.ask("Take me to the operations log")
    assert reader.calls == [("navigate_to", {"path": "/operations-log"})]


async def test_a_tool_that_is_not_offered_is_searched_for_once(reader: Assistant) -> None:
    if reader.offered is None:
        return
    await reader.ask("Which environments are there?")
    assert (reader.searches, reader.names()) == (["environments"], ["list_organizations", "list_environments"])
    await reader.ask("Which environments are there?")
    assert reader.searches == []
    await reader.ask("Who owns the Payment Gateway?")
    assert (reader.searches, reader.rounds) == (["list team member"], [1, 1, 1, 1])
    assert "I did not understand" in await reader.ask("Which spaceships are there?")
    assert reader.searches == ["spaceships"]


async def test_external_and_refreshing_tools_are_chosen_like_all_others(reader: Assistant) -> None:
    assert "The sum is 7.5." in await reader.ask("What is the sum of 3 and 4.5?")
    await reader.ask("search the runbooks for failover")
    assert reader.calls == [("mcp_docs_search_runbooks", {"query": "failover"})]
    await reader.ask("Refresh your tools")
    assert reader.names() == ["refresh_openapi_spec"]


async def test_a_result_that_was_cut_off_is_read_as_far_as_it_goes(reader: Assistant) -> None:
    reader.longest_result = 30_000
    answer = await reader.ask("Who owns the Account API?")
    assert "Identity" in answer
    assert "was cut off" in await reader.ask("list all projects")
