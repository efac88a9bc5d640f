"""Secrets by reference, read from a Secrets Manager and an SSM over HTTP, and their failures."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import boto3  # type: ignore[import-untyped]  # it has no types
import pytest
from moto.server import ThreadedMotoServer

from shared.aws.secrets import MAX_AGE, SECRETS, Secrets
from shared.domain.errors import SettingsError
from tests.support.clock import Clock
from tests.support.lambda_events import function_url_event
from tests.support.lambda_functions import ROOT, Emulated, measured
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.lambda_functions import Artifacts

CLOSED = "http://127.0.0.1:9"
"""Nobody listens on this port."""

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}


class Aws:
    """What AWS keeps."""

    def __init__(self, url: str) -> None:
        self.url = url
        session = boto3.Session("testing", "testing", region_name=REGION)
        self._secrets = session.client("secretsmanager", endpoint_url=url)
        self._parameters = session.client("ssm", endpoint_url=url)

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables that lead a process to this server."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url}

    def secret(self, name: str, value: str) -> str:
        arn: str = self._secrets.create_secret(Name=name, SecretString=value)["ARN"]
        return arn

    def rotate(self, arn: str, value: str) -> None:
        self._secrets.put_secret_value(SecretId=arn, SecretString=value)

    def parameter(self, name: str, value: str) -> str:
        self._parameters.put_parameter(Name=name, Value=value, Type="SecureString")
        return name


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Aws(f"http://{host}:{port}")
    server.stop()


class CountingStore:
    """A store of secrets that counts its reads and can fail."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.reads = 0

    def secret(self, name: str) -> str:
        self.reads += 1
        if name not in self.values:
            raise SettingsError([f"{name} is not there."])
        return self.values[name]

    def parameter(self, name: str) -> str:
        return self.secret(name)


@pytest.mark.proves("secrets.references")
def test_references_are_replaced_by_their_values() -> None:
    store = CountingStore(database='{"dsn": "postgresql://x", "port": 5432}', key="k")
    variables = {
        "POSTGRES_URL_SECRET_ARN": "database#dsn",
        "SENTRY_DSN_SECRET_ARN": "database#port",
        "ANTHROPIC_API_KEY_PARAMETER": "key",
        "ENVIRONMENT": "production",
        "OTHER_PARAMETER": "stays",
    }
    assert Secrets(variables, lambda: store).variables() == {
        "POSTGRES_URL": "postgresql://x",
        "SENTRY_DSN": "5432",
        "ANTHROPIC_API_KEY": "k",
        "ENVIRONMENT": "production",
        "OTHER_PARAMETER": "stays",
    }


@pytest.mark.proves("secrets.references")
def test_several_references_of_one_variable_give_a_list() -> None:
    store = CountingStore(a="one", b='{"key": "two"}')
    secrets = Secrets({"IMBI_ASSISTANT_ORIGIN_SECRET_SECRET_ARN": "a, b#key"}, lambda: store)
    assert secrets.variables() == {"IMBI_ASSISTANT_ORIGIN_SECRET": "one,two"}


@pytest.mark.proves("secrets.age")
def test_values_are_read_once_and_again_when_they_are_old() -> None:
    store = CountingStore(key="one")
    fresh = Secrets({"ANTHROPIC_API_KEY_SECRET_ARN": "key"}, lambda: store)
    for _ in range(5):
        assert fresh.variables()["ANTHROPIC_API_KEY"] == "one"
    assert store.reads == 1
    clock = Clock()
    old = Secrets({"ANTHROPIC_API_KEY_SECRET_ARN": "key", MAX_AGE: "60"}, lambda: store, clock)
    old.variables()
    store.values["key"] = "two"
    clock.now += 59
    assert old.variables()["ANTHROPIC_API_KEY"] == "one"
    clock.now += 1
    assert old.variables()["ANTHROPIC_API_KEY"] == "two"


@pytest.mark.proves("secrets.failures")
def test_a_secret_whose_refresh_fails_stays_in_use() -> None:
    store = CountingStore(key="one")
    clock = Clock()
    secrets = Secrets({"ANTHROPIC_API_KEY_SECRET_ARN": "key", MAX_AGE: "60"}, lambda: store, clock)
    secrets.variables()
    store.values.clear()
    clock.now += 60
    assert secrets.variables()["ANTHROPIC_API_KEY"] == "one"
    reads = store.reads
    clock.now += 29
    assert not secrets.is_stale, "a store that fails is left alone for a while"
    assert secrets.variables()["ANTHROPIC_API_KEY"] == "one"
    assert store.reads == reads


@pytest.mark.proves("secrets.failures")
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"POSTGRES_URL": "a", "POSTGRES_URL_PARAMETER": "/b"}, "POSTGRES_URL is configured twice"),
        ({"POSTGRES_URL_SECRET_ARN": "a", "POSTGRES_URL_PARAMETER": "/b"}, "POSTGRES_URL is configured twice"),
        ({MAX_AGE: "soon"}, f"{MAX_AGE}: must be a number greater than 0"),
        ({MAX_AGE: "-1"}, f"{MAX_AGE}: must be a number greater than 0"),
    ],
)
def test_wrong_references_are_refused_by_name(variables: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Secrets(variables)


READ = """
import json, os, sys
from shared.aws.secrets import Secrets
from shared.domain.errors import SettingsError
try:
    print(json.dumps(Secrets({k: v for k, v in os.environ.items()}).variables()))
except SettingsError as error:
    print(json.dumps(error.problems))
"""


def read(aws: Aws, **variables: str) -> dict[str, str] | list[str]:
    """Read secrets in a process of their own, through boto3 and HTTP."""
    run = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", READ],
        cwd=ROOT,
        env={**measured(), **aws.variables, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    value: dict[str, str] | list[str] = json.loads(run.stdout)
    return value


@pytest.mark.proves("secrets.references")
def test_secrets_and_parameters_are_read_from_aws(aws: Aws) -> None:
    database = aws.secret("database", '{"url": "postgresql://x"}')
    parameter = aws.parameter("/imbi/jwt", "a secret")
    values = read(aws, POSTGRES_URL_SECRET_ARN=f"{database}#url", IMBI_AUTH_JWT_SECRET_PARAMETER=parameter)
    assert isinstance(values, dict)
    assert (values["POSTGRES_URL"], values["IMBI_AUTH_JWT_SECRET"]) == ("postgresql://x", "a secret")


@pytest.mark.proves("secrets.failures")
def test_an_unreadable_reference_is_named_without_its_value(aws: Aws) -> None:
    arn = aws.secret("half", '{"a": "hunter2"}')
    problems = read(
        aws,
        POSTGRES_URL_SECRET_ARN="nothing",
        IMBI_AUTH_JWT_SECRET_PARAMETER="/nothing",
        ANTHROPIC_API_KEY_SECRET_ARN=f"{arn}#b",
    )
    assert sorted(problems) == [
        "ANTHROPIC_API_KEY_SECRET_ARN: it has no key 'b'.",
        "IMBI_AUTH_JWT_SECRET_PARAMETER: it cannot be read (ParameterNotFound).",
        "POSTGRES_URL_SECRET_ARN: it cannot be read (ResourceNotFoundException).",
    ]


@pytest.mark.proves("secrets.failures")
def test_an_unreachable_store_is_reported(aws: Aws) -> None:
    assert read(aws, POSTGRES_URL_SECRET_ARN="a", AWS_ENDPOINT_URL=CLOSED) == [
        "POSTGRES_URL_SECRET_ARN: it cannot be read (EndpointConnectionError)."
    ]


@pytest.mark.proves("secrets.no-references")
def test_without_references_nothing_of_aws_is_imported() -> None:
    code = (
        "import sys; from shared.aws.secrets import Secrets; Secrets({'POSTGRES_URL': 'x'}).variables();"
        "print(sorted({'boto3', 'botocore', 'aws_lambda_powertools', 'sentry_sdk'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    assert run.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.proves("secrets.references")
@pytest.mark.timeout(300)
async def test_a_function_lives_on_references_and_sees_a_rotation(
    aws: Aws, artifacts: Artifacts, function_variables: dict[str, str]
) -> None:
    jwt = aws.secret("jwt", "a secret that signs no token of these tests, at all, ever")
    variables = {name: value for name, value in function_variables.items() if name not in SECRETS}
    variables |= {
        **aws.variables,
        "POSTGRES_URL_PARAMETER": aws.parameter("/imbi/database", function_variables["POSTGRES_URL"]),
        "IMBI_AUTH_JWT_SECRET_SECRET_ARN": jwt,
        MAX_AGE: "0.001",
    }
    event = function_url_event("GET", "/conversations", headers={"authorization": f"Bearer {token_of(DEVELOPER)}"})
    with Emulated(artifacts, "ListConversations", "functions.list_conversations.handler", variables) as function:
        assert (await function.invoke(event))["statusCode"] == 401
        aws.rotate(jwt, function_variables["IMBI_AUTH_JWT_SECRET"])
        assert (await function.invoke(event))["statusCode"] == 200
