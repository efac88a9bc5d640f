"""A request's body, and the ways in which the rules go through it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Body: TypeAlias = dict[str, Any]
"""A JSON object that may break every rule: no model can describe it."""

Rule: TypeAlias = "Callable[[Body], Iterator[str]]"
"""A function from a request's body to the messages of the errors in it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A content block and its place."""

    message: int
    position: int
    value: Body

    @property
    def kind(self) -> str:
        """The block's type."""
        return str(self.value.get("type"))

    @property
    def path(self) -> str:
        """The place, as the API's errors name it."""
        return f"messages.{self.message}.content.{self.position}"


@dataclass(frozen=True, slots=True)
class Turn:
    """Messages of one role that follow one another: the API joins them."""

    role: str
    last: int
    """The index of the last of them."""
    blocks: list[Block]

    def of(self, kind: str) -> list[Block]:
        """Return the blocks of one type."""
        return [block for block in self.blocks if block.kind == kind]


def words(text: str) -> frozenset[str]:
    """Split a text into its words."""
    return frozenset(text.split())


def blocks(body: Body) -> list[Block]:
    """Return all content blocks of the messages; a plain string is one text block."""
    return [block for item in enumerate(body["messages"]) for block in _blocks_of(*item)]


def inner_blocks(block: Body) -> list[Body]:
    """Return the blocks in a block's own content, as a `tool_result` has them."""
    content = block.get("content")
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def is_server_result(kind: str) -> bool:
    """Return whether a type of block is the result of one of the API's own tools."""
    return kind.endswith("_tool_result") and kind != "tool_result"


def turns(body: Body) -> list[Turn]:
    """Return the messages joined by role."""
    joined = []
    for role, group in groupby(enumerate(body["messages"]), key=lambda item: item[1]["role"]):
        members = list(group)
        joined.append(Turn(role, members[-1][0], [block for item in members for block in _blocks_of(*item)]))
    return joined


def is_objects(value: object) -> bool:
    """Return whether a value is a list of JSON objects."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _blocks_of(index: int, message: Body) -> list[Block]:
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [Block(index, position, value) for position, value in enumerate(content)]
