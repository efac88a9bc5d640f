"""All rules together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api import (
    betas as beta_rules,
)
from local.messages_api import (
    blocks,
    caching,
    calls,
    editing,
    images,
    options,
    order,
    references,
    sizes,
    system,
    system_messages,
    thinking,
    tools,
)
from local.messages_api.shape import shape_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from local.messages_api.request import Body, Rule

    BetaRule = Callable[[Body, Collection[str]], Iterator[str]]

RULES: Final[tuple[Rule, ...]] = (
    system_messages.system_message_models,
    options.thinking_option,
    options.effort_option,
    blocks.block_fields,
    tools.tool_names_are_unique,
    tools.tool_definitions,
    tools.tool_choice,
    tools.forced_choice,
    references.one_tool_is_not_deferred,
    references.deferred_tool_models,
    references.references_are_known,
    references.tools_are_sent_with_calls,
    sizes.message_count,
    order.first_message,
    blocks.contents,
    system.system_texts,
    blocks.texts,
    system_messages.system_message_blocks,
    system_messages.system_message_places,
    system_messages.tool_change_names,
    calls.call_blocks,
    calls.calls_have_results,
    calls.result_blocks,
    calls.results_have_calls,
    images.images,
    thinking.signatures,
    caching.breakpoint_count,
    caching.breakpoint_places,
    caching.breakpoint_ttls,
)
"""The rules for every request, in the order in which their errors are reported."""

BETA_RULES: Final[tuple[BetaRule, ...]] = (
    beta_rules.beta_fields,
    editing.context_edits,
    system_messages.tool_change_betas,
)
"""The rules that depend on the values of the header `anthropic-beta`."""

REPLY_RULES: Final[tuple[Rule, ...]] = (order.last_message,)
"""The rules for a request that asks for a reply, and does not only count tokens."""


def problems(
    body: Body, *, betas: Collection[str] = (), is_count: bool = False, checks_binding: bool = True
) -> list[str]:
    """Return the message of every error for which the API would refuse a body with 400; the API names the first only.

    `betas` are the values of the request's `anthropic-beta` header. `is_count` means that it only counts tokens.
    `checks_binding` means that thinking bound to something else is an error, and not silently dropped.
    """
    if found := [*beta_rules.known_betas(betas), *shape_problems(body, is_count=is_count)]:
        return found
    found = [problem for beta_rule in BETA_RULES for problem in beta_rule(body, betas)]
    found += [problem for rule in (*RULES, *(() if is_count else REPLY_RULES)) for problem in rule(body)]
    return found or ([*thinking.bound_thinking(body)] if checks_binding else [])
