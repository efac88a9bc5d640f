"""The spans and metrics of answers, sent over real HTTP to a collector and served for Prometheus."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from opentelemetry import trace
from prometheus_client.parser import text_string_to_metric_families

from shared.observability import semantics
from shared.observability.measurements import MEASUREMENTS
from tests.support.background import served
from tests.support.counted_api import CountedApi
from tests.support.model_server import http_error, reply, text, tool
from tests.support.observed_service import ObservedService
from tests.support.otlp_collector import OtlpCollector
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.otlp_collector import ReceivedSpan
    from tests.support.sse import Answer

CANARY = "kanarienvogel"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CALLER_SPAN = "b7ad6b7169203331"
HEADERS = {
    "traceparent": f"00-{TRACE_ID}-{CALLER_SPAN}-01",
    "baggage": f"word={CANARY}",
    "user-agent": CANARY,
    "x-secret": CANARY,
}
INTERNAL, SERVER, CLIENT = 1, 2, 3


@dataclass
class Recorded:
    """One answer with tools, and a failed one, as everybody saw them."""

    collector: OtlpCollector
    api: CountedApi
    answer: Answer
    scrape: str
    conversation_id: str
    model_headers: list[dict[str, str]]

    def one(self, beginning: str) -> ReceivedSpan:
        """Return the only span of the first answer whose name begins so."""
        [span] = [span for span in self.collector.named(beginning) if span.trace_id == TRACE_ID]
        return span


def used(new: int, cached: int, output: int) -> dict[str, int]:
    return {
        "input_tokens": new,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": output,
    }


async def _talk(client: Client, metrics_url: str) -> tuple[Answer, str, str]:
    async with client:
        conversation = await client.begin()
        async with client.stream(conversation, f"Change the {CANARY}", headers=HEADERS) as stream:
            answer = await stream.rest()
        assert (await client.ask(conversation, "And once more")).error
        await client.http.get("/conversations", params={"q": CANARY})
        await client.http.get(f"/{CANARY}")
        await client.http.get("/livez")
        assert (await client.http.get("/metrics")).status_code == 404
        async with httpx2.AsyncClient() as http:
            scrape = await http.get(metrics_url)
        assert scrape.headers["content-type"].startswith("text/plain; version=0.0.4")
        return answer, scrape.text, conversation


@pytest.fixture(scope="module")
def recorded(variables: dict[str, str], _model_server: ModelServer) -> Iterator[Recorded]:
    _model_server.clear()
    api = CountedApi()
    arguments: dict[str, Any] = {"name": CANARY}
    _model_server.script(
        reply(
            text(f"I change the {CANARY}."),
            tool("change_thing", arguments, call_id="toolu_1"),
            tool(f"{CANARY}_tool", {"word": CANARY}, call_id="toolu_2"),
            usage=used(5, 70, 7),
        ),
        reply(text(f"The {CANARY} is changed."), usage=used(3, 0, 4)),
        http_error(400, "invalid_request_error", f"{CANARY} is not allowed"),
    )
    _model_server.allow_refusals()
    _model_server.headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
    }
    with OtlpCollector() as collector, served(api.app) as url:
        api.url = url
        telemetry = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_RESOURCE_ATTRIBUTES": "team=platform",
            "OTEL_METRIC_EXPORT_INTERVAL": "60000",
            "IMBI_ASSISTANT_METRICS_ADDRESS": "127.0.0.1:1",
        }
        service = ObservedService(variables | telemetry | {"IMBI_INTERNAL_API_URL": url})
        with service:
            answer, scrape, conversation = asyncio.run(_talk(service.client(DEVELOPER), service.metrics_url))
        yield Recorded(
            collector, api, answer, scrape, conversation, [dict(each.headers) for each in _model_server.chats]
        )
    _model_server.clear()


@pytest.mark.proves("telemetry.spans")
def test_one_answer_is_one_trace_below_the_callers_span(recorded: Recorded) -> None:
    assert recorded.answer.done
    request = recorded.one("POST ")
    agent = recorded.one("invoke_agent")
    chats = [span for span in recorded.collector.named("chat ") if span.trace_id == TRACE_ID]
    tools = [span for span in recorded.collector.named("execute_tool") if span.trace_id == TRACE_ID]
    assert request.parent_id == CALLER_SPAN
    assert agent.parent_id == request.span_id
    assert {span.parent_id for span in (*chats, *tools)} == {agent.span_id}
    assert (request.kind, agent.kind) == (SERVER, INTERNAL)
    assert {span.kind for span in chats} == {CLIENT}
    # Two rounds and the title.
    assert len(chats) == 3


@pytest.mark.proves("telemetry.spans")
def test_spans_have_the_attributes_of_the_conventions(recorded: Recorded) -> None:
    agent = recorded.one("invoke_agent imbi-assistant").attributes
    assert agent[semantics.OPERATION_NAME] == "invoke_agent"
    assert agent[semantics.CONVERSATION_ID] == recorded.conversation_id
    assert (agent[semantics.USAGE_INPUT], agent[semantics.USAGE_OUTPUT]) == (78, 11)
    assert agent[semantics.USAGE_CACHE_READ] == 70
    assert agent["imbi_assistant.outcome"] == "end_turn"
    first = next(span for span in recorded.collector.named("chat ") if span.trace_id == TRACE_ID).attributes
    assert (first[semantics.PROVIDER_NAME], first[semantics.REQUEST_MODEL]) == ("anthropic", "claude-sonnet-4-6")
    assert first[semantics.FINISH_REASONS] == ("tool_use",)
    assert first[semantics.USAGE_INPUT] == 75
    assert first[semantics.SERVER_ADDRESS] == "127.0.0.1"
    changed = recorded.one("execute_tool change_thing").attributes
    assert changed[semantics.TOOL_CALL_ID] == "toolu_1"
    assert recorded.collector.resource["service.name"] == "imbi-assistant"
    assert recorded.collector.resource["team"] == "platform"
    assert recorded.collector.resource["service.instance.id"]


@pytest.mark.proves("telemetry.spans")
def test_what_failed_has_the_code_of_its_error(recorded: Recorded) -> None:
    unknown = recorded.one("execute_tool unknown")
    assert unknown.is_error
    assert unknown.attributes[semantics.ERROR_TYPE] == "unknown_tool"
    failed = [span for span in recorded.collector.spans if span.is_error and span.trace_id != TRACE_ID]
    assert {span.attributes[semantics.ERROR_TYPE] for span in failed} == {"invalid_request"}
    assert {span.name.split()[0] for span in failed} == {"chat", "invoke_agent"}


@pytest.mark.proves("telemetry.outgoing")
def test_requests_to_other_services_carry_the_span_that_sent_them(recorded: Recorded) -> None:
    [change] = recorded.api.changes
    span = recorded.one("execute_tool change_thing")
    assert change.headers["traceparent"] == f"00-{TRACE_ID}-{span.span_id}-01"
    chats = {span.span_id for span in recorded.collector.named("chat ")}
    sent = [headers["traceparent"].split("-")[2] for headers in recorded.model_headers]
    assert len(sent) == 3
    assert set(sent) <= chats
    assert "baggage" not in change.headers


@pytest.mark.proves("telemetry.private")
def test_no_span_and_no_metric_contains_what_anybody_said(recorded: Recorded) -> None:
    assert len(recorded.collector.bodies) >= 2
    everything = b"".join(recorded.collector.bodies) + recorded.scrape.encode()
    assert CANARY.encode() not in everything
    assert DEVELOPER.encode() not in everything
    # Other libraries, whose spans have texts of errors, find no provider.
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert {span.scope for span in recorded.collector.spans} == {"fastapi", "imbi-assistant"}
    searched = recorded.collector.named("GET /conversations")
    assert [span.attributes["url.query"] for span in searched] == ["REDACTED"]


@pytest.mark.proves("telemetry.collected-metrics")
def test_a_collector_gets_the_metrics_of_answers(recorded: Recorded) -> None:
    total = recorded.collector.total
    counted = {
        "answers": 2,
        "failures": 1,
        "rounds": 1,
        "tool_calls": 2,
        "tool_errors": 1,
        "duration": 2,
        "time_to_first_event": 2,
        "cache_read_tokens": 70,
    }
    assert {name: total(f"imbi_assistant.{name}") for name in counted} == counted
    assert total("imbi_assistant.output_tokens") == 11
    assert total(semantics.OPERATION_DURATION) == 4
    assert total(semantics.EXECUTE_TOOL_DURATION) == 2
    assert total("http.server.request.duration") >= 5
    assert "imbi_assistant.active_answers" in recorded.collector.metrics
    assert semantics.POOL_COUNT in recorded.collector.metrics


def samples(scrape: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(scrape):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def total(values: Sequence[tuple[dict[str, str], float]]) -> float:
    return sum(value for _, value in values)


@pytest.mark.proves("telemetry.prometheus")
def test_prometheus_reads_the_same_metrics(recorded: Recorded) -> None:
    found = samples(recorded.scrape)
    assert total(found["imbi_assistant_answers_total"]) == 2
    assert total(found["imbi_assistant_failures_total"]) == 1
    assert total(found["imbi_assistant_duration_seconds_count"]) == 2
    assert found["imbi_assistant_active_answers"] == [({}, 0.0)]
    assert total(found["db_client_connection_max"]) == 10
    assert [value for _, value in found["imbi_assistant_model_limit_remaining"]] == [49]
    assert [value for _, value in found["imbi_assistant_model_limit_size"]] == [50]
    assert {labels["outcome"] for labels, _ in found["imbi_assistant_answers_total"]} == {
        "end_turn",
        "invalid_request",
    }
    routes = {labels["http_route"] for labels, _ in found["http_server_request_duration_seconds_count"] if labels}
    assert "/conversations/{conversation_id}/messages" in routes
    assert not any("livez" in route for route in routes)


@pytest.mark.proves("telemetry.names")
def test_all_destinations_use_the_same_names(recorded: Recorded) -> None:
    assert {f"imbi_assistant.{each.name}" for each in MEASUREMENTS} <= set(recorded.collector.metrics)
