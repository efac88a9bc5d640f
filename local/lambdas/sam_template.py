"""Writes `template.local.yaml`, the template for SAM's local commands: `python -m local.lambdas.sam_template`.

`sam local` knows neither Function URLs nor streamed responses, and gives functions only plain variables. So the
template has the plain routes alone, each with an event of an HTTP API and with variables instead of secrets.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/using-sam-cli-local-start-api.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from local.lambdas.cloudformation import Resolver, long_form, read_template
from local.lambdas.functions import TEMPLATE, WRAPPER, environment_of, function_properties, is_route
from shared.aws.secrets import SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = TEMPLATE.with_name("template.local.yaml")
_HEAD = """\
# The plain routes for `sam local invoke` and `sam local start-api`. Made from template.yaml by `make template-local`.
"""
_NEEDED = {
    "POSTGRES_URL": ("PostgresUrl", "A PostgreSQL with AGE, as seen from the functions' containers"),
    "IMBI_AUTH_JWT_SECRET": ("JwtSecret", "The secret of access tokens, 32 bytes or more"),
}
"""The secrets of the plain routes, each with its parameter. The others are optional, and an empty one is not valid."""
_SUFFIXES = ("_PARAMETER", "_SECRET_ARN")
_PARAMETERS = (
    "Architecture",
    "Environment",
    "GraphName",
    "LogLevel",
    "MemorySize",
    "Model",
    "PublicUrl",
    "PythonVersion",
    "SecretsMaxAgeSeconds",
    "Timeout",
    "Tracing",
)
_GLOBALS = ("CodeUri", "Runtime", "MemorySize", "Timeout", "Architectures", "Layers")
"""What is taken over from the deployed template; globals and variables refer to these parameters."""


class _Dumper(yaml.CSafeDumper):
    """A dumper that writes what occurs several times as often as it occurs."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # the signature of PyYAML
        """Return True: nothing is replaced by a reference."""
        return True


def local_template(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the local template that belongs to a template."""
    resolver = Resolver(template, {"AnthropicApiKeyParameter": "/unused"})
    common = template["Globals"]["Function"]
    secrets = {name: {"Type": "String", "Description": text} for name, text in _NEEDED.values()}
    plain = {name: own for name, own in function_properties(template) if _is_plain(template, own)}
    return {
        "AWSTemplateFormatVersion": template["AWSTemplateFormatVersion"],
        "Transform": template["Transform"],
        "Description": "The plain routes of imbi-assistant, for SAM's local commands",
        "Parameters": {**secrets, **{name: template["Parameters"][name] for name in _PARAMETERS}},
        "Globals": {
            "Function": {
                **{name: long_form(common[name]) for name in _GLOBALS},
                "Environment": {"Variables": _variables(common, resolver)},
            }
        },
        "Resources": {
            "SharedLayer": long_form(template["Resources"]["SharedLayer"]),
            **{name: _function(own, resolver) for name, own in plain.items()},
        },
    }


def as_text(template: Mapping[str, Any]) -> str:
    """Return a template as YAML."""
    return _HEAD + yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def _is_plain(template: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    return is_route(own) and WRAPPER not in environment_of(template, own)


def _function(own: Mapping[str, Any], resolver: Resolver) -> dict[str, Any]:
    method, _, path = own["Description"].partition(" ")
    return {
        "Type": "AWS::Serverless::Function",
        "Metadata": {"BuildMethod": "makefile"},
        "Properties": {
            "Description": own["Description"],
            "Handler": own["Handler"],
            "Environment": {"Variables": _variables(own, resolver)},
            "Events": {"Route": {"Type": "HttpApi", "Properties": {"Method": method.lower(), "Path": path}}},
        },
    }


def _variables(properties: Mapping[str, Any], resolver: Resolver) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for name, expression in properties.get("Environment", {}).get("Variables", {}).items():
        secret = name.removesuffix(_SUFFIXES[0]).removesuffix(_SUFFIXES[1])
        value = resolver.resolve(expression)
        if secret != name and secret in SECRETS:
            if secret in _NEEDED:
                variables[secret] = {"Ref": _NEEDED[secret][0]}
        elif isinstance(expression, dict) and expression.get("Ref") in _PARAMETERS:
            variables[name] = expression
        elif value is not None:
            variables[name] = str(value)
    return variables


def main() -> None:
    """Write the file."""
    TARGET.write_text(as_text(local_template(read_template(TEMPLATE))), encoding="utf-8")


if __name__ == "__main__":
    main()
