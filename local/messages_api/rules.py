"""All rules together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api import blocks, caching, calls, order, sizes, system, thinking, tools
from local.messages_api.shape import shape_problems

if TYPE_CHECKING:
    from local.messages_api.request import Body, Rule

RULES: Final[tuple[Rule, ...]] = (
    blocks.block_fields,
    tools.tool_names_are_unique,
    tools.tool_definitions,
    tools.tool_choice,
    sizes.message_count,
    order.first_message,
    blocks.contents,
    system.system_texts,
    blocks.texts,
    calls.call_blocks,
    calls.calls_have_results,
    calls.result_blocks,
    calls.results_have_calls,
    thinking.signatures,
    caching.breakpoint_count,
    caching.breakpoint_places,
    caching.breakpoint_ttls,
)
"""The rules for every request, in the order in which their errors are reported."""

REPLY_RULES: Final[tuple[Rule, ...]] = (order.last_message,)
"""The rules for a request that asks for a reply, and does not only count tokens."""


def problems(body: Body, *, has_beta: bool = False, is_count: bool = False) -> list[str]:
    """Return the message of every error for which the API would refuse a body with 400; the API names the first only.

    `has_beta` means that the request has an `anthropic-beta` header, `is_count` that it only counts tokens.
    """
    if found := shape_problems(body, has_beta=has_beta, is_count=is_count):
        return found
    return [problem for rule in (*RULES, *(() if is_count else REPLY_RULES)) for problem in rule(body)]
