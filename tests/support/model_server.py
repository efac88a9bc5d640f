"""A model server for tests: the Messages API on 127.0.0.1, saying what a test scripts, refusing what the API refuses.

    with ModelServer() as server:                       # ANTHROPIC_BASE_URL = server.url
        gate = server.gate()
        server.script(
            reply(text("Let me look."), tool("list_projects", {"org_slug": "acme"})),
            reply(text("There are ", wait(gate), "80 projects."), usage={"output_tokens": 7}),
        )
        ...                                             # send a message through the service
        await gate.reached()                            # the model has said "There are "
        gate.open()
        assert server.chats[1].results["toolu_…"] ...   # what the second round was asked
        server.verify()                                 # raises what went wrong unseen; call it at the fixture's end

`server.script(…)` queues answers, one for each request; it takes

- `reply(*steps, stop=, stop_details=, usage=, at={event index: step}, first_byte=gate)`, made of the blocks
  `text(*pieces, chunks=)`, `thinking(*pieces, signature=, chunks=)`, `redacted_thinking(data)`,
  `tool(name, {…} or raw JSON text, call_id=, chunks=)`, `server_tool(…)`, `block({any block}, *deltas)`, and, between
  blocks, `ping()`, `event(name, {…})`, `raw(b"…")` (a broken line), `error(type, message)`, `wait(gate)`, `stall()`,
  `reset()`, `cut()`, `end()` (a clean end without message_stop). Controls may stand between the pieces of a text or
  thought as well, and with `at` before any event;
- `http_error(status, type, message, retry_after="3")`, before any stream; `empty()`, a 200 with no event;
- a function from the request's body to one of these.

Requests for a title (no tools, a system prompt that mentions a title) are answered from `server.script_titles(…)`, else
with a default, and take nothing from the script. A request that finds the script empty gets a 500 and fails `verify()`;
so does one that the API would refuse with 400 (`local.messages_api`), unless the test calls `allow_refusals()`.

The server signs the thinking that it sends, bound to the request. `server.prefix_mismatch` says what becomes of
thinking that comes back behind something else, where the model checks that: `error` (400) or `drop`. Counted are the
requests that were refused (`server.refused`), the thinking blocks that were dropped (`server.dropped_thinking`, which
fails `verify()` too) and those that the client no longer sent with their calls (`server.stripped_thinking`).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson

from local.messages_api import ApiError, problems
from local.messages_api.betas import betas_of
from local.messages_api.binding import mismatches
from local.messages_api.errors import INVALID_REQUEST
from local.messages_api.models import rules_of
from local.messages_api.prompt_cache import PromptCache, input_tokens
from local.messages_api.thinking import altered_thinking, stripped_thinking, thinking_blocks
from tests.support.model_http import HttpServer
from tests.support.model_reply import Answer, Envelope, HttpError, Reply, Script, empty, http_error, reply
from tests.support.model_request import RecordedRequest, asks_for_title
from tests.support.model_signing import drops_mismatches, signed
from tests.support.model_steps import (
    Block,
    Control,
    Failure,
    Frame,
    Gate,
    block,
    cut,
    end,
    error,
    event,
    ping,
    raw,
    redacted_thinking,
    reset,
    server_tool,
    stall,
    text,
    thinking,
    tool,
    wait,
)
from tests.support.model_wire import (
    COUNT_TOKENS,
    checked,
    refusal,
    send_error,
    send_json,
    send_stream,
    send_whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.model_http import HttpRequest, Responder

__all__ = [
    "Answer", "Block", "Control", "Failure", "Frame", "Gate", "HttpError", "ModelServer", "RecordedRequest", "Reply",
    "Script", "block", "cut", "empty", "end", "error", "event", "http_error", "ping", "raw", "redacted_thinking",
    "reply", "reset", "server_tool", "stall", "text", "thinking", "tool", "wait",
]  # fmt: skip

Json: TypeAlias = dict[str, Any]

_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class ModelServer(HttpServer):
    """The scripted Messages API; use it as a context manager."""

    def __init__(self, *, is_title_request: Callable[[Json], bool] | None = None) -> None:
        super().__init__("model-server")
        self.is_title_request = is_title_request or asks_for_title
        self._changed = threading.Condition()
        self.clear()

    def clear(self) -> None:
        """Forget scripts, requests, failures and the cache: a new test begins."""
        with self._changed:
            self.requests: list[RecordedRequest] = []
            self.failures: list[str] = []
            self.cache = PromptCache()
            self._script: deque[Script] = deque()
            self._titles: deque[Script] = deque()
            self._thinking: dict[str, list[Json]] = {}
            self._may_refuse = False
            self.prefix_mismatch: Literal["error", "drop"] = "error"
            self.refused: list[str] = []
            self.dropped_thinking = 0
            self.stripped_thinking = 0
            self._replies = 0
            self.headers: dict[str, str] = {}
            self._envelopes: list[tuple[RecordedRequest, Envelope]] = []

    def gate(self) -> Gate:
        """Make a gate for a script."""
        return Gate()

    def script(self, *answers: Script) -> None:
        """Queue answers to the requests that are to come."""
        with self._changed:
            self._script.extend(answers)

    def script_titles(self, *answers: Script) -> None:
        """Queue answers to the requests for titles that are to come."""
        with self._changed:
            self._titles.extend(answers)

    def allow_refusals(self) -> None:
        """Let requests be refused without failing the test: it is about them."""
        self._may_refuse = True

    @property
    def chats(self) -> list[RecordedRequest]:
        """The requests that asked for no title."""
        return [request for request in self.requests if not self.is_title_request(request.body)]

    @property
    def titles(self) -> list[RecordedRequest]:
        """The requests that asked for a title."""
        return [request for request in self.requests if self.is_title_request(request.body)]

    def used(self, is_meant: Callable[[Json], bool] = bool) -> int:
        """Return the tokens of all kinds that the clients were told, in the replies to some requests or to all."""
        told = [envelope.told for request, envelope in self._envelopes if is_meant(request.body)]
        return sum(int(each.get(name, 0)) for each in told for name in _COUNTS)

    @property
    def unsaid(self) -> int:
        """How many scripted answers nobody has asked for."""
        return len(self._script) + len(self._titles)

    def verify(self) -> None:
        """Fail where a request found no script or was refused.

        Raises:
            AssertionError: with one line for each such request.
        """
        if self.failures:
            raise AssertionError("The model server could not answer as scripted:\n" + "\n".join(self.failures))

    async def wait_requests(self, count: int, seconds: float = 30) -> None:
        """Wait until as many requests for messages have come, titles included.

        Raises:
            TimeoutError: they have not come in time.
        """
        if not await asyncio.to_thread(self._wait, lambda: len(self.requests) >= count, seconds):
            raise TimeoutError(f"{len(self.requests)} requests came in {seconds} s, not {count}.")

    async def wait_closed(self, request: RecordedRequest, seconds: float = 30) -> None:
        """Wait until the client has closed the connection before its answer was complete.

        Raises:
            TimeoutError: the answer is still under way.
            AssertionError: it ended in another way.
        """
        async with asyncio.timeout(seconds):
            how = await asyncio.shield(asyncio.wrap_future(request.ended))
        if how != "closed early":
            raise AssertionError(f"The client did not close the connection early; the answer ended: {how}.")

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    async def handle(self, http: HttpRequest, responder: Responder) -> None:
        try:
            body = checked(http)
            if http.path == COUNT_TOKENS:
                await send_json(responder, 200, {"input_tokens": input_tokens(body)})
                return
            await self._message(RecordedRequest(http.content, http.headers, body), responder)
        except ApiError as refused:
            await send_error(responder, refusal(refused.type, refused.message))
        except ConnectionError:
            raise
        except Exception as problem:
            self.failures.append(f"the model server itself failed: {problem!r}")
            raise

    async def _message(self, request: RecordedRequest, responder: Responder) -> None:
        how = "closed early"
        try:
            answer = self._answer_to(request)
            how = await self._send(request, answer, responder) if isinstance(answer, Reply) else "complete"
            if isinstance(answer, HttpError):
                await send_error(responder, answer)
        except asyncio.CancelledError:
            how = "stopped" if self.is_stopping else how
            raise
        finally:
            request.ended.set_result(how)

    def _answer_to(self, request: RecordedRequest) -> Answer:
        """Record a request and take its answer from the script, or refuse it."""
        betas = betas_of(request.headers)
        drops = drops_mismatches(request.body, self.prefix_mismatch)
        request.problems = problems(request.body, betas=betas, checks_binding=not drops)
        request.problems = request.problems or [*altered_thinking(request.body, self._thinking)]
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            if request.problems:
                self.refused.append(request.problems[0])
                self._fail(f"refused with 400: {'; '.join(request.problems)}", is_refusal=True)
                return refusal(INVALID_REQUEST, request.problems[0])
            self._count_thinking(request, drops=drops)
            scripted = self._next(request.body)
        answer = self._called(scripted, request.body) if callable(scripted) else scripted
        if isinstance(answer, Reply):
            answer = signed(answer, request.body)
            self._remember_thinking(answer)
        return answer

    def _count_thinking(self, request: RecordedRequest, *, drops: bool) -> None:
        self.stripped_thinking += stripped_thinking(request.body, self._thinking)
        if drops and rules_of(request.body["model"]).checks_thinking and (dropped := mismatches(request.body)):
            self.dropped_thinking += len(dropped)
            self._fail(f"thinking was dropped: {dropped[0].block.path}", is_refusal=True)

    def _called(self, function: Callable[[Json], Answer], body: Json) -> Answer:
        try:
            return function(body)
        except Exception as problem:  # noqa: BLE001  # whatever a test's function raises is the test's failure
            said = f"the script's function raised {problem!r}"
            self._fail(said, is_refusal=False)
            return refusal("api_error", said)

    def _next(self, body: Json) -> Script:
        is_title = self.is_title_request(body)
        queue = self._titles if is_title else self._script
        if queue:
            return queue.popleft()
        if is_title:
            return reply(text("A question about Imbi"))
        said = f"the script is empty, but a request came: {orjson.dumps(body['messages'][-1])[:300].decode()}"
        self._fail(said, is_refusal=False)
        return refusal("api_error", said)

    def _fail(self, said: str, *, is_refusal: bool) -> None:
        if not (is_refusal and self._may_refuse):
            self.failures.append(f"request {len(self.requests)}: {said}")

    def _remember_thinking(self, answer: Reply) -> None:
        blocks = answer.blocks
        self._thinking |= {
            content["id"]: thinking_blocks(blocks) for content in blocks if content["type"] == "tool_use"
        }

    async def _send(self, request: RecordedRequest, answer: Reply, responder: Responder) -> str:
        """Send a reply; returns how it ended."""
        with self._changed:
            self._replies += 1
            identity = f"msg_{self._replies:024d}"
        envelope = Envelope(identity, request.body["model"], self.cache.measure(request.body).counts)
        self._envelopes.append((request, envelope))
        if answer.first_byte:
            await answer.first_byte.pass_through()
        if request.body.get("stream"):
            headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
            await responder.start(200, headers | {"request-id": f"req_{identity[4:]}"} | self.headers)
            return await send_stream(envelope, answer, responder)
        return await send_whole(envelope, answer, responder)
