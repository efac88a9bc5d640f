"""The closed set of questions that the demo model understands: patterns, and the plan that answers each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from local.demo_model import about, activity, changes, listing, projects, ui_actions
from local.demo_model.grammar import match

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.demo_model.plan import Plan
    from local.demo_model.task import Task

    PlanOf = Callable[[Task], Plan[str]]

_LIST = "[list|show [me]|give me|get]"
_WHICH = "(which|what|how many)"
_GO = "[and {go}]"


class Intent(NamedTuple):
    """A kind of question: the plan that answers it, and the patterns of its wordings."""

    plan: PlanOf
    patterns: tuple[str, ...]


def _intent(plan: PlanOf, *patterns: str) -> Intent:
    return Intent(plan, patterns)


INTENTS = (
    _intent(
        about.describe_self,
        "(tell me about|describe|introduce) yourself",
        "(hi|hello|hey|help|help me|good morning|good day|good evening)",
        "what (can you do|can i ask [you]|are you [able to do]|questions can i ask [you])",
        "(who are you|are you a [large] language model|what is this|which model are you|how do you work)",
        "(how can you help [me]|what do you (do|know))",
    ),
    _intent(about.accept_thanks, "(thanks|thank you [very much]|thx|great|perfect|bye|goodbye)"),
    _intent(
        about.describe_user,
        "who am i",
        "what (may i do|am i allowed to do|are my permissions|are my roles|are my teams)",
        "(which|what) permissions do i have",
        "(which|what) teams am i (in|on)",
        "am i [an] (admin|administrator)",
        f"{_LIST} my (profile|permissions|roles|teams)",
    ),
    _intent(
        about.refresh_tools,
        "(refresh|reload|reread) [your|the] (tools|tool list|openapi document|openapi spec|api document)",
    ),
    _intent(
        changes.undo,
        "(undo|revert) [that|this|it|the last change|your last change] [too|again|as well]",
        "(take|roll) (that|this|it) back",
    ),
    _intent(
        activity.on_call, "(who is|who are|show me who is) on call [right now|now] [for [the] {team}] [right now|now]"
    ),
    _intent(
        activity.incidents,
        f"{_LIST} [all] [the] [{{status}}] incidents",
        f"{_WHICH} incidents (are there|are {{status}}|do we have) [right now|now]",
        "are there any {status} incidents [right now|now]",
    ),
    _intent(activity.incident, "[describe|tell me about|show me|what about|what is] incident [number] {number}"),
    _intent(
        activity.highest_costs,
        f"{_LIST} [what are] [the|our] cloud costs",
        "(which|what) projects (cost the most|are the most expensive|are most expensive)",
    ),
    _intent(activity.cloud_bill, f"{_LIST} [what is] (the|our|this month's) cloud bill"),
    _intent(
        activity.project_costs,
        "(what|how much) does [the] {project} cost [in the cloud|per month|a month]",
        f"{_LIST} [what are] [the] [cloud] costs of [the] {{project}}",
    ),
    _intent(
        activity.search_conversations,
        "(search|find) [in] my [earlier|past|old] conversations (for|about) {text}",
        "find (my|the|our) conversation about {text}",
    ),
    _intent(
        activity.recall,
        "what did (we|i|you) (say|talk|ask|discuss) about {text}",
        "(go on|continue) with (my|our|the|yesterday's) conversation about {text}",
        "(go on|continue) with (my|our|the|yesterday's) {text} (question|conversation)",
    ),
    _intent(activity.search, "search for {text}", "find [projects|everything|things] (about|related to) {text}"),
    _intent(
        listing.organization_members,
        f"{_LIST} [all] [the] (people|members of (the|my|our) organization|organization members)",
        f"{_WHICH} people (are there|work here)",
    ),
    _intent(
        listing.projects_per_group,
        "how many projects (are there|do we have|are) (per|by|in each|for each) {by}",
        "how many projects does each {by} (have|own)",
        f"{_LIST} [the] [number of] projects (per|by) {{by}}",
    ),
    _intent(
        listing.list_kind,
        f"{_WHICH} {{kind}} (are there|exist|do we have|do you know|does the organization have)",
        f"{_LIST} [all] [of] [the|our] {{kind}}",
        "(describe|tell me about) [all] [the|our] {kind}",
        "what are [all] (the|our) {kind}",
    ),
    _intent(
        listing.projects_of_team,
        f"{_WHICH} projects (does|do) [the] {{team}} (have|own|maintain|run)",
        f"{_WHICH} projects (belong to|are owned by|are maintained by) [the] {{team}}",
        f"{_LIST} [all] [the] projects (of|owned by|from) [the] {{team}}",
    ),
    _intent(
        listing.projects_of_type,
        f"{_WHICH} projects (are of|are|have) [the] type {{name}}",
        f"{_LIST} [all] [the] projects of [the] type {{name}}",
    ),
    _intent(
        listing.projects_by_score,
        "(which|what) [{number}] projects have the {order} (score|scores)",
        f"{_LIST} [the] [{{number}}] projects with the {{order}} (score|scores)",
    ),
    _intent(
        listing.projects_with_value,
        f"{_WHICH} projects are [written|implemented|built] (in|with|using) {{value}}",
        f"{_WHICH} projects (use|are) {{value}}",
        f"{_LIST} [all] [the|our] projects [that are] (written in|that use|using|built with) {{value}}",
        "(list|show|show me|give me) [all] [the|our] {value} projects",
    ),
    _intent(
        projects.owner,
        "who (owns|maintains|runs|is responsible for|looks after|is the owner of) [the] {project}",
        "(which|what) team (owns|maintains|runs|is responsible for|looks after) [the] {project}",
        "[and] [show me] the owner of [the] {project}",
        "who are [the] owners of [the] {project}",
    ),
    _intent(
        listing.team_members,
        "who is (on|in) [the] {team} team",
        "who is (on|in) (that team|this team)",
        "who (are|is) [the] members of [the] {team}",
        f"{_LIST} [all] [the] members of [the] {{team}}",
    ),
    _intent(
        projects.dependencies,
        "what does [the] {project} depend on",
        "[(which|what) projects does] [the] {project} depend on",
        f"{_LIST} [what are] [the] dependencies of [the] {{project}}",
        "[what are|show me|list] (its|their) dependencies",
    ),
    _intent(
        projects.dependents,
        "(what|which projects|what projects) (depends|depend) on [the] {project}",
        "(who|what) uses [the] {project}",
        f"{_LIST} [what are] [the] dependents of [the] {{project}}",
    ),
    _intent(
        projects.project_releases,
        f"{_LIST} [what are] [the] [latest|newest|current] (releases|versions) of [the] {{project}}",
        "(which|what) releases does [the] {project} have",
        "(which|what) (version|release) of [the] {project} (runs|is (running|deployed|live)) [in {environment}]",
        f"{_LIST} [what is] the (latest|newest|current) (release|version) of [the] {{project}}",
    ),
    _intent(projects.latest_releases, f"{_LIST} [what are|which are] [the] [latest|newest|current] releases"),
    _intent(
        activity.operations,
        "what [has] happened [in {environment}] [lately|recently]",
        "what [has] happened (lately|recently) [in {environment}]",
        "what [has] happened (to|with) [the] {project} [in {environment}] [lately|recently]",
        f"{_LIST} [the] (last|latest) {{number}} operations [(of|on) [the] {{project}}] [in {{environment}}]",
        f"{_LIST} [the] (last|latest|recent) operations [(of|on) [the] {{project}}] [in {{environment}}]",
        f"{_LIST} [the] operations log [of [the] {{project}}]",
    ),
    _intent(
        projects.tell_field,
        "what is the {field} of [the] {project}",
        "(what|which) [programming] {field} is [the] {project} written in",
    ),
    _intent(
        projects.compare,
        "compare [the] {project} (and|with|to) [the] {other}",
        "what is the difference between [the] {project} and [the] {other}",
        "[the] {project} (vs|versus) [the] {other}",
    ),
    _intent(changes.rename, f"rename [the] [{{single}}] {{project}} (to|into) {{name}} {_GO}"),
    _intent(changes.set_field, f"(set|change) the {{field}} of [the] [{{single}}] {{project}} to {{name}} {_GO}"),
    _intent(
        changes.create_project,
        f"(create|add|register) [a|the] [new] project [named|called] {{name}} (for|in) [the] {{team}}"
        f" (of|with) [the] type {{other}} {_GO}",
    ),
    _intent(changes.create, f"(create|add|make) [a|an|the] [new] {{new}} (named|called) {{name}} {_GO}"),
    _intent(changes.ask_for_name, "(create|add|make) [a|an|the] [new] ({new}|project)"),
    _intent(changes.add_member, "add {email} to [the] {team}"),
    _intent(changes.archive, "(archive|unarchive) [the] [project] {project}"),
    _intent(changes.delete, "(delete|remove) [the] {project} {single}", "(delete|remove) [the] [{single}] {project}"),
    _intent(
        ui_actions.go_to_page,
        "(go to|take me to|bring me to|navigate to|open) [the|my] {page} [page]",
        "show me the {page} page",
    ),
    _intent(
        ui_actions.go_to_project,
        "(go to|take me to|bring me to|navigate to|open) [the] [page of] [the] [project] {project}",
    ),
    _intent(
        projects.describe,
        "(describe|explain|tell me [more] about|show me) [the] {single} {project}",
        "(describe|explain|tell me [more] about) [the] {project}",
        "what is the {project} {single}",
    ),
)


def understood(question: str) -> tuple[PlanOf, Mapping[str, str]] | None:
    """Return the plan for a normalized question with its slots; None if the demo model does not understand it."""
    for intent in INTENTS:
        for pattern in intent.patterns:
            slots = match(pattern, question)
            if slots is not None:
                return intent.plan, slots
    return None
