"""The check of the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from tests.support.installations import CANARY, NOWHERE, found, register

if TYPE_CHECKING:
    from tests.support.database import Database


@pytest.mark.proves("check.problems")
@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"ANTHROPIC_API_KEY": None, "ENVIRONMENT": "production"}, "failed"),
        ({"ANTHROPIC_API_KEY": None, "ENVIRONMENT": "production", "IMBI_ASSISTANT_ENABLED": "true"}, "warning"),
        ({"IMBI_ASSISTANT_ENABLED": "false"}, "warning"),
        ({"ANTHROPIC_API_KEY": None}, "ok"),
    ],
    ids=["missing", "switched on", "switched off", "not needed"],
)
async def test_the_key_of_the_model_is_checked(
    given: dict[str, str], changes: dict[str, str | None], state: str
) -> None:
    assert (await found(given, "keys", **changes))["key of the model"].state == state


@pytest.mark.proves("check.problems")
async def test_a_missing_key_of_secrets_is_a_warning(given: dict[str, str], graph: Database) -> None:
    key = Fernet.generate_key()
    secret = Fernet(key).encrypt(CANARY.encode()).decode()
    await register(graph, "Secretive", f"{NOWHERE}/mcp", auth_type="static", static_value_encrypted=secret)
    without = (await found(given, "keys"))["key of secrets"]
    assert without.state == "warning"
    assert "Secretive" in without.detail
    assert (await found(given, "keys", IMBI_CONFIG_ENCRYPTION_KEY=key.decode()))["key of secrets"].state == "ok"
