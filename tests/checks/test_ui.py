"""The check of the UI's document."""

from __future__ import annotations

import pytest

from tests.support.installations import NOWHERE, found


@pytest.mark.proves("check.complete")
@pytest.mark.parametrize("url", [None, NOWHERE])
async def test_a_ui_that_is_not_read_is_a_warning(given: dict[str, str], url: str | None) -> None:
    finding = (await found(given, "ui", IMBI_INTERNAL_UI_URL=url))["ui"]
    assert finding.state == "warning"
    assert "built-in list" in finding.detail
