"""The check of the settings, and the parts that they leave to the embedded services of development."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.checks.findings import Finding, Installation
from shared.checks.unknown_variables import unknown_variables
from shared.settings import DEVELOPMENT, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.checks.findings import Part

_NO_DATABASE = "postgresql://"
_NO_JWT_SECRET = "none"  # noqa: S105  # `check` verifies no tokens, but the settings require a secret
_NO_KEY = "none"


def read_installation(variables: Mapping[str, str]) -> Installation:
    """Read the settings as `serve` does; in development, parts that no variable names are embedded.

    Raises:
        SettingsError: a variable is missing or not valid.
    """
    if variables.get("ENVIRONMENT", DEVELOPMENT) != DEVELOPMENT:
        return Installation(load(variables), unknown=tuple(unknown_variables(variables)))
    complete = {"POSTGRES_URL": _NO_DATABASE, "IMBI_AUTH_JWT_SECRET": _NO_JWT_SECRET, **variables}
    if "ANTHROPIC_BASE_URL" in variables:
        # A server that is named by its address alone accepts any key.
        complete.setdefault("ANTHROPIC_API_KEY", _NO_KEY)
    return Installation(load(complete), frozenset(_embedded(variables)), tuple(unknown_variables(variables)))


def _embedded(variables: Mapping[str, str]) -> set[Part]:
    parts: set[Part] = set()
    if "POSTGRES_URL" not in variables:
        parts.add("database")
    if not variables.keys() & {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"}:
        parts.add("model")
    if "IMBI_INTERNAL_API_URL" not in variables:
        parts.add("imbi api")
        if not variables.keys() & {"IMBI_UI_URL", "IMBI_INTERNAL_UI_URL"}:
            parts.add("ui")
    return parts


async def check_settings(installation: Installation) -> Sequence[Finding]:
    """Say which environment the valid settings are for."""
    valid = f"They are valid; ENVIRONMENT is {installation.settings.environment}."
    if installation.unknown:
        return [Finding("settings", "warning", f"{valid} {' '.join(installation.unknown)}")]
    return [Finding("settings", "ok", valid)]
