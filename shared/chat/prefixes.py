"""The stored prefixes of conversations. Each part is stored by its hash, so conversations share equal parts."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, get_args

import orjson

from shared.domain.errors import GraphError
from shared.domain.requests import OfferedTool, Prefix, SearchMode, SystemPrompt
from shared.graph.contents import hash_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue

    from shared.graph.contents import Contents

log = logging.getLogger(__name__)

_MOST_PREFIXES = 256
_MOST_HASHES = 100_000
_TRUSTED_SECONDS = 300.0
"""The time after which a prefix is stored again, because its text about the user may have been erased."""


class Prefixes:
    """Reads and encodes prefixes, and caches the most recently used ones in memory."""

    def __init__(self, contents: Contents, now: Callable[[], float] = time.monotonic) -> None:
        """Take the stored contents, and a clock in seconds."""
        self._contents = contents
        self._now = now
        self._trusted_until: OrderedDict[str, float] = OrderedDict()
        self._read: OrderedDict[str, Prefix] = OrderedDict()
        self._keys: OrderedDict[Prefix, str] = OrderedDict()
        self._stored: set[str] = set()

    async def read(self, key: str | None) -> Prefix | None:
        """Return the prefix with a key, or None if there is no key or the prefix cannot be read."""
        if key is None:
            return None
        prefix = self._read.get(key)
        if prefix is None:
            try:
                prefix = await self._load(key)
            except (GraphError, KeyError, TypeError, ValueError) as error:
                log.warning("the prefix of a conversation cannot be read: %s", type(error).__name__)
                return None
        self._keep(key, prefix)
        return prefix

    def encode(self, prefix: Prefix) -> tuple[str, dict[str, str]]:
        """Return the key of a prefix, and its contents that may not be stored yet, by their hash."""
        key = self._keys.get(prefix)
        if key is not None and self._now() < self._trusted_until.get(key, 0.0):
            return key, {}
        contents: dict[str, str] = {}

        def put(content: str) -> str:
            contents[hash_of(content)] = content
            return hash_of(content)

        tools = [[put(tool.encoded.decode()), tool.name, tool.is_deferred] for tool in prefix.tools]
        record = [prefix.mode, put(prefix.system.static), put(prefix.system.personal), tools]
        key = put(orjson.dumps(record).decode())
        self._keep(key, prefix)
        erasable = {key, record[2]}
        return key, {
            name: content for name, content in contents.items() if name in erasable or name not in self._stored
        }

    def note_stored(self, key: str, contents: Mapping[str, str]) -> None:
        """Remember the contents that a transaction has stored."""
        if len(self._stored) > _MOST_HASHES:
            self._stored.clear()
        self._stored |= {key, *contents}
        self._trust(key)

    def _keep(self, key: str, prefix: Prefix) -> None:
        self._read[key] = prefix
        self._read.move_to_end(key)
        self._keys[prefix] = key
        self._keys.move_to_end(prefix)
        for cache in (self._read, self._keys):
            if len(cache) > _MOST_PREFIXES:
                cache.popitem(last=False)

    def _trust(self, key: str) -> None:
        self._trusted_until[key] = self._now() + _TRUSTED_SECONDS
        self._trusted_until.move_to_end(key)
        if len(self._trusted_until) > _MOST_PREFIXES:
            self._trusted_until.popitem(last=False)

    async def _load(self, key: str) -> Prefix:
        found = await self._contents.read([key])
        mode, static, personal, tools = orjson.loads(found[key])
        texts = await self._contents.read({static, personal, *(tool[0] for tool in tools)})
        self._stored |= {key, *texts}
        self._trust(key)
        return Prefix(
            SystemPrompt(texts[static], texts[personal]),
            tuple(_tool(tool, texts) for tool in tools),
            _mode(mode),
        )


def _tool(record: list[JsonValue], texts: Mapping[str, str]) -> OfferedTool:
    content, name, is_deferred = record
    return OfferedTool(str(name), texts[str(content)].encode(), is_deferred is True)


def _mode(value: object) -> SearchMode:
    modes: tuple[SearchMode, ...] = get_args(SearchMode)
    return next(mode for mode in modes if mode == value)
