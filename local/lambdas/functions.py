"""The functions of `template.yaml`, with the variables that each has when it is deployed.

A function gets exactly the variables that the template gives it, so that a variable that is missing in the template is
missing here too. A reference to a secret becomes the secret, because there is no AWS here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.lambdas.cloudformation import Resolver, read_template
from shared.aws.secrets import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.lambdas.cloudformation import Expression

TEMPLATE = Path(__file__).parent.parent.parent / "template.yaml"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_ROUTE = re.compile("[A-Z]{3,6} /.*")
_KIND = "AWS::Serverless::Function"
_PARAMETER = "_PARAMETER"
_ARN = "_SECRET_ARN"


@dataclass(frozen=True, slots=True)
class Function:
    """A function that serves one route."""

    name: str
    method: str
    path: str
    """Such as `/conversations/{id}`."""
    handler: str
    variables: Mapping[str, str]
    timeout_seconds: float
    memory_mb: int

    @property
    def streams(self) -> bool:
        """Whether the wrapper replaces Lambda's own runtime, so that the response is streamed."""
        return WRAPPER in self.variables

    @property
    def is_bare(self) -> bool:
        """Whether the function also answers without the path of the public URL; it checks no token."""
        return "IMBI_AUTH_JWT_SECRET" not in self.variables

    def serves(self, method: str, path: str) -> bool:
        """Return whether the function serves a request; GET includes HEAD, and every route answers OPTIONS."""
        names, given = self.path.split("/"), path.split("/")
        fits = len(names) == len(given) and all(map(_fits, names, given))
        return fits and (method == "OPTIONS" or ("GET" if method == "HEAD" else method) == self.method)


def functions(variables: Mapping[str, str], template: Path = TEMPLATE) -> list[Function]:
    """Return the functions of a template; `variables` are the values that its parameters and secrets have here."""
    document = read_template(template)
    common = document["Globals"]["Function"]
    resolver = Resolver(document, parameters(document, variables))
    return [
        _function(name, {**common, **own}, resolver.resolve(environment_of(document, own)), resolver, variables)
        for name, own in function_properties(document)
        if is_route(own)
    ]


def is_route(properties: Mapping[str, Any]) -> bool:
    """Return whether a function serves a route, which its description names; a schedule invokes the others."""
    return bool(_ROUTE.fullmatch(str(properties["Description"])))


def unused(variables: Mapping[str, str], among: list[Function]) -> list[str]:
    """Return the names of this service's variables that are set here, but that no function gets."""
    used = {name for each in among for name in each.variables}
    return sorted(name for name in variables if name.startswith("IMBI_") and name not in used)


def function_properties(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the own properties of each function in a template."""
    for name, resource in document["Resources"].items():
        if resource["Type"] == _KIND:
            yield name, resource["Properties"]


def parameters(document: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with which the functions get the values of variables.

    A secret is given by the name of an SSM parameter, which is the variable's name after a slash.
    """
    found: dict[str, str] = {}
    for _, own in function_properties(document):
        for name, expression in environment_of(document, own).items() if is_route(own) else ():
            secret = name.removesuffix(_PARAMETER)
            value = f"/{secret}" if name.endswith(_PARAMETER) and secret in variables else variables.get(name)
            reference = _reference(expression)
            if value is not None and reference is not None:
                found[reference] = value
    return found


def _fits(name: str, given: str) -> bool:
    return given != "" if name.startswith("{") else name == given


def environment_of(document: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a function as expressions: those of all functions, and its own."""
    common = document["Globals"]["Function"]["Environment"]["Variables"]
    return {**common, **own.get("Environment", {}).get("Variables", {})}


def _reference(expression: Expression) -> str | None:
    """Return the parameter whose value an expression has: `!Ref X`, or `!If [HasX, !Ref X, …]`."""
    if isinstance(expression, dict) and "If" in expression:
        expression = expression["If"][1]
    reference = expression.get("Ref") if isinstance(expression, dict) else None
    return reference if isinstance(reference, str) else None


def _function(
    name: str, properties: Mapping[str, Any], given: Mapping[str, Any], resolver: Resolver, values: Mapping[str, str]
) -> Function:
    method, _, path = str(properties["Description"]).partition(" ")
    return Function(
        name=name,
        method=method,
        path=path,
        handler=str(properties["Handler"]),
        variables=dict(_with_secrets(given, values)),
        timeout_seconds=float(resolver.resolve(properties["Timeout"])),
        memory_mb=int(resolver.resolve(properties["MemorySize"])),
    )


def _with_secrets(given: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        secret = name.removesuffix(_PARAMETER).removesuffix(_ARN)
        if secret not in SECRETS or secret == name:
            yield name, str(value)
        elif secret in values:
            yield secret, values[secret]
