"""A model whose requests are recorded as `chat` spans, with their tokens and durations."""

from __future__ import annotations

import time
from asyncio import CancelledError
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, use_span

from shared.domain.errors import ModelError
from shared.domain.events import ReplyFinished, UsageCounted
from shared.domain.models import NO_USAGE
from shared.observability import semantics, spans

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from opentelemetry.trace import Span

    from shared.domain.events import ModelEvent, Reply
    from shared.domain.models import Usage
    from shared.domain.ports import Model
    from shared.domain.requests import ModelRequest
    from shared.observability.spans import Observer


@dataclass(frozen=True, slots=True)
class ModelApi:
    """The API that serves a model: the provider by its name in the conventions, and the address of the server."""

    provider: str
    address: str
    port: int


class ObservedModel:
    """A Model that records the requests to another one, if this task has an observer."""

    def __init__(self, model: Model, api: ModelApi) -> None:
        self._model = model
        self._api = api

    def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream a reply.

        Raises:
            ModelError: the model gave no reply, or the reply is incomplete.
        """
        observer = spans.current()
        return self._model.reply(request) if observer is None else self._observed(request, observer)

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()

    async def _observed(self, request: ModelRequest, observer: Observer) -> AsyncGenerator[ModelEvent, None]:
        operation = _Operation(request, self._api, observer)
        try:
            async with aclosing(self._model.reply(request)) as events:
                # Requests are sent before the first event. To change the context for each event would cost time.
                with use_span(operation.span, record_exception=False, set_status_on_exception=False):
                    event = await anext(events, None)
                operation.note_first()
                while event is not None:
                    match event:
                        case UsageCounted(usage):
                            operation.usage = usage
                        case ReplyFinished(reply):
                            operation.note_reply(reply)
                    yield event
                    event = await anext(events, None)
        except ModelError as error:
            operation.error_type = error.code
            raise
        except (CancelledError, GeneratorExit):
            operation.note_stopped()
            raise
        except Exception as error:
            operation.error_type = type(error).__name__
            raise
        finally:
            operation.end()


class _Operation:
    """One request to the model."""

    def __init__(self, request: ModelRequest, api: ModelApi, observer: Observer) -> None:
        self._instruments = observer.instruments
        self._attributes: dict[str, str | int] = {
            semantics.OPERATION_NAME: "chat",
            semantics.PROVIDER_NAME: api.provider,
            semantics.REQUEST_MODEL: request.model,
            semantics.SERVER_ADDRESS: api.address,
            semantics.SERVER_PORT: api.port,
        }
        self.usage: Usage = NO_USAGE
        self.error_type = ""
        self._is_complete = False
        self._first: float | None = None
        self._began = time.perf_counter()
        self.span: Span = observer.tracer.start_span(
            f"chat {request.model}",
            kind=SpanKind.CLIENT,
            attributes={
                **self._attributes,
                **spans.conversation(),
                semantics.REQUEST_MAX_TOKENS: request.max_tokens,
                semantics.REQUEST_STREAM: True,
            },
        )

    def note_first(self) -> None:
        """Note that the first event has come."""
        self._first = time.perf_counter() - self._began
        self.span.set_attribute(semantics.TIME_TO_FIRST_CHUNK, self._first)

    def note_reply(self, reply: Reply) -> None:
        """Note the complete reply."""
        self._is_complete = True
        self.usage = reply.usage
        self.span.set_attribute(semantics.FINISH_REASONS, (reply.stop_reason or "unknown",))

    def note_stopped(self) -> None:
        """Note that nobody waits for the rest of the reply."""
        if not self._is_complete:
            self.error_type = spans.STOPPED

    def end(self) -> None:
        """End the span and record the metrics."""
        self.span.set_attributes(spans.usage_attributes(self.usage))
        if self.error_type:
            spans.fail(self.span, self.error_type)
            self._attributes[semantics.ERROR_TYPE] = self.error_type
        self._instruments.record_operation(self._attributes, time.perf_counter() - self._began, self._first, self.usage)
        self.span.end()
