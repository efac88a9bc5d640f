"""Takes the last deployment of the Lambda package back: the functions answer with the version before it.

    .sam/bin/python -m layer.rollback [--stack-name NAME] [--region REGION]

Each deployment publishes a version of every function, and the alias `live` leads to one of them. This moves the aliases
of the newest release to the version before it. If it fails in between, it can be repeated: functions that have been
moved stay where they are.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3  # type: ignore[import-untyped]  # it has no types
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # the same

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIGURATION = Path(__file__).parent.parent / "samconfig.toml"
ALIAS = "live"


class NotPossible(Exception):
    """Nothing can be rolled back now; the message says why."""


@dataclass(frozen=True, slots=True)
class Live:
    """A function, the version that answers, and what is needed to change this."""

    name: str
    version: int
    release: str
    revision: str


class Stack:
    """The functions of a CloudFormation stack."""

    def __init__(self, name: str, session: boto3.Session) -> None:
        """Take the stack's name, and a session of boto3."""
        self._name = name
        self._stacks = session.client("cloudformation")
        self._functions = session.client("lambda")

    def roll_back(self) -> list[str]:
        """Move all functions of the newest release to the version before it; returns a line for each.

        Raises:
            NotPossible: a deployment is running, or there is no earlier version.
            ClientError, BotoCoreError: AWS refuses a request, or cannot be reached.
        """
        status = self._stacks.describe_stacks(StackName=self._name)["Stacks"][0]["StackStatus"]
        if status.endswith("_IN_PROGRESS"):
            raise NotPossible(f"{self._name} is being changed ({status}). Cancel this first.")
        functions = [self._live(name) for name in self._names()]
        newest = max((function.release for function in functions), default="")
        moves = [(function, self._before(function)) for function in functions if function.release == newest]
        if not any(target for _, target in moves):
            raise NotPossible(f"No function of {self._name} has an earlier version.")
        return [self._move(function, target) for function, target in moves]

    def _names(self) -> list[str]:
        pages = self._stacks.get_paginator("list_stack_resources").paginate(StackName=self._name)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return [
            resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] == "AWS::Lambda::Function"
        ]

    def _live(self, name: str) -> Live:
        alias = self._functions.get_alias(FunctionName=name, Name=ALIAS)
        if alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
            raise NotPossible(f"A deployment of {name} is running. Stop it in CodeDeploy, which rolls it back.")
        configuration = self._functions.get_function_configuration(FunctionName=name, Qualifier=ALIAS)
        release = configuration.get("Environment", {}).get("Variables", {}).get("RELEASE", "")
        return Live(name, int(alias["FunctionVersion"]), release, alias["RevisionId"])

    def _before(self, function: Live) -> int | None:
        pages = self._functions.get_paginator("list_versions_by_function").paginate(FunctionName=function.name)
        numbers = [each["Version"] for page in pages for each in page["Versions"]]
        earlier = [int(number) for number in numbers if number.isdigit() and int(number) < function.version]
        return max(earlier, default=None)

    def _move(self, function: Live, target: int | None) -> str:
        if target is None:
            return f"{function.name}: {function.version} stays, because it is the first version"
        self._functions.update_alias(
            FunctionName=function.name, Name=ALIAS, FunctionVersion=str(target), RevisionId=function.revision
        )
        return f"{function.name}: {function.version} -> {target}"


def main(arguments: Sequence[str]) -> int:
    """Roll back, print a line for each function, and return the exit status."""
    configured = _configured()
    parser = argparse.ArgumentParser(prog="make rollback", description="Take the last deployment back.")
    parser.add_argument("--stack-name", default=configured.get("stack_name"), help="default: %(default)s")
    parser.add_argument("--region", default=configured.get("region"), help="default: that of AWS's configuration")
    parser.add_argument("--profile", default=configured.get("profile"), help="a profile of AWS's configuration")
    options = parser.parse_args(arguments)
    try:
        session = boto3.Session(region_name=options.region, profile_name=options.profile)
        for line in Stack(options.stack_name, session).roll_back():
            sys.stdout.write(f"{line}\n")
    except (NotPossible, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _configured() -> dict[str, str]:
    """Return the parameters of deployments that samconfig.toml has, those of `sam deploy` before the common ones."""
    default = tomllib.loads(CONFIGURATION.read_text("utf-8"))["default"]
    return {**default.get("global", {}).get("parameters", {}), **default.get("deploy", {}).get("parameters", {})}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
