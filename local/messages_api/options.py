"""The rules about the options of a request that differ between models: thinking, effort, retired parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.models import rules_of
from local.messages_api.request import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

THINKING_FIELDS: Final = {
    "adaptive": words("type display block_binding"),
    "enabled": words("type display budget_tokens block_binding"),
    "disabled": words("type"),
    "between_tools": words("type"),
}
DISPLAYS: Final = words("summarized omitted updates")
LEAST_BUDGET: Final = 1024


def thinking_option(body: Body) -> Iterator[str]:
    """The field `thinking` has a type that the model accepts, and that type's fields. Page: "Thinking"."""
    if "thinking" not in body:
        return
    given = body["thinking"]
    kind = given.get("type") if isinstance(given, dict) else None
    if kind not in THINKING_FIELDS:
        yield "thinking: Input should be an object with the type 'adaptive', 'enabled', 'disabled' or 'between_tools'"
        return
    if kind not in rules_of(body["model"]).thinking:
        yield f'"thinking.type.{kind}" is not supported for this model.'
    for name in sorted(given.keys() - THINKING_FIELDS[kind]):
        yield f"thinking.{kind}.{name}: Extra inputs are not permitted"
    if given.get("display", "omitted") not in DISPLAYS:
        yield f"thinking.{kind}.display: Input should be 'summarized', 'omitted' or 'updates'"
    if kind == "enabled":
        yield from _budget(given.get("budget_tokens"), body.get("max_tokens"))


def effort_option(body: Body) -> Iterator[str]:
    """The effort is one that the model has. Page: "Effort"."""
    config = body.get("output_config", {})
    if not isinstance(config, dict):
        yield "output_config: Input should be a valid dictionary"
        return
    effort = config.get("effort")
    efforts = rules_of(body["model"]).efforts
    if effort is not None and not efforts:
        yield "output_config.effort: This model does not support the effort parameter."
    elif effort is not None and effort not in efforts:
        yield f"output_config.effort: Input should be {', '.join(map(repr, efforts))}"
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind in {"disabled", "between_tools"} and effort in {"xhigh", "max"}:
        yield f"output_config.effort: '{effort}' is not supported with thinking.type '{kind}'."


def _budget(budget: object, max_tokens: object) -> Iterator[str]:
    if not isinstance(budget, int) or isinstance(budget, bool):
        yield "thinking.enabled.budget_tokens: Field required"
    elif budget < LEAST_BUDGET:
        yield f"thinking.enabled.budget_tokens: Input should be greater than or equal to {LEAST_BUDGET}"
    elif isinstance(max_tokens, int) and budget >= max_tokens:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
