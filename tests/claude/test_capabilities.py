"""The features of models, held against the SDK's list of them."""

from __future__ import annotations

from typing import Literal, get_args, get_origin

import pytest
from anthropic.types import model as sdk

from shared.claude.capabilities import capabilities_of
from shared.domain.requests import Capabilities


def models_of_the_sdk() -> list[str]:
    literal = next(each for each in get_args(sdk.Model) if get_origin(each) is Literal)
    return [name for name in get_args(literal) if name != "claude-mythos-preview"]


@pytest.mark.proves("append-only.prefix")
@pytest.mark.parametrize("model", models_of_the_sdk())
def test_every_model_of_the_sdk_is_known(model: str) -> None:
    assert capabilities_of(model).tool_references, model


@pytest.mark.proves("append-only.prefix")
@pytest.mark.parametrize(
    ("model", "checks", "system"),
    [
        ("claude-sonnet-5-5", True, True),
        ("claude-opus-5-5", True, True),
        ("claude-haiku-5-5", True, True),
        ("claude-fable-5-2", True, True),
        ("claude-sonnet-5", False, False),
        ("claude-opus-5", False, True),
        ("claude-opus-4-8", False, True),
        ("claude-sonnet-4-6", False, False),
        ("claude-haiku-4-5-20251001", False, False),
        ("anthropic.claude-sonnet-5-5-v1:0", True, True),
    ],
)
def test_models_differ(model: str, *, checks: bool, system: bool) -> None:
    capabilities = capabilities_of(model)
    assert (capabilities.checks_thinking, capabilities.system_messages) == (checks, system)


@pytest.mark.proves("append-only.prefix")
@pytest.mark.parametrize(
    "model", ["claude-sonnet-7", "claude-opus-55", "gpt-5", "", "claude", "claude-sonnet-20250101"]
)
def test_an_unknown_model_is_the_strictest(model: str) -> None:
    assert capabilities_of(model) == Capabilities(checks_thinking=True)
