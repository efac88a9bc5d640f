"""The scripted model's replies, in the wire format of the Messages API.

A reply is made by `reply(...)` of the steps in `tests.support.model_steps`; `tests.support.model_server` shows an
example.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from local.messages_api.stream import message, message_end, message_start, stopped
from tests.support.model_steps import Block, Failure, Frame, end, event, event_of, ping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.model_steps import Gate, Json, Part, Step


@dataclass(frozen=True, slots=True)
class HttpError:
    """An answer that is no reply: the API refused or failed before the stream."""

    status: int
    type: str
    message: str
    headers: Mapping[str, str]


def http_error(
    status: int, error_type: str = "api_error", message: str = "Internal server error", **headers: str
) -> HttpError:
    """Fail before the stream; `retry_after="3"` becomes the header retry-after.

    The SDK tries again where the status allows it: script as many errors as it has tries. It is told to wait a
    millisecond, unless a header says something else or `x_should_retry="false"` keeps it from it.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    patience = {} if "retry-after" in named else {"retry-after-ms": "1"}
    return HttpError(status, error_type, message, patience | named)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the model: its steps, why it stops, and what it says that it cost."""

    steps: tuple[Step, ...]
    stop_reason: str | None = None
    stop_details: Json | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    at: Mapping[int, Part | Failure] = field(default_factory=dict)
    is_empty: bool = False
    first_byte: Gate | None = None

    @property
    def blocks(self) -> list[Json]:
        """The complete content blocks, as a reply that is not streamed has them."""
        return [step.complete for step in self.steps if isinstance(step, Block)]

    @property
    def stop(self) -> str:
        """The stop reason: as given, else by whether a tool is called."""
        calls = any(content["type"] == "tool_use" for content in self.blocks)
        return self.stop_reason or ("tool_use" if calls else "end_turn")

    @property
    def output_tokens(self) -> int:
        """The tokens of the reply: four bytes are one, roughly."""
        return max(1, len(json.dumps(self.blocks, ensure_ascii=False).encode()) // 4)


def reply(
    *steps: Step,
    stop: str | None = None,
    stop_details: Json | None = None,
    usage: Mapping[str, int] | None = None,
    at: Mapping[int, Part | Failure] | None = None,
    first_byte: Gate | None = None,
) -> Reply:
    """Script a reply.

    `at` puts something before the event with that index (0 is message_start; pings count): `at={3: reset()}`.
    `first_byte` is a gate before anything is answered at all, status line included.
    """
    return Reply(steps, stop, stop_details, usage or {}, at or {}, first_byte=first_byte)


def empty() -> Reply:
    """Answer 200 with the stream's headers and nothing else."""
    return Reply((), is_empty=True)


Answer: TypeAlias = Reply | HttpError
Script: TypeAlias = "Answer | Callable[[Json], Answer]"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the API adds to a reply: its id, the model's name, and the tokens that went in."""

    id: str
    model: str
    input_usage: Mapping[str, int]
    told: Json = field(default_factory=dict)
    """The tokens that the client was told, as far as the reply was sent."""

    def message(self, answer: Reply) -> Json:
        """Render the whole message, for a request that does not stream."""
        usage = {**self.input_usage, "output_tokens": answer.output_tokens, "service_tier": "standard", **answer.usage}
        return message(self.id, self.model, answer.blocks, usage, _stop(answer))

    def parts(self, answer: Reply) -> Iterator[Part]:
        """Return the stream in the order of the wire, with what `at` puts between its events."""
        index = 0
        for part in self._plain_parts(answer):
            if isinstance(part, Frame):
                if index in answer.at:
                    yield from _spelled(answer.at[index])
                index += 1
            yield part

    def _plain_parts(self, answer: Reply) -> Iterator[Part]:
        if answer.is_empty:
            return
        usage = {**self.input_usage, "output_tokens": 1, "service_tier": "standard"}
        usage |= {name: count for name, count in answer.usage.items() if name != "output_tokens"}
        yield event_of(message_start(self.id, self.model, usage))
        index = 0
        for step in answer.steps:
            if isinstance(step, Block):
                yield from _with_first_ping(step.parts(index), is_first=index == 0)
                index += 1
            else:
                yield from _spelled(step)
        usage = {**self.input_usage, "output_tokens": answer.output_tokens, **answer.usage}
        yield from map(event_of, message_end(_stop(answer), usage))


def _stop(answer: Reply) -> Json:
    details = {"stop_details": answer.stop_details} if answer.stop_details else {}
    return {**stopped(answer.stop), **details}


def _with_first_ping(parts: Iterator[Part], *, is_first: bool) -> Iterator[Part]:
    """Put a ping behind the start of the first block, where the API sends one."""
    for number, part in enumerate(parts):
        yield part
        if is_first and number == 0:
            yield ping()


def _spelled(step: Part | Failure) -> Iterator[Part]:
    if isinstance(step, Failure):
        yield event("error", {"type": "error", "error": {"type": step.type, "message": step.message}})
        yield end()
    else:
        yield step
