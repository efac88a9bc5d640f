"""The variables and permissions that the template gives to each function."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from local.node import set_up_node
from shared.http.origin import HEADER
from tests.support.lambda_functions import ROOT
from tests.support.sam_template import functions, routes, template

TEMPLATE = template()
RESOURCES = TEMPLATE["Resources"]
STREAMED = {"SendMessage", "DecideApproval"}
KEYS = ("ANTHROPIC_API_KEY", "IMBI_CONFIG_ENCRYPTION_KEY")


def environment(name: str) -> set[str]:
    common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    own = RESOURCES[name]["Properties"].get("Environment", {"Variables": {}})["Variables"]
    return {*common, *own}


def statements(function: str) -> str:
    """Return everything that a function's role allows, as text."""
    role = RESOURCES[function]["Properties"]["Role"]["GetAtt"].split(".")[0]
    return json.dumps(RESOURCES[role]["Properties"])


@pytest.mark.proves("template.least-privilege")
@pytest.mark.parametrize("name", sorted(routes()))
def test_a_function_has_only_what_its_route_needs(name: str) -> None:
    has_model = name in STREAMED
    for key in KEYS:
        assert any(variable.startswith(key) for variable in environment(name)) is has_model
    assert ("AnthropicApiKey" in statements(name)) is has_model
    assert any(variable.startswith("IMBI_AUTH_JWT_SECRET") for variable in environment(name)) is (name != "Status")
    assert ("JwtSecret" in statements(name)) is (name != "Status")
    assert '"Resource": "*"' not in statements(name)


@pytest.mark.proves("template.streams")
def test_the_answers_and_the_export_and_nothing_else_are_streamed() -> None:
    streamed = STREAMED | {"ExportConversation", "StreamAnswer"}
    modes = {name: RESOURCES[f"{name}Url"]["Properties"]["InvokeMode"] for name in routes()}
    assert {name for name, mode in modes.items() if mode == "RESPONSE_STREAM"} == streamed
    wrapped = {name for name in functions() if "AWS_LAMBDA_EXEC_WRAPPER" in environment(name)}
    assert wrapped == streamed
    operations = RESOURCES["RestApi"]["Properties"]["DefinitionBody"]["paths"]
    for path in ("messages", "approvals/{approval_id}"):
        integration = operations[f"/conversations/{{id}}/{path}"]["post"]["x-amazon-apigateway-integration"]
        assert integration["responseTransferMode"] == "STREAM"
        assert integration["uri"]["Sub"].endswith("/response-streaming-invocations")


@pytest.mark.proves("template.alarms")
@pytest.mark.parametrize("name", sorted(routes()))
def test_errors_throttles_and_server_errors_of_every_function_raise_an_alarm(name: str) -> None:
    for suffix, metric in (("Errors", "Errors"), ("Throttles", "Throttles"), ("Url5xx", "Url5xxCount")):
        alarm = RESOURCES[f"{name}{suffix}"]["Properties"]
        assert alarm["MetricName"] == metric
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]


@pytest.mark.proves("template.alarms")
def test_server_errors_of_the_api_raise_an_alarm() -> None:
    alarm = RESOURCES["ApiErrors"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", "5XXError")
    assert alarm["Dimensions"] == [{"Name": "ApiName", "Value": RESOURCES["RestApi"]["Properties"]["Name"]}]


@pytest.mark.proves("template.limits")
def test_concurrency_and_rates_are_finite_by_default() -> None:
    parameters = TEMPLATE["Parameters"]
    for name in ("ReservedConcurrency", "ChatReservedConcurrency", "ApiRateLimit", "ApiBurstLimit"):
        assert parameters[name]["Default"] > 0
    assert {"Ref": "ReservedConcurrency"} in TEMPLATE["Globals"]["Function"]["ReservedConcurrentExecutions"]["If"]
    for name in routes():
        own = RESOURCES[name]["Properties"]
        is_long = own.get("Timeout") == {"Ref": "ChatTimeout"}
        reserved = own.get("ReservedConcurrentExecutions", {"If": []})["If"]
        assert ({"Ref": "ChatReservedConcurrency"} in reserved) is is_long
    settings = RESOURCES["RestApi"]["Properties"]["MethodSettings"][0]
    assert settings["ThrottlingRateLimit"] == {"Ref": "ApiRateLimit"}


@pytest.mark.proves("template.secrets")
def test_a_role_may_read_a_secret_that_is_named_by_arn_or_by_name() -> None:
    for name in routes():
        allowed = statements(name)
        for parameter in (each for each in TEMPLATE["Parameters"] if each.endswith("SecretArn")):
            if parameter in allowed:
                assert f'{{"Select": [0, {{"Split": ["#", {{"Ref": "{parameter}"}}]}}]}}' in allowed
                assert ":secret:${Name}-??????" in allowed


CHOOSE = """
let chosen = null;
const cf = {selectRequestOriginById: (id) => { chosen = id; }};
%s
const answers = %s.map(([method, uri]) => {
  chosen = null;
  const headers = method === 'PREFLIGHT' ? {'access-control-request-method': {value: 'POST'}} : {};
  const answer = handler({request: {method: method === 'PREFLIGHT' ? 'OPTIONS' : method, uri, headers}});
  return chosen || answer.statusCode;
});
console.log(JSON.stringify(answers));
"""


@pytest.mark.proves("template.one-origin")
def test_cloudfront_sends_every_route_to_its_function() -> None:
    code = RESOURCES["ChooseOrigin"]["Properties"]["FunctionCode"].replace("import cf from 'cloudfront';", "")
    cases: list[tuple[str, str, Any]] = [
        ("GET", "/status", "Status"),
        ("GET", "/assistant/status", "Status"),
        ("POST", "/assistant/conversations", "CreateConversation"),
        ("GET", "/assistant/conversations", "ListConversations"),
        ("GET", "/conversations/1", "GetConversation"),
        ("GET", "/conversations/1/export", "ExportConversation"),
        ("PATCH", "/conversations/1", "UpdateConversation"),
        ("DELETE", "/conversations/1", "DeleteConversation"),
        ("POST", "/conversations/1/messages", "SendMessage"),
        ("POST", "/conversations/1/approvals/2", "DecideApproval"),
        ("POST", "/conversations/1/stop", "StopAnswer"),
        ("GET", "/conversations/1/stream", "StreamAnswer"),
        ("PUT", "/assistant/conversations/1/messages/2/feedback", "PutFeedback"),
        ("DELETE", "/conversations/1/messages/2/feedback", "DeleteFeedback"),
        ("GET", "/assistant/feedback", "ReadFeedback"),
        ("GET", "/assistant/audit", "ReadAudit"),
        ("HEAD", "/conversations", "ListConversations"),
        ("HEAD", "/conversations/1/export", "ExportConversation"),
        ("OPTIONS", "/conversations/1", 204),
        ("PREFLIGHT", "/conversations/1", "Status"),
        ("PREFLIGHT", "/elsewhere", 404),
        ("GET", "/assistant/usage", "ReadUsage"),
        ("DELETE", "/assistant/users/ada@example.com/conversations", "EraseUser"),
        ("PUT", "/conversations/1", 405),
        ("GET", "/elsewhere", 404),
    ]
    script = CHOOSE % (code, json.dumps([case[:2] for case in cases]))
    node = set_up_node(lambda _line: None)
    run = subprocess.run([node.executable, "-e", script], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # the project's Node
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [case[2] for case in cases]
    origins = {origin["Id"] for origin in RESOURCES["Distribution"]["Properties"]["DistributionConfig"]["Origins"]}
    assert origins == set(routes())


@pytest.mark.proves("template.retention")
def test_a_schedule_invokes_the_function_that_deletes_old_data() -> None:
    assert functions().keys() - routes().keys() == {"ApplyRetention"}
    function = RESOURCES["ApplyRetention"]
    assert function["Condition"] == "HasRetention"
    schedule = function["Properties"]["Events"]["Schedule"]
    assert (schedule["Type"], schedule["Properties"]["OmitName"]) == ("ScheduleV2", True)
    allowed = statements("ApplyRetention")
    assert "RetentionPostgresUrlSecretArn" in allowed
    assert not [secret for secret in ("Jwt", "Anthropic", "EncryptionKey", "OriginSecret") if secret in allowed]
    assert '"Resource": "*"' not in allowed
    removed = function["Properties"]["Environment"]["Variables"]["IMBI_ASSISTANT_ORIGIN_SECRET_SECRET_ARN"]
    assert removed == {"Ref": "AWS::NoValue"}
    assert not [name for name in environment("ApplyRetention") if name.startswith(("IMBI_AUTH", *KEYS))]
    for suffix in ("Errors", "Throttles"):
        assert RESOURCES[f"ApplyRetention{suffix}"]["Properties"]["Threshold"] == 1


@pytest.mark.proves("template.front-door")
def test_with_one_origin_there_is_no_other_way_in() -> None:
    for name in routes():
        assert "FunctionUrlConfig" not in RESOURCES[name]["Properties"]
        for suffix in ("Url", "UrlPublicPermissions", "URLInvokeAllowPublicAccess", "Url5xx"):
            assert RESOURCES[f"{name}{suffix}"]["Condition"] == "HasUrls"
    assert TEMPLATE["Conditions"]["HasUrls"] == {"Not": [{"Condition": "HasApiGateway"}]}
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    accepted = variables["IMBI_ASSISTANT_ORIGIN_SECRET_SECRET_ARN"]["If"]
    assert accepted[:2] == ["HasCloudFront", {"Sub": "${OriginSecretA},${OriginSecretB}"}]
    for origin in RESOURCES["Distribution"]["Properties"]["DistributionConfig"]["Origins"]:
        [header] = origin["OriginCustomHeaders"]
        assert header["HeaderName"] == HEADER
        assert [each["Sub"] for each in header["HeaderValue"]["If"][1:]] == [
            f"{{{{resolve:secretsmanager:${{OriginSecret{letter}}}:SecretString}}}}" for letter in "AB"
        ]
    for role in ("StatusRole", "DataRole", "ChatRole"):
        assert '"Resource": [{"Ref": "OriginSecretA"}, {"Ref": "OriginSecretB"}]' in json.dumps(RESOURCES[role])


@pytest.mark.proves("template.front-door")
def test_the_api_answers_head_and_options_where_the_service_does() -> None:
    paths = RESOURCES["RestApi"]["Properties"]["DefinitionBody"]["paths"]
    for path, operations in paths.items():
        assert "StatusAliaslive" in json.dumps(operations["options"]), path
        assert operations.get("head") == operations.get("get"), path
    allowed = {
        RESOURCES[name]["Properties"]["SourceArn"]["Sub"].partition("${RestApi}/*/")[2]
        for name in RESOURCES
        if name.endswith("FromApi")
    }
    for path, operations in paths.items():
        pattern = re.sub(r"{\w+}", "*", path.removeprefix("/"))
        for method in operations.keys() - {"parameters", "options"}:
            assert {f"{method.upper()}/{pattern}", f"*/{pattern}"} & allowed, (method, path)
    assert "OPTIONS/*" in allowed


@pytest.mark.proves("template.canary")
@pytest.mark.parametrize("name", sorted(routes()))
def test_a_new_version_is_taken_back_if_an_alarm_of_its_function_rings(name: str) -> None:
    preference = TEMPLATE["Globals"]["Function"]["DeploymentPreference"]
    assert preference["Type"] == {"Ref": "Deployment"}
    kinds = TEMPLATE["Mappings"]["Deployments"]
    assert set(kinds) == set(TEMPLATE["Parameters"]["Deployment"]["AllowedValues"])
    assert [kind for kind in kinds if not kinds[kind]["Enabled"]] == ["AllAtOnce"]
    alarms = RESOURCES[name]["Properties"]["DeploymentPreference"]["Alarms"]
    expected = [{"Ref": f"{name}Errors"}, {"If": ["HasUrls", {"Ref": f"{name}Url5xx"}, {"Ref": "ApiErrors"}]}]
    assert alarms == expected + [{"Ref": "FailedAnswers"}] * (name in STREAMED)


@pytest.mark.proves("template.events")
def test_every_function_has_an_event_to_try_it_with() -> None:
    assert {file.stem for file in (ROOT / "events").glob("*.json")} == {
        handler.split(".")[1] for handler in functions().values()
    }


@pytest.mark.proves("package.routes")
def test_every_function_is_packed_with_its_own_route() -> None:
    rules = (ROOT / "functions" / "Makefile").read_text()
    for name, handler in functions().items():
        route = handler.split(".")[1]
        assert f"build-{name}:\n\t$(call package,{route})\n" in rules, name
