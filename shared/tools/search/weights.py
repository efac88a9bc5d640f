"""How much the words of a tool's definition say about it, by where they stand."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from shared.tools.search.vocabulary import terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

_LENGTH = 0.5
"""BM25's b: how much less a word in a long text weighs than one in a short text."""
_NAME, _SUMMARY, _REST, _PARAMETER, _DETAIL = (5.0, 3), (2.0, 8), (0.6, 30), (0.6, 6), (0.3, 30)
"""What a word weighs in a name, a first sentence, the rest, parameters' names, what is said of them; usual lengths."""
_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")


@lru_cache(maxsize=4096)
def word_weights(encoded: bytes) -> Mapping[str, float]:
    """Weigh the words of a definition, given in its JSON form; the same for every selection of tools that has it."""
    definition: JsonObject = orjson.loads(encoded)
    summary, rest = first_sentence(str(definition["description"]))
    parameters = list(_parameters(definition["input_schema"]))
    texts = (
        (_NAME, str(definition["name"])),
        (_SUMMARY, summary),
        (_REST, rest),
        (_PARAMETER, " ".join(name for name, _ in parameters)),
        (_DETAIL, " ".join(detail for _, detail in parameters)),
    )
    weighed: defaultdict[str, float] = defaultdict(float)
    for (weight, usual), text in texts:
        found = terms(text)
        share = weight / (1 - _LENGTH + _LENGTH * len(found) / usual)
        for term in found:
            weighed[term] += share
    return dict(weighed)


def first_sentence(text: str) -> tuple[str, str]:
    """Part a text after its first sentence."""
    sentence, _, rest = _SENTENCE.sub("\0", text.strip(), count=1).partition("\0")
    return sentence, rest


def _parameters(schema: JsonValue) -> Iterator[tuple[str, str]]:
    """Give each parameter's name, and what is said of it."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, part in properties.items() if isinstance(properties, dict) else ():
        allowed = part.get("enum") if isinstance(part, dict) else None
        values = " ".join(str(value) for value in allowed) if isinstance(allowed, list) else ""
        yield name, f"{part.get('description', '') if isinstance(part, dict) else ''} {values}"
