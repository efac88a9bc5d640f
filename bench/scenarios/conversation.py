"""The tokens, the cached share and the price of one conversation of six questions, with results of 2,000 tokens.

With version 0.1.0 and its own search, whose found tools changed the beginning of each request, the same conversation
costs $0.99 with claude-sonnet-4-6 and $0.62 with claude-sonnet-5-5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.environment import reachable
from bench.figures import Figure, Goal
from bench.questions import QUESTIONS
from bench.scripted_model import ScriptedModel
from local.company.principals import ADMINISTRATOR_EMAIL
from local.messages_api.prompt_cache import PromptCache
from tests.support.model_server import ModelServer

if TYPE_CHECKING:
    from bench.environment import Bench, Service
    from local.messages_api.prompt_cache import InputUsage

_MODELS = {"claude-sonnet-4-6": (3.0, 15.0, 0.30), "claude-sonnet-5-5": (2.0, 10.0, 0.10)}
"""Dollars for a million tokens: input, output, cache read. Page: "Pricing"."""
_WRITE_5M, _WRITE_1H = 1.25, 2.0
"""The price of a cache write, as a multiple of the input's."""
_OUTPUT_TOKENS = 150
"""The length of a reply, a call or an answer."""
_ASKED = (1, 3, 5, 7, 12, 16)
"""Questions with two or three calls each, some of which need a search."""
_PRICE = Goal(0.22)


async def measure(bench: Bench) -> list[Figure]:
    """Hold the conversation with each model."""
    figures: list[Figure] = []
    with ModelServer() as model:
        changes = {
            "ANTHROPIC_BASE_URL": model.url,
            "IMBI_INTERNAL_API_URL": f"{bench.upstream_url}/rich/300",
        }
        async with bench.service(is_warm=False, **changes) as service:
            await reachable(f"{service.url}/status")
            for name in _MODELS:
                model.clear()
                figures += await _conversation(service, model, name)
    return figures


async def _conversation(service: Service, model: ModelServer, name: str) -> list[Figure]:
    client = service.client(ADMINISTRATOR_EMAIL)
    conversation = await client.begin(model=name)
    searches = 0
    for number in _ASKED:
        script = ScriptedModel(model, QUESTIONS[number])
        answer = await client.ask(conversation, QUESTIONS[number].text)
        assert answer.done, QUESTIONS[number].text  # noqa: S101  # nothing can be measured
        searches += script.searches
    cache = PromptCache()
    usages = [cache.measure(request.body) for request in model.chats]
    scenario = f"conversation of six questions, {name}"
    sent = sum(sum(usage.counts.values()) for usage in usages)
    read = sum(usage.read for usage in usages)
    return [
        Figure(scenario, "requests", "", len(usages)),
        Figure(scenario, "searches", "", searches),
        Figure(scenario, "input", "tokens", sent),
        Figure(scenario, "read from the cache", "%", 100 * read / sent),
        Figure(scenario, "price", "$", sum(_price(usage, name) for usage in usages), goal=_PRICE),
    ]


def _price(usage: InputUsage, name: str) -> float:
    fresh, output, read = _MODELS[name]
    written = usage.written_5m * _WRITE_5M + usage.written_1h * _WRITE_1H
    return (usage.fresh * fresh + written * fresh + usage.read * read + _OUTPUT_TOKENS * output) / 1_000_000
