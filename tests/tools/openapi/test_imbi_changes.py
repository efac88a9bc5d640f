"""The changing operations of a real Imbi are classified, each one. `pytest -s` prints the table."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.support.imbi_changes import changes_of, document_of, kept_changes
from tests.support.imbi_operations import DOCUMENT

COUNTS = {
    ("DELETE", "destructive"): 41,
    ("PATCH", "write"): 30,
    ("POST", "destructive"): 7,
    ("POST", "write"): 63,
    ("PUT", "destructive"): 2,
    ("PUT", "write"): 13,
}
CREDENTIALS = {
    "change_password",
    "create_api_key",
    "create_client_credential",
    "create_sa_api_key",
    "rotate_api_key",
    "rotate_client_credential",
    "rotate_sa_api_key",
    "update_integration_credentials",
    "update_login_provider_credentials",
}
"""The operations that make or replace credentials. They ask as deletions do."""

pytestmark = pytest.mark.anyio


async def test_the_operations_that_change_something_are_classified_by_method_path_and_name() -> None:
    kept = kept_changes()
    found = await changes_of(json.dumps(document_of(kept)).encode())
    for name, change in found.items():
        print(f"{change.effect:12} {change.method or '':7} {name:50} {change.path}")  # noqa: T201  # the table
    assert found == kept
    assert Counter((change.method, change.effect) for change in found.values()) == COUNTS
    deletions = {name for name, change in found.items() if change.method == "DELETE"}
    destructive = {name for name, change in found.items() if change.effect == "destructive"}
    assert destructive == deletions | CREDENTIALS


@pytest.mark.skipif(not DOCUMENT.exists(), reason="no document of a real Imbi is here")
async def test_the_kept_operations_are_those_of_the_document() -> None:
    assert await changes_of(DOCUMENT.read_bytes()) == kept_changes()
