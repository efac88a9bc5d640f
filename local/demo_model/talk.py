"""Plans about the assistant and the user: help, who am I, refreshing the tools; and what to say when things fail."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from local.demo_model.answers import any_result, cell
from local.demo_model.conversation import Call
from local.demo_model.desk import failure_of
from local.demo_model.language import plural
from local.demo_model.plan import Stuck, each
from local.demo_model.reading import read, text_of
from local.demo_model.tools import offer_of
from local.demo_model.wire import CustomTool, InputSchema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.demo_model.conversation import Outcome
    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan
    from local.demo_model.reading import Record

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
_REASONS: Mapping[int, str] = {
    400: "it was not accepted",
    401: "you are not signed in, or your sign-in has expired",
    403: "you are not allowed to do that",
    404: "there is no such thing",
    409: "it is in conflict with something that exists already",
    422: "what I sent was not valid",
    429: "there were too many requests",
    500: "the service failed",
    502: "the service cannot be reached",
    503: "the service is not available",
    504: "it took too long",
}
_PERMISSION = re.compile(r"(?<![\w:/])[a-z_]+(?::[a-z_-]+)+(?![\w:/])")
_LONGEST_DETAIL = 400


def help_(desk: Desk) -> Plan[str]:
    """What can be asked."""
    yield from each([])
    return f"{ABOUT}\n\n{_abilities(desk)}"


def unknown(desk: Desk) -> str:
    """An answer to what is not understood."""
    return f"I did not understand that. {ABOUT}\n\n{_abilities(desk)}"


def welcome(_desk: Desk) -> Plan[str]:
    """An answer to thanks."""
    yield from each([])
    return "You're welcome."


def identity(desk: Desk) -> Plan[str]:
    """Who the user is and what they may do: from the tool that tells, else from the system prompt."""
    offer = next(
        (
            offer
            for offer in desk.catalogue.offers
            if offer.verb.only_reads
            and not offer.required
            and ("me" in offer.noun or {"current", "user"} <= set(offer.noun))
        ),
        None,
    )
    if offer is None:
        desk.catalogue.want("get current user profile")
        return _from_prompt(desk.system)
    profile = (yield from desk.read(Call(offer.name, {}))).record
    return "\n\n".join(_profile(profile, brief=bool(re.search(r"\bwho am i\b", desk.question.text, re.IGNORECASE))))


def _profile(profile: Record, *, brief: bool) -> list[str]:
    """What a profile says of the user, in paragraphs; the permissions unless it is to be brief."""
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


def refresh(desk: Desk) -> Plan[str]:
    """Have the tools read again."""
    offer = next(
        (
            offer
            for offer in desk.catalogue.offers
            if offer.action == "refresh" and {"openapi", "spec", "tool"} & set(offer.noun)
        ),
        None,
    )
    if offer is None:
        raise Stuck("No tool that refreshes my tools is offered to me.")
    reading = yield from desk.read(Call(offer.name, {}))
    told = f"I refreshed my tools; there are **{len(desk.catalogue.offers)}** now."
    return f"{told}\n\n{any_result(reading, desk.pages, 'source')}"


def failed(outcome: Outcome) -> str:
    """What a failed call means, in plain words."""
    detail = failure_of(outcome)
    status = re.search(r"\b([45]\d\d)\b", outcome.text)
    reason = _REASONS.get(int(status[1]), "it failed") if status else "it failed"
    quoted = " ".join(detail.split())[:_LONGEST_DETAIL]
    return f"I could not do that: {reason}." + (f"\n\n`{outcome.call.name}` answered: *{quoted}*" if quoted else "")


def partial(desk: Desk, outcomes: Sequence[Outcome]) -> str:
    """An answer from the results that there are, where no more calls may be made."""
    good = [outcome for outcome in outcomes if not outcome.is_error]
    if not good:
        return f"I would have to call tools to answer that, and I cannot call any now.\n\n{ABOUT}"
    parts = ["I may not look further, so this is what I have found so far:"]
    for outcome in good[-2:]:
        offer = offer_of(CustomTool(name=outcome.call.name, input_schema=InputSchema(type="object")))
        parts.append(f"**{offer.phrase or offer.name}**\n\n{any_result(read(outcome.text), desk.pages, offer.phrase)}")
    return "\n\n".join(parts)


def _abilities(desk: Desk) -> str:
    names = {offer.name for offer in desk.catalogue.offers}
    finds_more = desk.catalogue.may_find("")
    examples = "\n".join(f"- {text}" for tool, text in _EXAMPLES if tool in names or finds_more)
    kinds = ", ".join(sorted(plural(offer.phrase) for offer in desk.catalogue.kinds if not offer.server)[:12])
    servers = sorted({offer.server for offer in desk.catalogue.offers if offer.server})
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
