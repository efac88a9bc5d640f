"""The demo model answers the questions that it understands with the demo API's tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.demo_model.grammar import normalized
from local.demo_model.plans import PLANS
from local.demo_model.questions import EXAMPLES, QUESTIONS, understood
from local.page.router import SAMPLES

if TYPE_CHECKING:
    from tests.support.demo_assistant import Assistant

ANSWERED = [
    ("Which teams are there?", "list_teams", ["**8** teams", "/teams/identity"]),
    ("Waht proejcts are tehre?", "list_projects", ["**87** projects:"]),
    ("Wich teams are there", "list_teams", ["**8** teams"]),
    ("shwo me the roles", "list_roles", ["Administrator"]),
    ("Which projcts are wirtten in Python?", "list_project_types", ["language is **Python**", "Warehouse Loader"]),
    ("Whoo onws the Payment Gateway?", "list_team_members", ["Payment Gateway", "Checkout & Payments", "Elena"]),
    ("list all project types", "list_project_types", ["**8** project types", "Data Pipeline"]),
    ("Which environments are there?", "list_environments", ["**4** environments", "/admin/environments/staging"]),
    ("Describe the environments", "list_environments", ["**4** environments:"]),
    ("Tell me about all teams", "list_teams", ["**8** teams:"]),
    ("teams", "list_teams", ["**8** teams:"]),
    ("How many projects do we have?", "list_projects", ["There are **87** projects."]),
    ("What projects are there, please?", "list_projects", ["**87** projects:", "…and 62 more."]),
    ("Show me the roles", "list_roles", ["Administrator"]),
    ("list tags", "list_tags", ["Architecture"]),
    ("Which users are there?", "list_users", ["Ada Whitfield"]),
    ("Which service accounts do we have?", "list_service_accounts", ["Release Bot"]),
    ("list the members of the organization", "list_organization_members", ["organization members"]),
    ("How many people are there?", "list_organization_members", ["There are **"]),
    ("Which projects does the checkout team have?", "list_projects", ["**13** projects", "Refund Worker"]),
    ("Which projects does the data team own?", "list_projects", ["**9** projects whose team is **Data Platform**"]),
    ("How many projects does fulfillment have?", "list_projects", ["There are **12** projects"]),
    ("Show me the projects of Customer Messaging", "list_projects", ["team is **Customer Messaging**"]),
    ("Which projects are written in Python?", "list_project_types", ["language is **Python**", "Warehouse Loader"]),
    ("which projects are written in ruby", "list_project_types", ["language is **Ruby**", "Legacy Checkout"]),
    ("How many projects are written in Go?", "list_project_types", ["There are **12** projects"]),
    ("projects using FastAPI", "list_projects", ["framework is **FastAPI**"]),
    ("Which projects use Spring Boot?", "list_projects", ["framework is **Spring Boot**", "Cart API"]),
    ("Which projects are deprecated?", "list_project_types", ["lifecycle is **deprecated**", "Supplier Portal"]),
    ("List the TypeScript projects", "list_project_types", ["language is **TypeScript**", "Storefront"]),
    ("Which projects are of type library?", "list_projects", ["project type is **Library**", "Design System"]),
    ("How many projects are there per team?", "list_projects", ["**87** projects, by team", "| Fulfillment | 12 |"]),
    ("projects by type", "list_projects", ["**87** projects, by type", "| HTTP API |"]),
    ("Which 3 projects have the highest score?", "list_projects", ["**3** projects with the highest score"]),
    ("Who owns the Payment Gateway?", "list_team_members", ["Payment Gateway", "Checkout & Payments", "Elena"]),
    ("Which team owns key-vault?", "list_team_members", ["Platform Engineering"]),
    ("Can you tell me who's responsible for the Event Bus?", "list_team_members", ["Platform Engineering"]),
    ("Who is on the identity team?", "list_team_members", ["Maya Lindqvist", "Devin Okafor"]),
    ("Who are the members of the data team?", "list_team_members", ["Viktor Petrov"]),
    (
        "What does checkout-api depend on?",
        "get_project_relationships",
        ["**5** dependencies of **[Checkout API]", "[Cart API]("],
    ),
    ("What depends on the event bus?", "get_project_relationships", ["[Audit Trail]("]),
    ("Which projects depend on Key Vault?", "get_project_relationships", ["[Token Signer]("]),
    ("What are the latest releases?", "list_operation_logs", ["The newest **12** deployments", "| Version |"]),
    ("Latest releases of Account API", "list_releases", ["Releases of **[Account API]", "Running now"]),
    ("Which version of the checkout API is running in staging?", "list_current_releases", ["| Staging |"]),
    (
        "What happened in production lately?",
        "list_operation_logs",
        ["newest **12** operations in **[Production]", "Deployed"],
    ),
    ("What happened recently?", "list_operation_logs", ["| Occurred at |"]),
    ("What happened in prod?", "list_operation_logs", ["operations in **[Production]"]),
    ("Last 3 operations of the checkout api", "list_operation_logs", ["**3** operations of **[Checkout API]"]),
    ("Describe the Token Signer", "get_project", ["**Programming language:** Go", "**Team:** Identity"]),
    ("Tell me about the team data-platform", "get_team", ["### **[Data Platform](/teams/data-platform)**"]),
    ("What is the Partner Sandbox environment?", "get_environment", ["### **[Partner Sandbox]"]),
    ("What language is the Checkout API written in?", "get_project", ["is **Kotlin**"]),
    ("What is the lifecycle of Legacy Checkout?", "get_project", ["is **deprecated**"]),
    ("Compare Account API and Permission API", "get_project", ["| Programming language | Python | Python |"]),
    ("Account API vs Cart API", "get_project", ["| Programming language | Python | Kotlin |"]),
    ("Find projects related to payment", "search_organization", ["Payment Gateway"]),
    ("Search for shipping labels", "search_organization", ["shipping labels"]),
    ("Who am I?", "get_current_user_profile", ["Ada Whitfield", "administrator"]),
    ("Who is on call?", "mcp_oncall_list_team_rotas", ["Identity", "Storefront"]),
    ("Who's on call right now?", "mcp_oncall_list_team_rotas", ["Storefront"]),
    ("Who is on call for checkout?", "mcp_oncall_list_team_rotas", ["Checkout & Payments", "@example.com"]),
    ("Which incidents are open?", "mcp_oncall_list_incidents", ["**2** open incidents", "Payments are confirmed late"]),
    ("Are there any open incidents right now?", "mcp_oncall_list_incidents", ["**2** open incidents"]),
    ("list incidents", "mcp_oncall_list_incidents", ["**4** incidents", "Sign-in fails for partners"]),
    ("Tell me about incident 215", "mcp_oncall_get_incident", ["An expired signing certificate"]),
    ("What does Account API cost in the cloud?", "mcp_costs_list_cloud_costs", ["account-api"]),
    (
        "Which projects cost the most?",
        "mcp_costs_list_cloud_costs",
        ["The highest **12** monthly US dollar costs", "| Total |"],
    ),
    ("Show me the cloud bill", "mcp_costs_get_cloud_bill", ["**Total:**"]),
    ("Refresh your tools", "refresh_openapi_spec", ["I refreshed my tools"]),
    ("Take me to the operations log", "navigate_to", ["/operations-log"]),
    ("Open the page of the Token Signer", "navigate_to", ["/projects/"]),
    ("Go to project types", "navigate_to", ["/admin/project-types"]),
    ("Which projects are databases?", "list_projects", ["**16** projects whose project type is **Database**"]),
    ("How many projects are there in staging?", "list_environments", ["There are **82** projects"]),
    ("Which project has the highest score?", "list_projects", ["**1** project with the highest score"]),
    ("Top 3 Python projects by score", "list_projects", ["**3** projects whose programming language is **Python**"]),
    (
        "Which 3 projects have the highest score in the checkout team?",
        "list_teams",
        ["**3** projects whose team is **Checkout & Payments**, with the highest score"],
    ),
    ("What happened in production in the last 24 hours?", "list_operation_logs", ["**[Production]", "last 24 hours"]),
    ("What happened in the identity team lately?", "list_operation_logs", ["operations of the team **[Identity]"]),
    ("What was deployed to staging in the last 30 days?", "list_operation_logs", ["deployments in **[Staging]"]),
    ("Who is on call for the cart API?", "mcp_oncall_list_team_rotas", ["shift of the team **[Checkout & Payments]"]),
    ("Which incidents does the catalog team have?", "mcp_oncall_list_incidents", ["Search misses new products"]),
    ("What does the checkout team cost?", "mcp_costs_list_cloud_costs", ["costs of the team **[Checkout & Payments]"]),
    ("What is the test coverage of the Tax Service?", "get_project", ["The test coverage of **[Tax Service]"]),
    ("What does the Cart API depend on?", "get_project_relationships", ["**3** dependencies of **[Cart API]"]),
    ("What are the latest releases of Account API?", "list_releases", ["Releases of **[Account API]"]),
    ("What was deployed to production today?", "list_operation_logs", ["deployment", "in **[Production]", " today"]),
    ("What does the Account API cost?", "mcp_costs_list_cloud_costs", ["**1** monthly US dollar cost of **[Account"]),
    ("Which tier-1 projects are written in Java or Go?", "list_projects", ["is **Java** or **Go**", "Payment Gateway"]),
    ("Who owns the checkout API?", "list_team_members", ["is owned by the team **[Checkout & Payments]"]),
    ("Compare Account API and Cart API", "get_project", ["| Programming language | Python | Kotlin |"]),
    ("What may I do?", "get_current_user_profile", ["you may do everything"]),
    ("Who is Elena Marchetti?", "get_user", ["### **[Elena Marchetti]"]),
    ("Who is on call and which incidents are open?", "mcp_oncall_list_incidents", ["on-call shifts", "open incidents"]),
    ("Who owns the checkout API? What depends on it?", "get_project_relationships", ["Elena", "dependents of **[Che"]),
    ("Which team owns the Key Vault and what depends on it?", "get_project_relationships", ["**2** dependents of"]),
]
CHANGES = {
    "Undo that",
    "Rename the Deploy CLI to Deployment CLI",
    'Create a project type named "Batch Job" and go to its page',
    'Create a project named "Gift Cards" for the checkout team of type library',
    "Delete the project Cost Reporter",
}
"""The examples that `test_changes.py` asks."""
RECALLED = {"Search my conversations for rollback"}
"""The example that needs stored conversations; `tests/functions/test_demo_questions.py` asks such questions."""


@pytest.mark.parametrize(("question", "tool", "expected"), ANSWERED)
@pytest.mark.parametrize("offering", ["few"], indirect=True)
async def test_a_question_is_answered_from_the_tools(
    reader: Assistant, question: str, tool: str, expected: list[str]
) -> None:
    answer = await reader.ask(question)
    assert tool in reader.names()
    assert [text for text in expected if text not in answer] == []


@pytest.mark.parametrize("offering", ["all"], indirect=True)
async def test_a_question_is_answered_without_a_search_if_all_tools_are_offered(reader: Assistant) -> None:
    assert "**4** environments" in await reader.ask("Which environments are there?")
    assert reader.searches == []


def test_every_question_that_is_offered_is_asked_in_a_test() -> None:
    asked = {question for question, *_ in ANSWERED} | CHANGES | RECALLED | {"What can you do?"}
    assert {*EXAMPLES, *SAMPLES} <= asked


def test_every_question_has_a_plan_and_every_plan_a_question() -> None:
    assert {question.plan for question in QUESTIONS} == {*PLANS}
    assert all(understood(normalized(example)) for example in EXAMPLES)


async def test_the_answer_to_what_it_can_do_has_examples_and_servers(reader: Assistant) -> None:
    answer = await reader.ask("What can you do?")
    assert "- Who owns the checkout API?" in answer
    assert reader.calls == []


async def test_independent_lookups_are_made_side_by_side(reader: Assistant) -> None:
    await reader.ask("Compare Account API and Cart API")
    assert max(reader.rounds) == 2


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who owns the foobar thing?", "I find no project named “foobar thing”"),
        ("Who owns the Paymnt Gateway?", "Did you mean **Payment Gateway**"),
        ("Which projects are written in Cobol?", "no attribute of the projects with the value “Cobol”"),
        ("Which projects are owned by the moon team?", "I find no team named “moon team”"),
        ("Which projects have no heartbeat?", "I know no attribute of projects named “heartbeat”"),
        ("Who is Batman?", "I find no user named “Batman”"),
        ("Which projects are failing?", "no attribute of the projects with the value “failing”"),
        ("Which projects does the moon team have?", "I find no team named “moon team”"),
        ("What happened in Atlantis lately?", "I find no environment named “Atlantis”"),
        ("Tell me about incident 7", "There is no incident 7"),
    ],
)
async def test_a_name_that_is_not_there_is_not_made_up(reader: Assistant, question: str, expected: str) -> None:
    answer = await reader.ask(question)
    assert expected in answer
    assert "| --- |" not in answer


async def test_a_tool_that_is_not_offered_is_searched_for_once(reader: Assistant) -> None:
    if reader.offered is None:
        return
    await reader.ask("Which environments are there?")
    assert (reader.searches, reader.names()) == (["list environments"], ["list_organizations", "list_environments"])
    await reader.ask("Which environments are there?")
    assert reader.searches == []
    await reader.ask("Who is on call for checkout?")
    assert reader.searches == ["list team rotas"]


async def test_a_result_that_was_cut_off_is_read_as_far_as_it_goes(reader: Assistant) -> None:
    reader.longest_result = 30_000
    answer = await reader.ask("Who owns the Account API?")
    assert "Identity" in answer
    assert "was cut off" in await reader.ask("list all projects")
