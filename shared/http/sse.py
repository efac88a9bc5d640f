"""An answer as server-sent events.

The format is what Imbi's UI splits on: lines end in LF, and every field's name is followed by a colon and one space.
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
from shared.observability.metrics import AnswerMeter
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
"""After so long without an event a comment goes out, so that no proxy takes the stream for dead."""
_MOST_WAITING = 64
"""How many frames may wait for a slow reader before the answer waits too."""
_LONGEST_SEND_SECONDS = 60.0
"""A reader that takes nothing for so long is gone, and its conversation and its place are others' again."""


def frame(event: AnswerEvent) -> bytes:
    """Render an event."""
    name, data = _named(event)
    return b"event: %b\ndata: %b\n\n" % (name, orjson.dumps(data))


def _named(event: AnswerEvent) -> tuple[bytes, JsonObject]:  # noqa: C901, PLR0911  # one case for each event
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
            return b"tool_result", dict[str, "JsonValue"](asdict(event))
        case ClientActionRequested(call_id, action, params):
            return b"client_action", {"id": call_id, "action": action, "params": params}
        case AnswerStored(message_id, usage, stop_reason):
            usage_data = dict[str, "JsonValue"](asdict(usage))
            return b"done", {"message_id": str(message_id), "usage": usage_data, "stop_reason": stop_reason}
        case TitleChosen(title):
            return b"title_updated", {"title": title}
        case AnswerFailed(message, code, retryable):
            return b"error", {"message": message, "code": code, "retryable": retryable}
        case _:
            assert_never(event)


class Streamable(Protocol):
    """What can be streamed: it emits its own end, whatever happens to it."""

    async def run(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        """Emit every event."""
        ...

    def interrupt(self, reason: Interruption) -> None:
        """End early."""
        ...


class EventStream(Response):
    """A response that sends an answer's events as they come.

    The answer runs in a task of its own: when the client goes away it is interrupted, and the response waits until what
    was said is stored. A reader that is too slow makes the answer wait, not the memory grow.
    """

    media_type = "text/event-stream"

    def __init__(self, answer: Streamable) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._answer = answer
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._meter = AnswerMeter()
        self._has_reader = True
        self._is_over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events to their end, or as long as there is a client; or until the platform's time is nearly over.

        The server may give a `deadline` in the scope's state, in seconds since the epoch.
        """
        answering = asyncio.create_task(self._run())
        seconds = scope.get("state", {}).get("deadline", math.inf) - time.time()
        if seconds < math.inf:
            ending = asyncio.get_running_loop().call_later(seconds, self._answer.interrupt, Interruption.DEADLINE)
            answering.add_done_callback(lambda _done: ending.cancel())
        watching = asyncio.create_task(_disconnected(receive))
        watching.add_done_callback(lambda _done: self._leave())
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send_frames(send)
        except OSError:
            log.info("the client went away")
        finally:
            watching.cancel()
            self._leave()
            await asyncio.wait({answering, watching})
            self._meter.finish()

    async def _run(self) -> None:
        try:
            await self._answer.run(self._emit)
        except Exception:
            log.exception("an answer failed unexpectedly")
            if not self._is_over:
                await self._emit(INTERNAL)
        finally:
            await self._frames.put(None)

    async def _emit(self, event: AnswerEvent) -> None:
        self._meter.note(event)
        self._is_over = self._is_over or isinstance(event, AnswerStored | AnswerFailed)
        if self._has_reader:
            await self._frames.put(frame(event))

    def _leave(self) -> None:
        """Go on without a reader: the answer ends early, and nobody waits for room or for frames any more."""
        self._has_reader = False
        self._answer.interrupt(Interruption.STOPPED)
        while not self._frames.empty():
            self._frames.get_nowait()
        self._frames.put_nowait(None)

    async def _send_frames(self, send: Send) -> None:
        deadline = Deadline()
        is_open = True
        try:
            while is_open:
                try:
                    with deadline.within(SILENCE_SECONDS):
                        waiting = [await self._frames.get()]
                except TimeoutError:
                    waiting = [PING]
                while not self._frames.empty():
                    waiting.append(self._frames.get_nowait())
                is_open = None not in waiting
                body = b"".join(filter(None, waiting))
                with deadline.within(_LONGEST_SEND_SECONDS):
                    await send({"type": "http.response.body", "body": body, "more_body": is_open})
        finally:
            deadline.close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
