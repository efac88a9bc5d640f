"""The tokens that twenty questions send to the model, with the demo API and with 300 tools.

A scripted model calls the tools that an answer needs, and first searches for tools that are not offered. Four bytes
count as one token. Cached tokens are those of prefixes that were sent before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from bench.environment import reachable
from bench.figures import Figure, Goal
from bench.questions import QUESTIONS
from bench.scripted_model import ScriptedModel, visible_tools
from local.company.principals import ADMINISTRATOR_EMAIL
from local.demo_api import create_demo_api
from local.messages_api.prompt_cache import BYTES_PER_TOKEN, PromptCache
from shared.http.server import running
from tests.support.model_server import ModelServer

if TYPE_CHECKING:
    from bench.environment import Bench, Service
    from bench.questions import Question

_PREFIX = Goal(11_000)
_CACHED = Goal(90, is_least=True)


@dataclass(slots=True)
class _Sums:
    """The totals over all questions."""

    requests: int = 0
    tokens: int = 0
    tools: int = 0
    prefix: int = 0
    later: int = 0
    later_read: int = 0
    searches: int = 0
    missed: int = 0

    @property
    def cached_share(self) -> float:
        """The percentage of input tokens from the second round on that the cache served."""
        return 100 * self.later_read / self.later if self.later else 0.0


async def measure(bench: Bench) -> list[Figure]:
    """Ask the questions with both documents, with and without the search for tools."""
    figures: list[Figure] = []
    with ModelServer() as model:
        async with running(create_demo_api(bench.variables()["IMBI_AUTH_JWT_SECRET"])) as demo:
            for name, api in (("demo", demo), ("300 tools", bench.variables("300")["IMBI_INTERNAL_API_URL"])):
                for mode in ("auto",) if bench.is_quick else ("auto", "off"):
                    model.clear()
                    changes = {"ANTHROPIC_BASE_URL": model.url, "IMBI_INTERNAL_API_URL": api}
                    changes["IMBI_ASSISTANT_APPROVAL_RULES"] = "*=auto"  # one question rotates a key
                    async with bench.service(is_warm=False, IMBI_ASSISTANT_TOOL_SEARCH=mode, **changes) as service:
                        await reachable(f"{service.url}/status")
                        figures += await _asked(service, model, f"tokens, {name}, search {mode}")
    return figures


async def _asked(service: Service, model: ModelServer, scenario: str) -> list[Figure]:
    sums = _Sums()
    details = []
    for question in QUESTIONS:
        details += await _one(service, model, question, sums, scenario)
    is_goal = "300" in scenario and "auto" in scenario
    return [
        Figure(scenario, "tools and static prompt", "tokens", sums.prefix, goal=_PREFIX if is_goal else None),
        Figure(scenario, "tools in each request, mean", "tokens", sums.tools / sums.requests),
        Figure(scenario, "sent for 20 questions", "tokens", sums.tokens),
        Figure(scenario, "requests for 20 questions", "", sums.requests),
        Figure(scenario, "searches for 20 questions", "", sums.searches),
        Figure(scenario, "tools not found", "", sums.missed, goal=Goal(0)),
        Figure(scenario, "read from the cache from round 2 on", "%", sums.cached_share, goal=_CACHED),
        *details,
    ]


async def _one(service: Service, model: ModelServer, question: Question, sums: _Sums, scenario: str) -> list[Figure]:
    script = ScriptedModel(model, question)
    before = len(model.chats)
    client = service.client(ADMINISTRATOR_EMAIL)
    answer = await client.ask(await client.begin(), question.text)
    assert answer.done, question.text  # noqa: S101  # nothing can be measured
    model.verify()
    requests = [request.body for request in model.chats[before:]]
    sizes = [len(orjson.dumps(body)) for body in requests]
    tools = [len(orjson.dumps([*visible_tools(body).values()])) for body in requests]
    sums.requests += len(requests)
    sums.tokens += sum(sizes) // BYTES_PER_TOKEN
    sums.tools += sum(tools) // BYTES_PER_TOKEN
    sums.prefix = max(sums.prefix, (tools[0] + len(orjson.dumps(requests[0]["system"][0]))) // BYTES_PER_TOKEN)
    sums.searches += script.searches
    sums.missed += script.missed
    _count_cached(requests, sums)
    return [
        Figure(scenario, f"“{question.text}” {name}", unit, value, is_detail=True)
        for name, unit, value in (
            ("requests", "", len(requests)),
            ("bytes", "bytes", sum(sizes)),
            ("tokens", "tokens", sum(sizes) / BYTES_PER_TOKEN),
            ("tools' share", "%", 100 * sum(tools) / sum(sizes)),
        )
    ]


def _count_cached(requests: list[dict[str, Any]], sums: _Sums) -> None:
    """Count with a new cache, so that only reads by later rounds of the same conversation count."""
    cache = PromptCache()
    for number, body in enumerate(requests):
        usage = cache.measure(body).counts
        if number:
            sums.later += sum(usage.values())
            sums.later_read += usage["cache_read_input_tokens"]
