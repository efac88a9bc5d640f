"""The way back to the deployment before the last one, with a Lambda and a CloudFormation over HTTP."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zipfile import ZipFile

import boto3  # type: ignore[import-untyped]  # it has no types
import pytest
from moto.server import ThreadedMotoServer

from tests.support.lambda_functions import ROOT, measured

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}


class Deployed:
    """A stack with two functions in AWS."""

    def __init__(self, url: str) -> None:
        self._url = url
        # What moto keeps belongs to the whole process.
        self.stack = f"imbi-assistant-{uuid4().hex}"
        self.names = [f"{self.stack}-{letter}" for letter in "ab"]
        session = boto3.Session("testing", "testing", region_name=REGION)
        self.functions = session.client("lambda", endpoint_url=url)
        role = session.client("iam", endpoint_url=url).create_role(RoleName=self.stack, AssumeRolePolicyDocument="{}")
        self._role = role["Role"]["Arn"]
        kind = "AWS::Lambda::Function"
        resources = {
            letter: {"Type": kind, "Properties": self._properties(name)}
            for letter, name in zip("AB", self.names, strict=True)
        }
        session.client("cloudformation", endpoint_url=url).create_stack(
            StackName=self.stack, TemplateBody=json.dumps({"Resources": resources})
        )

    def _properties(self, name: str) -> dict[str, Any]:
        code = {"ZipFile": "def handler(event, context): return 1"}
        properties = {"FunctionName": name, "Handler": "index.handler", "Runtime": "python3.13", "Role": self._role}
        return properties | {"Code": code}

    def deploy(self, release: str) -> None:
        """Publish a version of the functions and let it answer, as a deployment does."""
        variables = {"Variables": {"RELEASE": release}}
        for name in self.names:
            self.functions.update_function_code(FunctionName=name, ZipFile=zipped(release))
            self.functions.update_function_configuration(FunctionName=name, Environment=variables)
            version = self.functions.publish_version(FunctionName=name)["Version"]
            try:
                self.functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
            except self.functions.exceptions.ResourceNotFoundException:
                self.functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def live(self) -> list[str]:
        """Return the versions that answer."""
        return [self.functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"] for name in self.names]

    def roll_back(self, stack: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        return subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-m", "layer.rollback", "--stack-name", stack or self.stack],
            cwd=ROOT,
            env=measured() | CREDENTIALS | {"AWS_ENDPOINT_URL": self._url},
            capture_output=True,
            text=True,
            check=False,
        )


def zipped(content: str) -> bytes:
    """Return a package with a file of this content."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as file:
        file.writestr("index.py", content)
    return buffer.getvalue()


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Deployed(f"http://{host}:{port}")
    server.stop()


@pytest.mark.proves("package.rollback")
def test_all_functions_of_the_last_deployment_move_back_together(deployed: Deployed) -> None:
    deployed.deploy("1")
    only = deployed.roll_back()
    assert (only.returncode, "has an earlier version" in only.stderr) == (1, True), only.stderr
    deployed.deploy("2")
    deployed.deploy("3")
    assert deployed.live() == ["3", "3"]
    back = deployed.roll_back()
    assert (back.returncode, back.stdout.splitlines()) == (0, [f"{name}: 3 -> 2" for name in deployed.names])
    assert deployed.live() == ["2", "2"]


@pytest.mark.proves("package.rollback")
def test_a_rollback_that_was_interrupted_is_completed_by_the_next_one(deployed: Deployed) -> None:
    for release in "123":
        deployed.deploy(release)
    first, second = deployed.names
    deployed.functions.update_alias(FunctionName=first, Name="live", FunctionVersion="2")
    assert deployed.roll_back().stdout == f"{second}: 3 -> 2\n"
    assert deployed.live() == ["2", "2"]


@pytest.mark.proves("package.rollback")
def test_nothing_moves_while_a_deployment_is_running(deployed: Deployed) -> None:
    for release in "12":
        deployed.deploy(release)
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    name = deployed.names[1]
    deployed.functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2", RoutingConfig=weights)
    refused = deployed.roll_back()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"A deployment of {name} is running" in refused.stderr
    assert deployed.live() == ["2", "2"]


@pytest.mark.proves("package.rollback")
def test_a_stack_that_does_not_exist_is_named_in_one_line(deployed: Deployed) -> None:
    refused = deployed.roll_back("nowhere")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert "nowhere" in refused.stderr
