"""Messages that are only a thumb."""

from __future__ import annotations

import pytest

from shared.domain.feedback import typed_rating

UP, DOWN = "\N{THUMBS UP SIGN}", "\N{THUMBS DOWN SIGN}"
CONTEXT = "<context>\nThe user views /projects 👎\n</context>\n\n"
SEARCH = "<search_context>\n1. 👎\n</search_context>\n"


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        (UP, 1),
        (DOWN, -1),
        (f"  {UP}\n", 1),
        (f"{UP}\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}", 1),
        (f"{DOWN}\N{EMOJI MODIFIER FITZPATRICK TYPE-6}", -1),
        (f"{UP}\N{VARIATION SELECTOR-16}", 1),
        (f"{DOWN}\N{VARIATION SELECTOR-15} ", -1),
        (f"\N{ZERO WIDTH SPACE}{UP}\N{WORD JOINER}", 1),
        (f"{UP}{UP} {UP}", 1),
        (f"{CONTEXT}{UP}", 1),
        (f"{CONTEXT}{SEARCH}{DOWN}", -1),
        (f"{UP}{DOWN}", None),
        (f"{UP} thanks", None),
        (f"Why {DOWN}?", None),
        (f"{UP}?", None),
        ("\N{EMOJI MODIFIER FITZPATRICK TYPE-3}", None),
        ("\N{OK HAND SIGN}", None),
        ("", None),
        ("   ", None),
        (CONTEXT, None),
        (UP * 81, None),
    ],
    ids=lambda value: None if isinstance(value, int) else ascii(value)[:40],
)
def test_a_message_is_a_rating_only_if_it_is_only_thumbs_in_one_direction(text: str, rating: int | None) -> None:
    assert typed_rating(text) == rating
