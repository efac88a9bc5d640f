"""An answer as a stream of server-sent events.

Imbi's UI relies on two details: lines end in LF, and one space follows the colon after each field's name.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Protocol, Self, assert_never

import orjson

from shared.agent.outcome import INTERNAL
from shared.domain.events import (
    AnswerFailed,
    AnswerRestarted,
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
from shared.http.call_details import changes_and_receipt
from shared.http.frame_stream import FrameStream
from shared.observability import logs, spans
from shared.observability.metrics import AnswerMetrics
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

    from shared.agent.outcome import Interruption
    from shared.chat.frame_log import AnswerFrames, FrameLog
    from shared.chat.rejoin import RejoinedAnswer
    from shared.domain.events import AnswerEvent, Emit
    from shared.domain.models import JsonObject, Lease

log = logging.getLogger(__name__)

KEEP_RUNNING: Final = "keep-running"
"""The preference (RFC 7240) of a client whose answer shall go on when the client goes away."""


def keeps_running(prefer: Iterable[str]) -> bool:
    """Return whether the Prefer headers of a request contain the preference `keep-running`, in any case."""
    preferences = (each.partition(";")[0].strip().lower() for header in prefer for each in header.split(","))
    return KEEP_RUNNING in preferences


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
        case AnswerRestarted():
            return b"restarted", {}
        case AnswerFailed(message, code, retryable):
            wait: JsonObject = {} if event.retry_after is None else {"retry_after": event.retry_after}
            return b"error", {"message": message, "code": code, "retryable": retryable, **wait}
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
        data |= changes_and_receipt(event.receipt)
    return data


class Streamable(Protocol):
    """An answer that can be streamed. It always emits an event for its end."""

    async def run(self, emit: Emit) -> None:
        """Generate the answer and emit every event."""
        ...

    def interrupt(self, reason: Interruption) -> None:
        """End the answer early."""
        ...


class StoredAnswer(Streamable, Protocol):
    """An answer that is stored while it runs, or a replay of one, which has no lease."""

    @property
    def lease(self) -> Lease | None:
        """The right to write to the conversation."""
        ...


class EventStream(FrameStream):
    """A response that sends each event of an answer at once.

    If the client disconnects, the answer is interrupted, and the response ends after the text so far is stored. An
    answer that `keeps_running` goes on instead. `frames` logs what is sent, so that clients can join the answer again.
    """

    def __init__(
        self,
        answer: Streamable,
        frames: AnswerFrames | None = None,
        *,
        keeps_running: bool = False,
        is_replay: bool = False,
    ) -> None:
        super().__init__(keeps_running=keeps_running)
        if keeps_running:
            self.headers["Preference-Applied"] = KEEP_RUNNING
        self._answer = answer
        self._log = frames
        self._metrics = AnswerMetrics(is_replay)
        self._request_id = logs.bound().get("request_id")
        self._has_ended = False

    @classmethod
    def of(cls, answer: StoredAnswer, log_: FrameLog, prefer: Iterable[str]) -> Self:
        """Return the stream of an answer with its log; `prefer` are the Prefer headers of the request."""
        is_kept = keeps_running(prefer)
        frames = log_.open(answer.lease, is_kept=is_kept) if answer.lease is not None else None
        return cls(answer, frames, keeps_running=is_kept, is_replay=answer.lease is None)

    def interrupt(self, reason: Interruption) -> None:
        """Interrupt the answer."""
        self._answer.interrupt(reason)

    async def produce(self) -> None:
        """Run the answer."""
        with spans.answer() as record:
            try:
                await self._answer.run(self._emit)
            except Exception:
                log.exception("an answer failed unexpectedly")
                if not self._has_ended:
                    await self._emit(INTERNAL)
            finally:
                record(self._metrics.finish())
                if self._log is not None:
                    await self._log.close()

    async def _emit(self, event: AnswerEvent) -> None:
        self._metrics.record(event)
        self._has_ended = self._has_ended or isinstance(event, AnswerStored | AnswerFailed)
        data = frame(event, self._request_id)
        if self._log is not None:
            data = self._log.add(data)
            if self._log.is_full:
                await self._log.make_room()
        await self.put(data)


class RejoinedStream(FrameStream):
    """A response that sends the rest of an answer that runs elsewhere, or has ended. It never stops the answer."""

    def __init__(self, answer: RejoinedAnswer) -> None:
        super().__init__()
        self._answer = answer
        self._request_id = logs.bound().get("request_id")
        self._task: asyncio.Task[None] | None = None
        self._reason: Interruption | None = None

    def interrupt(self, reason: Interruption) -> None:
        """Stop following the answer."""
        if self._reason is None and self._task is not None:
            self._reason = reason
            self._task.cancel()

    async def produce(self) -> None:
        """Follow the answer."""
        self._task = asyncio.current_task()
        try:
            async with aclosing(self._answer.items()) as items:
                async for item in items:
                    await self.put(item if isinstance(item, bytes) else self._numbered(item))
        except asyncio.CancelledError:
            end = self._answer.end_of(self._reason) if self._reason else None
            if end is not None:
                await self.put(self._numbered(end))

    def _numbered(self, event: AnswerEvent) -> bytes:
        return b"id: %b\n%b" % (self._answer.next_id, frame(event, self._request_id))
