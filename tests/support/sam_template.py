"""The deployment's template as plain data."""

from __future__ import annotations

from typing import Any

from local.lambdas.cloudformation import parse_template, read_template
from local.lambdas.functions import TEMPLATE, function_properties


def template() -> dict[str, Any]:
    """Read the template."""
    return read_template(TEMPLATE)


def parsed(text: str) -> dict[str, Any]:
    """Read the text of a template."""
    return parse_template(text)


def functions() -> dict[str, str]:
    """Return each function's handler."""
    return {name: properties["Handler"] for name, properties in function_properties(template())}


def routes() -> dict[str, str]:
    """Return the handlers of the functions that serve a route; a schedule invokes the others."""
    resources = template()["Resources"]
    return {name: handler for name, handler in functions().items() if f"{name}Url" in resources}
