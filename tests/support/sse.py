"""A strict reader of the service's event stream: text that the existing UI could not read fails the test."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.agent.visible_text import STOPPED_WITHOUT_WORDS
from tests.support.ui_store import check_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = "*Interrupted: "
FRAME = re.compile(r"(?:id: [^\n]*\n)?event: (?P<name>[a-z_]+)\ndata: (?P<data>[^\n]+)(?:\nid: [^\n]*)?")
COMMENT = re.compile(r":[^\n]*")
TERMINAL = ("done", "error")
BEFORE_THE_END = {
    "text",
    "tool_use_start",
    "tool_input",
    "content_block_stop",
    "tool_executing",
    "tool_result",
    "approval_required",
    "thinking",
    "restarted",
}
NAMES = {*BEFORE_THE_END, "client_action", "done", "title_updated", "error"}


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name and its data."""

    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class EventReader:
    """Takes bytes in as they come and gives the events that are complete."""

    events: list[Event] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """Read a piece of the stream."""
        self._rest += chunk
        assert b"\r" not in self._rest, "a carriage return in the stream"
        *frames, self._rest = self._rest.split(b"\n\n")
        fresh = [event for frame in frames if (event := self._read(frame.decode()))]
        for event in fresh:
            self._check_place(event)
            self.events.append(event)
        return fresh

    def finish(self, *, checks_ui: bool = True) -> None:
        """Check that the stream ended as every answer does, and that the UI would show an answer or a failure."""
        assert self._rest == b"", f"the stream ended in the middle of a frame: {self._rest!r}"
        assert any(event.name in TERMINAL for event in self.events), "neither done nor error ended the answer"
        if checks_ui:
            check_visible(self.events)

    def _read(self, frame: str) -> Event | None:
        if COMMENT.fullmatch(frame):
            self.comments.append(frame)
            return None
        match = FRAME.fullmatch(frame)
        assert match, f"no frame that the UI can read: {frame!r}"
        data = json.loads(match["data"])
        assert isinstance(data, dict)
        assert match["name"] in NAMES, f"an unknown event: {frame!r}"
        return Event(match["name"], data)

    def _check_place(self, event: Event) -> None:
        ended = [earlier.name for earlier in self.events if earlier.name in TERMINAL]
        assert not ended or (ended == ["done"] and event.name == "title_updated"), f"{event} after {ended}"
        assert ended or event.name != "title_updated", "a title before the end"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    events: Sequence[Event]

    @property
    def text(self) -> str:
        """All text together."""
        return "".join(event.data["text"] for event in self.of("text"))

    @property
    def said(self) -> str:
        """The text without the words by which the service ends an answer early."""
        texts = [str(event.data["text"]) for event in self.of("text")]
        is_notice = bool(texts) and (INTERRUPTED in texts[-1] or texts[-1] == STOPPED_WITHOUT_WORDS)
        return "".join(texts[:-1] if is_notice else texts)

    @property
    def names(self) -> list[str]:
        """The events' names."""
        return [event.name for event in self.events]

    @property
    def end(self) -> Event:
        """The event that ended the answer."""
        [end] = self.of(*TERMINAL)
        return end

    @property
    def done(self) -> dict[str, Any]:
        """The data of `done`, where the answer is complete."""
        assert self.end.name == "done", self.end
        return self.end.data

    @property
    def error(self) -> dict[str, Any]:
        """The data of `error`, where the answer has failed."""
        assert self.end.name == "error", self.end
        return self.end.data

    @property
    def title(self) -> str | None:
        """The title that the answer brought, if it did."""
        titles = [str(event.data["title"]) for event in self.of("title_updated")]
        assert len(titles) <= 1
        return titles[0] if titles else None

    def of(self, *names: str) -> list[Event]:
        """Pick the events of some names."""
        return [event for event in self.events if event.name in names]
