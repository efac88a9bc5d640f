"""The template for SAM's local commands, and SAM's own classes on it. SAM itself would run the functions in Docker."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local.lambdas.functions import functions
from local.lambdas.sam_template import TARGET, as_text, local_template
from tests.support.lambda_functions import ROOT, SAM
from tests.support.sam_template import template
from tests.support.service import DEVELOPER, JWT_SECRET, token_of

if TYPE_CHECKING:
    from tests.support.database import Database

PLAIN = {each.name: each for each in functions({}) if not each.streams}

RUN_API = """
import json, logging, subprocess, sys
logging.disable(logging.CRITICAL)
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.local.apigw.local_apigw_service import LocalApigwService

template, python, parameters, requests = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
[*stacks], _ = SamLocalStackProvider.get_stacks(template, parameter_overrides=parameters)
functions = {each.name: each for each in SamFunctionProvider(stacks, use_raw_codeuri=True).get_all()}

class Runner:
    # Instead of Docker: the function's handler in a process with its variables.
    def is_debugging(self):
        return False

    def invoke(self, name, event, stdout, **_):
        module, _, handler = functions[name].handler.rpartition(".")
        call = (
            "import json, sys, time; from types import SimpleNamespace; "
            f"from {module} import {handler} as handle; "
            "context = SimpleNamespace(aws_request_id='1', get_remaining_time_in_millis=lambda: 15000); "
            "print(json.dumps(handle(json.load(sys.stdin), context)))"
        )
        variables = functions[name].environment["Variables"]
        run = subprocess.run([python, "-c", call], input=event.encode(), stdout=subprocess.PIPE, check=True,
                             env={k: str(v) for k, v in variables.items()})
        stdout.write_str(run.stdout.decode())

api = ApiProvider(stacks, cwd=".").api
service = LocalApigwService(api, Runner())
service.create()
client = service._app.test_client()
responses = [client.open(path, method=method, headers=headers) for method, path, headers in requests]
print(json.dumps({
    "routes": sorted([method, route.path, route.function_name] for route in api.routes for method in route.methods),
    "handlers": {name: each.handler for name, each in functions.items()},
    "responses": [[each.status_code, each.get_json()] for each in responses],
}))
"""


@pytest.mark.proves("lambda-local.sam")
def test_the_local_template_is_made_from_the_deployed_one() -> None:
    assert TARGET.read_text() == as_text(local_template(template())), "run `make template-local`"


@pytest.mark.proves("lambda-local.sam")
def test_the_local_template_has_the_plain_routes_with_plain_variables() -> None:
    made = local_template(template())
    assert made["Resources"].keys() - {"SharedLayer"} == PLAIN.keys()
    common: dict[str, Any] = made["Globals"]["Function"]["Environment"]["Variables"]
    assert common["POSTGRES_URL"] == {"Ref": "PostgresUrl"}
    for name in PLAIN:
        variables = common | made["Resources"][name]["Properties"]["Environment"]["Variables"]
        assert all(isinstance(value, str) or value.keys() == {"Ref"} for value in variables.values())
        assert ("IMBI_AUTH_JWT_SECRET" in variables) is (name != "Status")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.proves("lambda-local.sam")
def test_sams_own_classes_find_and_serve_each_plain_route(database: Database) -> None:
    subprocess.run(["make", ".sam/.installed"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607  # the make of this machine
    parameters = {"PostgresUrl": database.dsn, "JwtSecret": JWT_SECRET, "GraphName": database.graph_name}
    bearer = {"Authorization": f"Bearer {token_of(DEVELOPER)}"}
    requests = [("GET", "/status", {}), ("GET", "/conversations?limit=1", bearer), ("GET", "/conversations", {})]
    arguments = [str(TARGET), sys.executable, json.dumps(parameters), json.dumps(requests)]
    run = subprocess.run(  # noqa: S603  # our own program
        [SAM / "bin" / "python", "-c", RUN_API, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["handlers"] == {name: each.handler for name, each in PLAIN.items()}
    assert told["routes"] == sorted([each.method, each.path, name] for name, each in PLAIN.items())
    assert [status for status, _ in told["responses"]] == [200, 200, 401]
    assert told["responses"][0][1]["status"] == "ok"
