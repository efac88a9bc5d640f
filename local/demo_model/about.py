"""Answers about the demo model and its user: what it can do, who the user is and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.markdown import fields
from local.demo_model.questions import EXAMPLES
from local.demo_model.tool_results import name_of

if TYPE_CHECKING:
    from local.demo_model.task import Task

NOT_UNDERSTOOD = "I did not understand that."
_ABOUT = (
    "I am the **demo model**: a program without a language model. I understand a fixed set of questions in English, "
    "and answer them with the tools that I am offered. For a real model, set `ANTHROPIC_API_KEY` (and "
    "`ANTHROPIC_BASE_URL`, if it is not Anthropic's own) and start the server again."
)
ABILITIES = "\n- ".join([f"{_ABOUT}\n\nYou can ask me, for example:\n", *EXAMPLES])


def describe_self(task: Task) -> str:
    """Explain what the demo model is and which questions it answers."""
    tools = f"I am offered **{len(task.tools.offered)}** tools now, and search for others when I need them."
    servers = f"\n\nExternal servers: {', '.join(task.tools.servers)}." if task.tools.servers else ""
    return f"{ABILITIES}\n\n{tools}{servers}"


def accept_thanks(_task: Task) -> str:
    """Answer a thank-you."""
    return "You're welcome."


def describe_user(task: Task) -> str:
    """Describe the user and their permissions."""
    profile = task.call("get_current_user_profile").record
    permissions = profile.pop("permissions", None)
    told = [f"`{permission}`" for permission in permissions] if isinstance(permissions, list) else []
    allowed = f"You have **{len(told)}** permissions: {', '.join(told)}."
    if profile.get("is_admin"):
        allowed = "You are an administrator: you may do everything."
    return f"You are **{name_of(profile)}**.\n\n{fields(profile)}\n\n{allowed}"
