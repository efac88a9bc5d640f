"""The output of `make build`, and each of its routes under Lambda's own runtime."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.support.lambda_events import function_url_event, rest_api_event
from tests.support.lambda_functions import ROOT, SAM, Artifacts, Emulated
from tests.support.sam_template import functions, parsed, routes
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.lambda_events import Event
    from tests.support.service import Service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MOST_BYTES = 200_000_000
WITHOUT_FUNCTION = {"__init__", "livez", "metrics"}
"""Lambda watches its processes itself, and CloudWatch sums their metrics."""
ROUTES = sorted(file.stem for file in (ROOT / "functions").glob("*.py") if file.stem not in WITHOUT_FUNCTION)
HANDLERS = functions()


@pytest.mark.proves("package.routes")
def test_every_route_has_a_function_of_its_own(artifacts: Artifacts) -> None:
    assert sorted(handler.split(".")[1] for handler in HANDLERS.values()) == ROUTES
    for name, handler in HANDLERS.items():
        files = {
            str(file.relative_to(artifacts.directory / name)) for file in (artifacts.directory / name).rglob("*.py")
        }
        assert files == {"functions/__init__.py", f"functions/{handler.split('.')[1]}.py"}


@pytest.mark.proves("package.contents")
def test_the_package_is_small_and_has_nothing_of_a_developers_machine(artifacts: Artifacts) -> None:
    files = [file for file in artifacts.directory.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in artifacts.layer.rglob("*") if file.is_file()) < MOST_BYTES
    tops = {path.name for path in (artifacts.layer / "python").iterdir()}
    assert "shared" in tops
    assert not tops & {"local", "tests", "bench", "boto3", "botocore", "uvloop", "cli.py", "local_server.py"}
    assert not [file for file in files if file.name == ".env"]
    ours = {str(file.relative_to(ROOT)) for file in (ROOT / "shared").rglob("*") if file.suffix in {".py", ".md"}}
    assert ours == {
        str(file.relative_to(artifacts.layer / "python"))
        for file in (artifacts.layer / "python" / "shared").rglob("*")
        if file.suffix in {".py", ".md"}
    }
    assert list((artifacts.layer / "python").glob("shared/__pycache__/*.pyc"))


@pytest.mark.proves("package.sealed")
def test_the_built_template_has_its_target_and_its_release(artifacts: Artifacts) -> None:
    built = parsed((artifacts.directory / "template.yaml").read_text())
    for name in ("PythonVersion", "Architecture"):
        parameter = built["Parameters"][name]
        assert parameter["AllowedValues"] == [parameter["Default"]]
    release = built["Globals"]["Function"]["Environment"]["Variables"]["RELEASE"]
    assert re.fullmatch(r"\d{8}T\d{6}Z", release)


def transformed(template: Path, layer: str, *parameters: str) -> dict[str, Any]:
    """Return the resources that CloudFormation makes of a template."""
    command = [str(SAM / "bin" / "python"), "-m", "tests.support.sam_transform", str(template), layer, *parameters]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # our own module
    assert run.returncode == 0, run.stderr
    resources: dict[str, Any] = json.loads(run.stdout)["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> set[str]:
    return {name for name, resource in resources.items() if resource["Type"] == kind}


@pytest.mark.proves("package.sealed", "template.canary")
def test_each_deployment_publishes_versions_and_moves_requests_as_chosen(artifacts: Artifacts, tmp_path: Path) -> None:
    template = artifacts.directory / "template.yaml"
    released = tmp_path / "template.yaml"
    released.write_text(re.sub("RELEASE: .*", "RELEASE: '20000101T000000Z'", template.read_text()))
    deployments = [
        transformed(template, "one"),
        transformed(template, "two"),
        transformed(released, "one", "Deployment=AllAtOnce", "Origin=api-gateway"),
    ]
    versions = [of_type(resources, "AWS::Lambda::Version") for resources in deployments]
    assert [len(each) for each in versions] == [len(HANDLERS)] * len(deployments)
    assert len(set.union(*versions)) == len(HANDLERS) * len(deployments), "a deployment without new versions"
    groups = [len(of_type(resources, "AWS::CodeDeploy::DeploymentGroup")) for resources in deployments]
    assert groups == [len(routes()), len(routes()), 0]
    aliases = of_type(deployments[0], "AWS::Lambda::Alias")
    assert {f"{name}Aliaslive" for name in HANDLERS} == aliases
    schedule = deployments[0]["ApplyRetentionSchedule"]["Properties"]
    assert schedule["Target"]["Arn"] == {"Ref": "ApplyRetentionAliaslive"}
    assert "Name" not in schedule


async def answered(artifacts: Artifacts, name: str, event: Event, variables: dict[str, str]) -> dict[str, Any]:
    with Emulated(artifacts, name, HANDLERS[name], variables) as function:
        first = await function.invoke(event)
        assert isinstance(first, dict)
        return first


def authorized(**headers: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token_of(DEVELOPER)}", "content-type": "application/json", **headers}


@pytest.mark.proves("package.buffered")
async def test_every_buffered_route_answers_under_the_emulator(
    artifacts: Artifacts, function_variables: dict[str, str], service: Service
) -> None:
    """The same requests to the functions and to the service under uvicorn: what one writes the other reads."""
    variables = {**function_variables, "IMBI_ASSISTANT_URL": "https://imbi.example.com/assistant"}
    headers = authorized()

    def request(method: str, path: str, **rest: Any) -> Event:
        return function_url_event(method, f"/assistant{path}", headers=headers, **rest)

    created = await answered(artifacts, "CreateConversation", request("POST", "/conversations", body="{}"), variables)
    assert created["statusCode"] == 201
    conversation = json.loads(created["body"])
    path = f"/conversations/{UUID(conversation['id'])}"
    async with service.client(DEVELOPER) as client:
        whole = await client.get(conversation["id"])
        assert {**conversation, "messages": [], "approval": None} == whole

        listed = await answered(
            artifacts, "ListConversations", request("GET", "/conversations", query="limit=1"), variables
        )
        assert json.loads(listed["body"]) == await client.list(limit=1) == [conversation]

        patch = request("PATCH", path, body=b'{"title": "Gr\xc3\xbc\xc3\x9fe"}')
        updated = await answered(artifacts, "UpdateConversation", patch, variables)
        assert json.loads(updated["body"])["title"] == "Grüße"

        read = await answered(artifacts, "GetConversation", request("GET", path), variables)
        assert json.loads(read["body"]) == await client.get(conversation["id"])

        stopped = await answered(artifacts, "StopAnswer", request("POST", f"{path}/stop"), variables)
        assert stopped["statusCode"] == 204

        deleted = await answered(artifacts, "DeleteConversation", request("DELETE", path), variables)
        assert (deleted["statusCode"], deleted["body"]) == (204, "")
        assert (await client.http.get(path)).status_code == 404


@pytest.mark.proves("package.buffered")
async def test_the_status_answers_with_no_secret_but_the_databases(
    artifacts: Artifacts, function_variables: dict[str, str]
) -> None:
    variables = {
        name: value
        for name, value in function_variables.items()
        if name in {"ENVIRONMENT", "POSTGRES_URL", "POSTGRES_GRAPH_NAME"}
    } | {"IMBI_ASSISTANT_URL": "/assistant"}
    with Emulated(artifacts, "Status", HANDLERS["Status"], variables) as function:
        for event in (function_url_event("GET", "/status"), rest_api_event("GET", "/assistant/status")):
            answer = await function.invoke(event)
            status = json.loads(answer["body"])
            assert (answer["statusCode"], status["status"], status["environment"]) == (200, "ok", "production")
            assert status["version"] != "0"


@pytest.mark.proves("package.buffered")
async def test_an_environment_creates_its_services_once(
    artifacts: Artifacts, function_variables: dict[str, str]
) -> None:
    event = function_url_event("GET", "/conversations", headers=authorized())
    with Emulated(artifacts, "ListConversations", HANDLERS["ListConversations"], function_variables) as function:
        for _ in range(3):
            assert (await function.invoke(event))["statusCode"] == 200
        refused = await function.invoke(function_url_event("GET", "/conversations"))
        assert refused["statusCode"] == 401
        assert refused["headers"]["www-authenticate"] == "Bearer"
        status = await function.invoke(function_url_event("GET", "/nothing"))
        assert status["statusCode"] == 404


@pytest.mark.proves("package.settings")
async def test_settings_that_are_wrong_are_named_in_the_error(artifacts: Artifacts) -> None:
    with Emulated(
        artifacts, "ListConversations", HANDLERS["ListConversations"], {"ENVIRONMENT": "production"}
    ) as function:
        failed = await function.invoke(function_url_event("GET", "/conversations"))
        assert failed["statusCode"] == 500
        assert "POSTGRES_URL is not set." in function.process.output
        assert "IMBI_AUTH_JWT_SECRET is not set." in function.process.output
