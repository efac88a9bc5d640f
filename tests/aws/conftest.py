"""The built package, once for all tests that run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lambda_functions import build

if TYPE_CHECKING:
    from tests.support.lambda_functions import Artifacts


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Build the package."""
    return build(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="session")
def function_variables(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables of a deployed function."""
    return {**variables, "ENVIRONMENT": "production", "LOG_LEVEL": "INFO"}
