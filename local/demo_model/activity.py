"""Plans about what happens: the operations log, on-call duty, incidents, costs, searches, earlier conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.kinds import ENVIRONMENT, PROJECT, TEAM
from local.demo_model.markdown import any_result, cell, fields, table
from local.demo_model.plan import CannotAnswer
from local.demo_model.tool_results import name_of, text_of
from local.demo_model.wording import counted

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool_results import ToolResult

_USUAL = 12
"""The number of entries if the question gives none."""
_LONGEST_QUOTE = 600


def operations(task: Task) -> Plan[str]:
    """List the newest entries of the operations log, of a project and in an environment if the question says so."""
    arguments: dict[str, JsonValue] = {}
    said = []
    if project_name := task.slots.get("project"):
        project = yield from task.find(PROJECT, project_name)
        arguments["project_slug"] = project.get("slug")
        said.append(f" of {task.link(PROJECT, project)}")
    if environment_name := task.slots.get("environment"):
        environment = yield from task.find(ENVIRONMENT, environment_name)
        arguments["environment_slug"] = environment.get("slug")
        said.append(f" in {name_of(environment)}")
    result = yield from task.call("list_operation_logs", limit=int(task.slots.get("number", _USUAL)), **arguments)
    about = "".join(said)
    if not result.records:
        return f"The operations log has no entries{about}."
    number = len(result.records)
    return f"The newest {counted(number, 'operation')}{about}:\n\n{table(result.records, task.pages, 'operation')}"


def on_call(task: Task) -> Plan[str]:
    """Tell who is on call, for one team or for all."""
    rotas = task.tools.name("mcp:list_team_rotas")
    slug, about = None, ""
    if said := task.slots.get("team"):
        team = yield from task.find(TEAM, said)
        slug, about = text_of(team.get("slug")), f" for {task.link(TEAM, team)}"
    result = yield from task.call(rotas, team_slug=slug)
    return f"On call{about}:\n\n{any_result(result, task.pages, 'rota')}"


def incidents(task: Task) -> Plan[str]:
    """List the incidents, or only the open or the resolved ones."""
    status = (task.slots.get("status") or "").lower() or None
    result = yield from task.call("mcp:list_incidents", status=status)
    label = f"{status} incident" if status else "incident"
    return f"{counted(len(result.records), label)}.\n\n{any_result(result, task.pages, 'incident')}"


def incident(task: Task) -> Plan[str]:
    """Describe an incident."""
    result = yield from task.call("mcp:get_incident", number=int(task.slots["number"]))
    return f"### {name_of(result.record)}\n\n{fields(result.record)}"


def project_costs(task: Task) -> Plan[str]:
    """Tell what a project costs in the cloud."""
    costs = task.tools.name("mcp:list_cloud_costs")
    project = yield from task.find(PROJECT, task.slots.get("project"))
    result = yield from task.call(costs, project_slug=text_of(project.get("slug")))
    return f"Cloud costs of {task.link(PROJECT, project)} this month, in US dollars:\n\n{_costs(task, result)}"


def highest_costs(task: Task) -> Plan[str]:
    """List the most expensive projects."""
    result = yield from task.call("mcp:list_cloud_costs")
    return f"The most expensive projects this month, in US dollars:\n\n{_costs(task, result)}"


def cloud_bill(task: Task) -> Plan[str]:
    """Tell the company's cloud bill."""
    bill = (yield from task.call("mcp:get_cloud_bill")).record
    return f"This month's cloud bill, in US dollars:\n\n{fields(bill)}"


def search(task: Task) -> Plan[str]:
    """Search everything in the organization for a text."""
    text = task.slots["text"]
    organization = yield from task.organization()
    result = yield from task.call("search_organization", org_slug=organization, q=text, limit=_USUAL)
    if not result.records:
        return f"I found nothing about “{text}”."
    return f"I found {counted(len(result.records), 'match')} for “{text}”:\n\n{table(result.records, task.pages, '')}"


def search_conversations(task: Task) -> Plan[str]:
    """List the user's earlier conversations about a subject."""
    found = (yield from task.call("search_my_conversations", query=task.slots["text"])).records
    if not found:
        return f"I found no earlier conversation about “{task.slots['text']}”."
    lines = [f"- **{cell(each.get('title'))}** ({cell(each.get('last_message'))})" for each in found]
    return f"I found {counted(len(found), 'conversation')}:\n\n" + "\n".join(lines)


def recall(task: Task) -> Plan[str]:
    """Quote the last answer of the earlier conversation that fits a subject best."""
    found = (yield from task.call("search_my_conversations", query=task.slots["text"])).records
    if not found:
        raise CannotAnswer(f"I found no earlier conversation about “{task.slots['text']}”.")
    read = (yield from task.call("read_my_conversation", id=text_of(found[0].get("id")))).record
    messages = read.get("messages")
    said = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    quotes = [f"{'You' if each.get('from') == 'user' else 'I'} said:\n\n> {_quoted(each.get('text'))}" for each in said]
    title = f"In the conversation **{cell(found[0].get('title'))}** ({cell(found[0].get('last_message'))}):"
    return "\n\n".join([title, *quotes[-2:]])


def _costs(task: Task, result: ToolResult) -> str:
    return table(result.records, task.pages, "")


def _quoted(text: JsonValue) -> str:
    return text_of(text)[:_LONGEST_QUOTE].replace("\n", "\n> ")
