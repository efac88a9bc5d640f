"""An answer as a stream of server-sent events.

Imbi's UI relies on two details: lines end in LF, and one space follows the colon after each field's name.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol, assert_never

import orjson
from starlette.responses import Response

from shared.agent.outcome import INTERNAL, Interruption
from shared.domain.events import (
    AnswerFailed,
    AnswerStored,
    ApprovalRequired,
    BlockFinished,
    ClientActionRequested,
    TextAdded,
    ThinkingAdded,
    TitleChosen,
    ToolCallBegun,
    ToolFinished,
    ToolInputAdded,
    ToolStarted,
)
from shared.observability import logs
from shared.observability.metrics import AnswerMetrics
from shared.util import clock
from shared.util.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import JsonValue
    from starlette.types import Receive, Scope, Send

    from shared.domain.events import AnswerEvent
    from shared.domain.models import JsonObject

log = logging.getLogger(__name__)

PING = b": ping\n\n"
SILENCE_SECONDS = 9.0
"""After this time without an event a comment is sent, so that no proxy closes the stream as idle."""
_MAX_QUEUED_FRAMES = 64
"""The number of frames that may wait for a slow client before the answer itself waits."""
_SEND_TIMEOUT_SECONDS = 60.0
"""A client that accepts no data for this time counts as disconnected. Its answer ends and frees the conversation."""


def frame(event: AnswerEvent, request_id: str | None = None) -> bytes:
    """Return an event as the bytes of one server-sent event. An error has the id of its request."""
    name, data = _name_and_data(event)
    if isinstance(event, AnswerFailed) and request_id is not None:
        data["request_id"] = request_id
    return b"event: %b\ndata: %b\n\n" % (name, orjson.dumps(data))


def _name_and_data(event: AnswerEvent) -> tuple[bytes, JsonObject]:  # noqa: C901, PLR0911, PLR0912  # one case for each event
    match event:
        case TextAdded(text):
            return b"text", {"text": text}
        case ThinkingAdded(text):
            return b"thinking", {"text": text}
        case ToolInputAdded(partial_json):
            return b"tool_input", {"partial_json": partial_json}
        case ToolCallBegun(call_id, name):
            return b"tool_use_start", {"id": call_id, "name": name}
        case BlockFinished():
            return b"content_block_stop", {}
        case ToolStarted(call_id, name):
            return b"tool_executing", {"id": call_id, "name": name}
        case ToolFinished():
            return b"tool_result", _tool_result(event)
        case ClientActionRequested(call_id, action, params):
            return b"client_action", {"id": call_id, "action": action, "params": params}
        case ApprovalRequired(approval_id, expires_at, calls):
            asked: list[JsonValue] = [call.for_clients() for call in calls]
            expires = clock.to_text(expires_at)
            return b"approval_required", {"approval_id": str(approval_id), "expires_at": expires, "calls": asked}
        case AnswerStored(message_id, usage, stop_reason):
            usage_data = dict[str, "JsonValue"](asdict(usage))
            return b"done", {"message_id": str(message_id), "usage": usage_data, "stop_reason": stop_reason}
        case TitleChosen(title):
            return b"title_updated", {"title": title}
        case AnswerFailed(message, code, retryable):
            return b"error", {"message": message, "code": code, "retryable": retryable}
        case _:
            assert_never(event)


def _tool_result(event: ToolFinished) -> JsonObject:
    data: JsonObject = {
        "id": event.id,
        "name": event.name,
        "is_error": event.is_error,
        "duration_ms": event.duration_ms,
    }
    if event.receipt is not None:
        receipt = event.receipt
        data["changes"] = [*receipt.changes]
        data["receipt"] = {
            "id": receipt.id,
            "kind": receipt.kind,
            "path": receipt.path,
            "left_out": receipt.left_out,
            "can_be_undone": not receipt.obstacle,
            "undoes": receipt.undoes or None,
        }
    return data


class Streamable(Protocol):
    """An answer that can be streamed. It always emits an event for its end."""

    async def run(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        """Generate the answer and emit every event."""
        ...

    def interrupt(self, reason: Interruption) -> None:
        """End the answer early."""
        ...


class EventStream(Response):
    """A response that sends each event of an answer at once.

    The answer runs in a task of its own. If the client disconnects, the answer is interrupted, and the response ends
    after the text so far is stored. If the client reads slowly, the answer waits, so memory use stays bounded.
    """

    media_type = "text/event-stream"

    def __init__(self, answer: Streamable) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._answer = answer
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(_MAX_QUEUED_FRAMES)
        self._metrics = AnswerMetrics()
        self._request_id = logs.bound().get("request_id")
        self._is_connected = True
        self._has_ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the answer ends, the client disconnects, or the deadline passes.

        The deadline is the optional `deadline` of the scope's state, in seconds since the epoch. At the deadline the
        answer is interrupted.
        """
        answering = asyncio.create_task(self._run())
        seconds = scope.get("state", {}).get("deadline", math.inf) - time.time()
        if seconds < math.inf:
            timer = asyncio.get_running_loop().call_later(seconds, self._answer.interrupt, Interruption.DEADLINE)
            answering.add_done_callback(lambda _done: timer.cancel())
        watcher = asyncio.create_task(_wait_for_disconnect(receive))
        watcher.add_done_callback(lambda _done: self._stop_sending())
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send_frames(send)
        except OSError:
            log.info("the client disconnected")
        finally:
            watcher.cancel()
            self._stop_sending()
            await asyncio.wait({answering, watcher})
            self._metrics.finish()

    async def _run(self) -> None:
        try:
            await self._answer.run(self._emit)
        except Exception:
            log.exception("an answer failed unexpectedly")
            if not self._has_ended:
                await self._emit(INTERNAL)
        finally:
            await self._frames.put(None)

    async def _emit(self, event: AnswerEvent) -> None:
        self._metrics.record(event)
        self._has_ended = self._has_ended or isinstance(event, AnswerStored | AnswerFailed)
        if self._is_connected:
            await self._frames.put(frame(event, self._request_id))

    def _stop_sending(self) -> None:
        """Interrupt the answer and empty the queue, so that neither the answer nor the sender waits for it any more."""
        self._is_connected = False
        self._answer.interrupt(Interruption.STOPPED)
        while not self._frames.empty():
            self._frames.get_nowait()
        self._frames.put_nowait(None)

    async def _send_frames(self, send: Send) -> None:
        deadline = Deadline()
        has_more = True
        try:
            while has_more:
                try:
                    with deadline.within(SILENCE_SECONDS):
                        frames = [await self._frames.get()]
                except TimeoutError:
                    frames = [PING]
                while not self._frames.empty():
                    frames.append(self._frames.get_nowait())
                has_more = None not in frames
                body = b"".join(filter(None, frames))
                with deadline.within(_SEND_TIMEOUT_SECONDS):
                    await send({"type": "http.response.body", "body": body, "more_body": has_more})
        finally:
            deadline.close()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
