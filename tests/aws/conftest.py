"""The built package, once for all tests that run it."""

from __future__ import annotations

import pytest

from tests.support.lambda_functions import Artifacts, build
from tests.support.once import make_once


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Build the package, once for all workers."""
    return Artifacts(make_once(tmp_path_factory, "sam", build))


@pytest.fixture(scope="session")
def function_variables(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables of a deployed function."""
    return {**variables, "ENVIRONMENT": "production", "LOG_LEVEL": "INFO"}
