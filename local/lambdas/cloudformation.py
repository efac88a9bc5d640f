"""CloudFormation templates as plain data, and the intrinsic functions that this project's template uses.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Expression: TypeAlias = Any
"""A part of a template: plain data in which intrinsic functions are dictionaries with one key."""
_VARIABLE = re.compile(r"\$\{([^}!]+)\}")
_LONG = frozenset({"Sub", "GetAtt", "If", "Equals", "Not", "And", "Or", "Join", "Split", "Select", "FindInMap"})
_NO_VALUE = object()
"""What `AWS::NoValue` means: the property or the item is left out."""


class _Loader(yaml.CSafeLoader):
    """A loader that reads `!Ref X` as `{"Ref": "X"}`, and the other short forms in the same way."""


def _intrinsic(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TypeError(f"a YAML node of an unknown kind: {node!r}")
    return {suffix: value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def read_template(path: Path) -> dict[str, Any]:
    """Read a template in YAML; all callers get the same object."""
    return parse_template(path.read_text(encoding="utf-8"))


def parse_template(text: str) -> dict[str, Any]:
    """Read the text of a template."""
    read = yaml.load(text, _Loader)  # noqa: S506  # a safe loader with tags
    if not isinstance(read, dict):
        raise TypeError("the text is no template")
    return read


def long_form(expression: Expression) -> Expression:
    """Return an expression with the long names of its functions, which YAML without tags needs: `Fn::Sub`."""
    if isinstance(expression, list):
        return [long_form(each) for each in expression]
    if not isinstance(expression, dict):
        return expression
    return {f"Fn::{name}" if name in _LONG else name: long_form(each) for name, each in expression.items()}


class Resolver:
    """The values of a template's expressions for given parameters.

    A reference to a resource becomes its name, because there are no resources here.
    """

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        """Take the parameters that differ from their defaults. A parameter without a value is empty."""
        defaults = {name: each.get("Default", "") for name, each in template.get("Parameters", {}).items()}
        self._parameters: dict[str, Any] = {**defaults, **parameters}
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Sub": lambda text: _VARIABLE.sub(lambda found: str(self._ref(found[1])), text),
            "GetAtt": lambda name: name,
            "If": self._if,
            "Condition": self._condition,
            "Equals": lambda pair: str(self._value(pair[0])) == str(self._value(pair[1])),
            "Not": lambda condition: not self._value(condition[0]),
            "And": lambda conditions: all(map(self._value, conditions)),
            "Or": lambda conditions: any(map(self._value, conditions)),
            "Join": self._join,
            "Split": lambda pair: str(self._value(pair[1])).split(pair[0]),
            "Select": lambda pair: self._value(pair[1])[int(pair[0])],
        }

    def resolve(self, expression: Expression) -> Expression:
        """Return the value of an expression; an expression without a value is None."""
        value = self._value(expression)
        return None if value is _NO_VALUE else value

    def _value(self, node: Expression) -> Expression:
        if isinstance(node, list):
            return [value for each in node if (value := self._value(each)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            if name in self._functions:
                return self._functions[name](argument)
        values = {name: self._value(each) for name, each in node.items()}
        return {name: value for name, value in values.items() if value is not _NO_VALUE}

    def _ref(self, name: str) -> Expression:
        return _NO_VALUE if name == "AWS::NoValue" else self._parameters.get(name, name)

    def _if(self, arguments: list[Any]) -> Expression:
        condition, then, otherwise = arguments
        return self._value(then if self._condition(condition) else otherwise)

    def _condition(self, name: str) -> bool:
        return bool(self._value(self._conditions[name]))

    def _join(self, arguments: list[Any]) -> str:
        separator, parts = arguments[0], self._value(arguments[1])
        return str(separator).join(map(str, parts if isinstance(parts, list) else [parts]))
