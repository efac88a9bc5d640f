"""The weights of the words in a tool's definition, by the field that they are in."""

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

_B = 0.5
"""BM25's b: how much the length of a text reduces the weight of its words."""
_NAME, _SUMMARY, _REST, _PARAMETER, _DETAIL = (5.0, 3), (2.0, 8), (0.6, 30), (0.6, 6), (0.3, 30)
"""Weight and usual number of words of each field; the last two are names and descriptions of parameters."""
_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")


@lru_cache(maxsize=4096)
def word_weights(encoded: bytes) -> Mapping[str, float]:
    """Compute the weight of each word of a definition, given as JSON. The cache serves all indexes."""
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
    weights: defaultdict[str, float] = defaultdict(float)
    for (weight, usual), text in texts:
        found = terms(text)
        share = weight / (1 - _B + _B * len(found) / usual)
        for term in found:
            weights[term] += share
    return dict(weights)


def first_sentence(text: str) -> tuple[str, str]:
    """Split a text after its first sentence."""
    sentence, _, rest = _SENTENCE.sub("\0", text.strip(), count=1).partition("\0")
    return sentence, rest


def _parameters(schema: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield each parameter's name, and its description with the allowed values."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, part in properties.items() if isinstance(properties, dict) else ():
        allowed = part.get("enum") if isinstance(part, dict) else None
        values = " ".join(str(value) for value in allowed) if isinstance(allowed, list) else ""
        yield name, f"{part.get('description', '') if isinstance(part, dict) else ''} {values}"
