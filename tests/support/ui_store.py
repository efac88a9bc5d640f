"""What a person sees of an answer in the Imbi UI of today: a model of its store, as far as it hides things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


class Event(Protocol):
    """An event of the stream."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def data(self) -> dict[str, Any]:
        """Its data."""
        ...


@dataclass(slots=True)
class UiStore:
    """The store's rules.

    A text is added to the bubble. The begin of a tool call empties the bubble. `done` leaves the bubble as it is, even
    if it is empty. `error` is shown only in an empty bubble. All other events change nothing.
    """

    bubble: str = ""
    is_streaming: bool = True
    has_failed: bool = False

    @classmethod
    def after(cls, events: Iterable[Event]) -> Self:
        """Return the store after the events of an answer."""
        store = cls()
        for event in events:
            store.take(event)
        return store

    def take(self, event: Event) -> None:
        """Apply one event."""
        match event.name:
            case "text":
                self.bubble += str(event.data["text"])
            case "tool_use_start":
                self.bubble = ""
            case "done":
                self.is_streaming = False
            case "error":
                self.is_streaming, self.has_failed = False, True
                self.bubble = self.bubble or str(event.data["message"])
            case _:
                pass


def check_visible(events: Iterable[Event]) -> None:
    """Check that the person sees an answer or a failure at the end, whatever the answer's events were."""
    events = list(events)
    store = UiStore.after(events)
    assert not store.is_streaming, "the UI stays locked"
    assert store.bubble.strip(), f"an empty bubble after {[event.name for event in events]}"
    if store.has_failed:
        [error] = [event for event in events if event.name == "error"]
        assert error.data["message"] in store.bubble, "nobody sees the failure"
