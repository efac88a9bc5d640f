"""All checks, run at the same time: each has a time limit, and none prevents another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.checks.configuration import check_settings
from shared.checks.database import check_clock, check_database
from shared.checks.findings import Finding
from shared.checks.imbi_api import check_api
from shared.checks.keys import check_keys
from shared.checks.mcp_servers import check_mcp_servers
from shared.checks.model import check_model
from shared.checks.ui import check_ui
from shared.util.hard_timeout import HardTimeout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.checks.findings import Check, Installation

CHECKS: Mapping[str, Check] = {
    "settings": check_settings,
    "database": check_database,
    "clock": check_clock,
    "imbi api": check_api,
    "mcp": check_mcp_servers,
    "ui": check_ui,
    "keys": check_keys,
}
WITH_MODEL: Mapping[str, Check] = {**CHECKS, "model": check_model}
_TIMEOUT_SECONDS = 10.0


async def run_checks(
    installation: Installation, checks: Mapping[str, Check] = CHECKS, timeout_seconds: float = _TIMEOUT_SECONDS
) -> list[Finding]:
    """Run checks by their names; return the findings in the order of the checks."""
    timeout = HardTimeout(timeout_seconds)

    async def findings(name: str, check: Check) -> Sequence[Finding]:
        try:
            return await timeout.run(check(installation))
        except TimeoutError:
            advice = "Check that this part runs, and that the network lets connections through."
            return [Finding(name, "failed", f"There was no result within {timeout_seconds:g} seconds. {advice}")]
        except Exception as error:  # noqa: BLE001  # a check that fails must not prevent the others
            # The error's own text may contain a secret.
            return [
                Finding(name, "failed", f"The check itself failed with {type(error).__name__}. Please report this.")
            ]

    found = await asyncio.gather(*(findings(name, check) for name, check in checks.items()))
    return [finding for each in found for finding in each]
