"""The preparations before a SnapStart snapshot: all imports that answers need, and the reading of the API's document.

Nothing of it is secret or belongs to one environment: settings with secrets, connections and caches of users are made
after the snapshot is restored.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-best-practices.html
"""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from secrets import token_hex
from typing import TYPE_CHECKING

from shared.domain.errors import AssistantError
from shared.settings import has_model, load

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

_SECONDS = 20.0
"""The limit for reading the document. Publishing a version must not wait for an API that is away."""
_IMPORTED_LATE = (
    "argon2.low_level",
    "cryptography.fernet",
    "encodings.idna",
    "httpcore2",
    "psycopg.pq",
    "psycopg_binary.pq",
    "shared.aws.cloudwatch",
    "truststore",
    "zoneinfo",
)
"""Modules that libraries and the service import when they are used for the first time."""


async def prepare(variables: Mapping[str, str]) -> None:
    """Import and read everything that can be in the snapshot of a function with these variables."""
    for name in _IMPORTED_LATE:
        import_module(name)
    if not has_model(variables):
        return
    from shared.chat.rehearsal import rehearse  # noqa: PLC0415  # only functions that answer need these slow imports

    secrets = {"POSTGRES_URL": "postgresql://none", "IMBI_AUTH_JWT_SECRET": token_hex(32)}
    try:
        settings = load({**secrets, **variables})
        async with asyncio.timeout(_SECONDS):
            await rehearse(settings)
    except (AssistantError, TimeoutError) as error:
        # The first answers after the restore do the rest, or report the error.
        log.warning("the preparation of the snapshot is incomplete: %s", type(error).__name__)
