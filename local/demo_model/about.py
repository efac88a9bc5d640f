"""Plans for questions about the assistant and its user: help, the user's profile, refreshing the tools."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.language import plural
from local.demo_model.markdown import any_result, cell
from local.demo_model.plan import CannotAnswer, call_all
from local.demo_model.tool_results import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record

ABOUT = (
    "I am the **demo model**: a program without a language model, which picks tools by the words of your question and "
    "reports what they give. For a real one, set `ANTHROPIC_API_KEY` (and `ANTHROPIC_BASE_URL`, if it is not "
    "Anthropic's own) and start the server again."
)
_EXAMPLES = (
    ("list_projects", "Who owns *a project*?"),
    ("list_projects", "Which projects does the *platform* team have?"),
    ("list_projects", "Which projects are written in *Python*?"),
    ("list_projects", "How many projects are there per team?"),
    ("get_project_relationships", "What depends on *a project*? And its dependencies?"),
    ("list_projects", "What are the latest releases?"),
    ("list_operation_logs", "What happened recently? *(the operations log)*"),
    ("list_team_members", "Who are the members of *a team*?"),
    ("list_environments", "Which environments are there?"),
    ("get_project", "Describe *a project*. Compare *one* and *another*."),
    ("create_project_type", "Create a project type named *Batch Job* and go to its page."),
    ("patch_project", "Rename *a project* to *a new name*."),
    ("refresh_openapi_spec", "Refresh your tools."),
)
_PERMISSION = re.compile(r"(?<![\w:/])[a-z_]+(?::[a-z_-]+)+(?![\w:/])")


def describe_self(task: Task) -> Plan[str]:
    """Explain what the demo model is and which questions it answers."""
    yield from call_all([])
    return f"{ABOUT}\n\n{abilities(task)}"


def accept_thanks(_task: Task) -> Plan[str]:
    """Answer a thank-you."""
    yield from call_all([])
    return "You're welcome."


def describe_user(task: Task) -> Plan[str]:
    """Describe the user and their permissions, by the profile tool or else by the system prompt."""
    tool = next(
        (
            tool
            for tool in task.catalogue.tools
            if tool.verb.only_reads
            and not tool.required
            and ("me" in tool.noun or {"current", "user"} <= set(tool.noun))
        ),
        None,
    )
    if tool is None:
        task.catalogue.note_needed("get current user profile")
        return _from_prompt(task.system)
    profile = (yield from task.call(Call(tool.name, {}))).record
    return "\n\n".join(_profile(profile, brief=bool(re.search(r"\bwho am i\b", task.question.text, re.IGNORECASE))))


def _profile(profile: Record, *, brief: bool) -> list[str]:
    """Describe a profile in paragraphs; a brief description leaves out the permissions."""
    name = text_of(profile.get("display_name")) or "You"
    parts = [f"You are **{name}** ({text_of(profile.get('email'))})."]
    for key, one, field in (("organizations", "organization", "organization_name"), ("teams", "team", "team_name")):
        items = profile.get(key)
        if isinstance(items, list) and items:
            names = [text_of(item.get(field)) or cell(item) for item in items if isinstance(item, dict)]
            parts.append(f"Your {one if len(names) == 1 else plural(one)}: {', '.join(names)}.")
    permissions = profile.get("permissions")
    if profile.get("is_admin"):
        parts.append("You are an administrator: you may do everything.")
    elif not brief:
        parts.append(_allowed([text_of(item) for item in permissions] if isinstance(permissions, list) else []))
    return parts


def refresh_tools(task: Task) -> Plan[str]:
    """Call the tool that makes the service read its tools again."""
    tool = next(
        (
            tool
            for tool in task.catalogue.tools
            if tool.action == "refresh" and {"openapi", "spec", "tool"} & set(tool.noun)
        ),
        None,
    )
    if tool is None:
        raise CannotAnswer("No tool that refreshes my tools is offered to me.")
    result = yield from task.call(Call(tool.name, {}))
    told = f"I refreshed my tools; there are **{len(task.catalogue.tools)}** now."
    return f"{told}\n\n{any_result(result, task.pages, 'source')}"


def abilities(task: Task) -> str:
    """List example questions, the kinds of things that can be listed, and the MCP servers."""
    names = {tool.name for tool in task.catalogue.tools}
    finds_more = task.catalogue.may_find("")
    examples = "\n".join(f"- {text}" for tool, text in _EXAMPLES if tool in names or finds_more)
    kinds = ", ".join(sorted(plural(tool.phrase) for tool in task.catalogue.kinds if not tool.server)[:12])
    servers = sorted({tool.server for tool in task.catalogue.tools if tool.server})
    parts = [
        f"I am offered **{len(names)}** tools." if names else "I am offered no tools, so there is little that I can do."
    ]
    parts += ["I search for more when I need them."] if finds_more else []
    parts += [f"You can ask me, for example:\n\n{examples}"] if examples else []
    parts += [f"I can list {kinds}."] if kinds else []
    parts += [f"External servers: {', '.join(servers)}."] if servers else []
    return "\n\n".join(parts)


def _from_prompt(system: str) -> str:
    email = re.search(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", system)
    lines = [line.strip(" -*") for line in system.splitlines() if email and email[0] in line]
    permissions = sorted(set(_PERMISSION.findall(system)))
    if not lines and not permissions:
        return "I was not told who you are."
    return "\n\n".join([*(f"I was told: {line}" for line in lines[:3]), _allowed(permissions)])


def _allowed(permissions: Sequence[str]) -> str:
    if not permissions:
        return "I know of no permissions of yours."
    grouped: dict[str, list[str]] = defaultdict(list)
    for permission in sorted(permissions):
        thing, _, action = permission.rpartition(":")
        grouped[thing or permission].append(action)
    rows = "\n".join(f"| {thing.replace('_', ' ')} | {', '.join(actions)} |" for thing, actions in grouped.items())
    return f"You have **{len(permissions)}** permissions:\n\n| On | You may |\n| --- | --- |\n{rows}"
