"""Plans about the assistant and its user: help, the user's profile, the tools."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from local.demo_model.markdown import any_result, cell
from local.demo_model.plan import call_all
from local.demo_model.tool_results import text_of

if TYPE_CHECKING:
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record

ABOUT = (
    "I am the **demo model**: a program without a language model. I understand a fixed set of questions in English, "
    "and answer them with the tools that I am offered. For a real model, set `ANTHROPIC_API_KEY` (and "
    "`ANTHROPIC_BASE_URL`, if it is not Anthropic's own) and start the server again."
)
EXAMPLES = (
    "Which teams are there?",
    "Which projects are written in Python?",
    "Which projects does the checkout team have?",
    "How many projects are there per team?",
    "Describe the Token Signer",
    "Compare Account API and Cart API",
    "Who owns the checkout API?",
    "What depends on the event bus?",
    "What are the latest releases of Account API?",
    "What happened in production lately?",
    "Who is on the identity team?",
    "Who is on call for checkout?",
    "Which incidents are open?",
    "What does the Account API cost?",
    "Search my conversations for rollback",
    "Rename the Deploy CLI to Deployment CLI",
    "Undo that",
    "Delete the project Cost Reporter",
    'Create a project type named "Batch Job" and go to its page',
    "Take me to the operations log",
    "What may I do?",
    "Refresh your tools",
)
"""Questions that are understood."""
NOT_UNDERSTOOD = "I did not understand that."


def describe_self(task: Task) -> Plan[str]:
    """Explain what the demo model is and which questions it answers."""
    yield from call_all([])
    return f"{ABOUT}\n\n{_abilities(task)}"


def accept_thanks(_task: Task) -> Plan[str]:
    """Answer a thank-you."""
    yield from call_all([])
    return "You're welcome."


def not_understood() -> str:
    """Say that a question is not understood, and what the demo model can do."""
    return f"{NOT_UNDERSTOOD} {ABOUT}\n\n{_examples()}"


def describe_user(task: Task) -> Plan[str]:
    """Describe the user and their permissions."""
    profile = (yield from task.call("get_current_user_profile")).record
    name = text_of(profile.get("display_name")) or "You"
    parts = [f"You are **{name}** ({text_of(profile.get('email'))})."]
    for key, label in (("organizations", "Organizations"), ("teams", "Teams")):
        items = profile.get(key)
        if isinstance(items, list) and items:
            parts.append(f"{label}: {', '.join(_membership(item, key) for item in items if isinstance(item, dict))}.")
    if profile.get("is_admin"):
        parts.append("You are an administrator: you may do everything.")
    else:
        parts.append(_allowed(profile))
    return "\n\n".join(parts)


def refresh_tools(task: Task) -> Plan[str]:
    """Make the service read its tools again."""
    result = yield from task.call("refresh_openapi_spec")
    return f"I refreshed my tools.\n\n{any_result(result, task.pages, 'source')}"


def _abilities(task: Task) -> str:
    tools = f"I am offered **{len(task.tools.offered)}** tools now, and search for others when I need them."
    servers = f"\n\nExternal servers: {', '.join(task.tools.servers)}." if task.tools.servers else ""
    return f"{_examples()}\n\n{tools}{servers}"


def _examples() -> str:
    return "You can ask me, for example:\n\n" + "\n".join(f"- {example}" for example in EXAMPLES)


def _membership(item: Record, key: str) -> str:
    return text_of(item.get(f"{key.removesuffix('s')}_name")) or cell(item)


def _allowed(profile: Record) -> str:
    found = profile.get("permissions")
    permissions = sorted(map(text_of, found)) if isinstance(found, list) else []
    if not permissions:
        return "I know of no permissions of yours."
    grouped: dict[str, list[str]] = defaultdict(list)
    for permission in permissions:
        thing, _, action = permission.rpartition(":")
        grouped[thing or permission].append(action)
    rows = "\n".join(f"| {thing.replace('_', ' ')} | {', '.join(actions)} |" for thing, actions in grouped.items())
    return f"You have **{len(permissions)}** permissions:\n\n| On | You may |\n| --- | --- |\n{rows}"
