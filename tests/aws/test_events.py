"""Events of every kind get the same answers from both entry points, and none of them ends the process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from shared.aws.buffered import adapter
from shared.aws.http_events import NotARequest, http_request, without_stage
from tests.support.lambda_events import function_url_event, rest_api_event
from tests.support.runtime_apps import echo, http_only, looping, piece, start

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tests.support.lambda_events import Event

WARM_UPS: list[Any] = [
    {},
    {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "time": "t"},
    {"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
    {"source": "serverless-plugin-warmup"},
]
FOREIGN: list[Any] = [
    [],
    7,
    None,
    "text",
    {"httpMethod": "GET"},
    {"version": "2.0", "requestContext": {}},
    {"version": "2.0", "requestContext": None},
    {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
    {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"},
    {**function_url_event("GET", "/"), "headers": ["a"]},
    {**function_url_event("GET", "/"), "rawPath": 7},
    {**function_url_event("GET", "/"), "cookies": 7},
    {**rest_api_event("GET", "/"), "multiValueHeaders": {"a": 7}},
    {**rest_api_event("GET", "/"), "path": 7},
]


def odd(event: Event, **more: Any) -> Event:
    return {**event, **more}


def odd_headers(event: Event, **headers: Any) -> Event:
    return {**event, "headers": {**event["headers"], **headers}}


GET = function_url_event("GET", "/a")
READABLE = [
    odd_headers(GET, **{"x-empty": None}),
    odd_headers(GET, **{"x-forwarded-port": "https"}),
    odd_headers(GET, **{"x-forwarded-port": None, "x-forwarded-proto": None, "host": None}),
    odd_headers(GET, **{"x-forwarded-port": "9" * 5000}),
    odd_headers(GET, **{"x-number": 7}),
    odd(GET, rawQueryString=None, headers=None),
    odd(rest_api_event("GET", "/a"), headers={"x": None}, multiValueHeaders=None),
    odd(rest_api_event("GET", "/a"), multiValueHeaders={"x": None, "y": [None]}),
    odd(rest_api_event("GET", "/a"), multiValueQueryStringParameters={"q": None}),
    odd(rest_api_event("GET", "/a"), requestContext={}),
]
UNREADABLE = [
    odd(GET, body="a", isBase64Encoded=True),
    odd(GET, body="%%%%", isBase64Encoded=True),
    odd(GET, body={"content": "Hi"}),
    odd(GET, body="\ud800"),
    odd(rest_api_event("POST", "/a"), body="=", isBase64Encoded=True),
]


async def buffered(app: ASGIApp, event: Any, context: Any = None) -> dict[str, Any]:
    """Give an event to the buffered entry, as Lambda's own runtime does: outside any event loop."""

    def answer() -> dict[str, Any]:
        with asyncio.Runner() as runner:
            asyncio.set_event_loop(runner.get_loop())
            return adapter(app)(event, context)

    return await asyncio.to_thread(answer)


async def plain(scope: Scope, _receive: Receive, send: Send) -> None:
    body = scope["path"].encode()
    await send(start(200, (b"content-length", str(len(body)).encode())))
    await send(piece(body, more=False))


@pytest.mark.proves("events.warm-up")
async def test_events_that_keep_an_environment_warm_are_answered_without_the_application() -> None:
    async with looping(http_only(echo)) as (api, _):
        for event in WARM_UPS:
            warmed = await api.invoke(event).end()
            assert (warmed.result, warmed.error) == ({"warm": True}, None)
            assert warmed.headers["lambda-runtime-invocation-id"] == f"invocation-of-{warmed.id}"


@pytest.mark.proves("events.foreign", "streaming.error-before")
async def test_an_event_that_is_no_request_is_an_error_and_no_end() -> None:
    async with looping(http_only(echo)) as (api, _):
        for event in FOREIGN:
            failed = await api.invoke(event).end()
            assert failed.error is not None, event
            assert failed.error["errorType"] == "Runtime.NotARequest"
            assert "not that of an HTTP request" in failed.error["errorMessage"]
        assert (await api.invoke(function_url_event("GET", "/")).end()).prelude["statusCode"] == 201


@pytest.mark.proves("events.foreign")
@pytest.mark.parametrize("event", FOREIGN, ids=range(len(FOREIGN)))
async def test_the_buffered_entry_refuses_the_same_events(event: Any) -> None:
    with pytest.raises(NotARequest):
        await buffered(http_only(plain), event)


@pytest.mark.proves("events.odd")
async def test_odd_events_get_the_same_answer_from_both_entries() -> None:
    async with looping(http_only(plain)) as (api, _):
        for event in [*READABLE, *UNREADABLE]:
            streamed = await api.invoke(event).end()
            assert streamed.error is None, event
            whole = await buffered(http_only(plain), event)
            assert {**streamed.prelude, "body": streamed.body.decode(), "isBase64Encoded": False} == whole
            assert whole["statusCode"] == (200 if event in READABLE else 400)


@pytest.mark.proves("events.odd")
async def test_the_buffered_entry_returns_any_response_whole() -> None:
    async def mixed(_scope: Scope, receive: Receive, send: Send) -> None:
        request = await receive()
        await send(start(201, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x", b"1"), (b"x", b"2")))
        await send(piece(request["body"]))
        await send(piece(b"\xff", more=False))
        assert (await receive())["type"] == "http.disconnect"

    event = function_url_event("POST", "/", body=b"\x00")
    result = await buffered(http_only(mixed), event)
    expected = {"statusCode": 201, "headers": {"x": "1, 2"}, "cookies": ["a=1", "b=2"]}
    assert result == {**expected, "body": "AP8=", "isBase64Encoded": True}
    rest = await buffered(http_only(mixed), rest_api_event("POST", "/", body=b""))
    assert rest["multiValueHeaders"] == {"set-cookie": ["a=1", "b=2"]}


@pytest.mark.proves("events.odd")
@pytest.mark.parametrize("messages", [[], [start(200)], [start(200), piece(b"half")]], ids=["none", "start", "half"])
async def test_a_failure_before_the_end_is_a_500_from_the_buffered_entry(messages: list[Message]) -> None:
    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        raise KeyError

    result = await buffered(http_only(fail), GET)
    assert (result["statusCode"], result["body"]) == (500, "Internal Server Error")


@pytest.mark.proves("events.stage")
@pytest.mark.parametrize(
    ("path", "stage", "prefix", "expected"),
    [
        ("/prod/things", "prod", "", "/things"),
        ("/prod", "prod", "", "/"),
        ("/prod/assistant/things", "prod", "/assistant", "/assistant/things"),
        ("/prod/status", "prod", "/assistant", "/status"),
        ("/assistant/things", "assistant", "/assistant", "/assistant/things"),
        ("/assistant/assistant/things", "assistant", "/assistant", "/assistant/assistant/things"),
        ("/product/things", "prod", "", "/product/things"),
        ("/things", "prod", "", "/things"),
        ("/$default/things", "$default", "", "/$default/things"),
        ("/prod%20/things", "prod ", "", "/things"),
    ],
)
def test_the_name_of_a_stage_is_no_part_of_the_path(path: str, stage: str, prefix: str, expected: str) -> None:
    event = function_url_event("GET", path)
    event["requestContext"]["stage"] = stage
    assert without_stage(http_request(event, None)[0], prefix) == expected


@pytest.mark.proves("events.stage")
def test_a_rest_api_gives_the_path_without_its_stage() -> None:
    assert without_stage(http_request(rest_api_event("GET", "/prod/a"), None)[0], "") == "/prod/a"
