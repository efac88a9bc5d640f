"""The deployment's template as plain data, with CloudFormation's short forms resolved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parent.parent.parent / "template.yaml"


class _Loader(yaml.CSafeLoader):
    """A loader that knows `!Ref` and the like."""


def _intrinsic(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix: value}


_Loader.add_multi_constructor("!", _intrinsic)


def template() -> dict[str, Any]:
    """Read the template."""
    return parsed(TEMPLATE.read_text())


def parsed(text: str) -> dict[str, Any]:
    """Read the text of a template."""
    read = yaml.load(text, _Loader)  # noqa: S506  # a safe loader with tags
    assert isinstance(read, dict)
    return read


def functions() -> dict[str, str]:
    """Return each function's handler."""
    return {
        name: resource["Properties"]["Handler"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def routes() -> dict[str, str]:
    """Return the handlers of the functions that serve a route; a schedule invokes the others."""
    resources = template()["Resources"]
    return {name: handler for name, handler in functions().items() if f"{name}Url" in resources}
