"""Wrong values of settings: each one is refused in one line that names the variable and does not repeat the value."""

from __future__ import annotations

import pytest

from shared.domain.errors import SettingsError
from shared.settings import Settings, load

NEEDED = {"POSTGRES_URL": "postgresql://db/imbi", "IMBI_AUTH_JWT_SECRET": "s" * 32}
URLS = ["imbi.example.com", "ftp://x", "http://", "http://x:notaport", "/api"]
AMOUNTS = ["-1", "many", "1.5"]
TIMES = ["0", "-3", "soon", "nan"]
WRONG = {
    "ANTHROPIC_BASE_URL": URLS,
    "IMBI_INTERNAL_API_URL": [*URLS, "localhost:8000"],
    "IMBI_UI_URL": URLS,
    "IMBI_INTERNAL_UI_URL": URLS,
    "OTEL_EXPORTER_OTLP_ENDPOINT": URLS,
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": URLS,
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": URLS,
    "IMBI_ASSISTANT_URL": ["imbi", "imbi.example.com/assistant", "//imbi.example.com/a", "ftp://x/a"],
    "IMBI_ASSISTANT_METRICS_ADDRESS": ["elsewhere", "host:port", "127.0.0.1:70000", "services", "SERVICE"],
    "IMBI_ASSISTANT_CORS_ORIGINS": ["https://u.test/", "https://u.test/path", "u.test", "*,https://u.test", "ftp://b"],
    "IMBI_ASSISTANT_MCP_ALLOWED_HOSTS": ["https://mcp.example.com/path"],
    "IMBI_ASSISTANT_ENABLED": ["perhaps", "2"],
    "IMBI_ASSISTANT_TRACING": ["perhaps"],
    "OTEL_SDK_DISABLED": ["perhaps"],
    "IMBI_ASSISTANT_MAX_TOKENS": [*AMOUNTS, "0"],
    "IMBI_ASSISTANT_MAX_TOOL_ROUNDS": AMOUNTS,
    "IMBI_ASSISTANT_MAX_CONVERSATION_TURNS": [*AMOUNTS, "0"],
    "IMBI_ASSISTANT_MAX_TOOL_RESULT_CHARS": AMOUNTS,
    "IMBI_ASSISTANT_CLEAR_RESULTS_TOKENS": [*AMOUNTS, "999"],
    "IMBI_ASSISTANT_AUDIT_RETENTION_DAYS": AMOUNTS,
    "IMBI_ASSISTANT_RETENTION_DAYS": [*AMOUNTS, "36501"],
    "IMBI_ASSISTANT_USER_TOKENS_PER_DAY": AMOUNTS,
    "IMBI_ASSISTANT_USER_MESSAGES_PER_MINUTE": AMOUNTS,
    "IMBI_ASSISTANT_USER_CONCURRENT_ANSWERS": AMOUNTS,
    "IMBI_ASSISTANT_MAX_CONCURRENT_STREAMS": [*AMOUNTS, "0"],
    "IMBI_ASSISTANT_MAX_BODY_BYTES": [*AMOUNTS, "0"],
    "POSTGRES_MIN_POOL_SIZE": AMOUNTS,
    "POSTGRES_MAX_POOL_SIZE": [*AMOUNTS, "0"],
    "IMBI_ASSISTANT_TOOL_TIMEOUT_SECONDS": TIMES,
    "IMBI_ASSISTANT_MODEL_IDLE_SECONDS": TIMES,
    "IMBI_ASSISTANT_DEADLINE_RESERVE_SECONDS": TIMES,
    "IMBI_ASSISTANT_MCP_CONNECT_SECONDS": ["-3", "soon", "nan"],
    "POSTGRES_PREPARED_STATEMENTS": ["yes"],
    "IMBI_ASSISTANT_PROVIDER": ["openai"],
    "IMBI_ASSISTANT_TOOL_SEARCH": ["yes"],
    "IMBI_ASSISTANT_APPROVALS": ["always"],
    "IMBI_ASSISTANT_APPROVAL_RULES": ["remove_*", "remove_*=perhaps", "=perhaps"],
    "LOG_LEVEL": ["LOUD"],
    "LOG_FORMAT": ["xml"],
    "POSTGRES_URL": ["mysql://u:secret@db/imbi", "postgresql+asyncpg://u:secret@db/imbi", "secret", "//db/imbi"],
    "POSTGRES_GRAPH_NAME": ["a b", "1abc", 'x"; DROP', "ab", "x" * 64],
    "SENTRY_DSN": ["https://sentry.example.com/1", "key@sentry.example.com", "https://key@sentry.example.com/one"],
    "IMBI_CONFIG_ENCRYPTION_KEY": ["short", "not base64 at all!"],
    "IMBI_ASSISTANT_ORIGIN_SECRET": ["short", f"{'a' * 32},{'b' * 31}", f"{'a' * 32},"],
    "IMBI_ASSISTANT_SYSTEM_PROMPT": ["For {user}.", "Dear {display_nam}", "{a}} and {{b}}"],
}
TOGETHER: dict[str, dict[str, str]] = {
    "IMBI_AUTH_JWT_SECRET": {"ENVIRONMENT": "production", "IMBI_AUTH_JWT_SECRET": "too-short"},
    "AWS_REGION": {"IMBI_ASSISTANT_PROVIDER": "bedrock"},
    "ANTHROPIC_AWS_WORKSPACE_ID": {"IMBI_ASSISTANT_PROVIDER": "aws", "AWS_REGION": "eu-west-1"},
}
"""Variables that are wrong together with others."""
FREE = {
    "ENVIRONMENT",
    "ANTHROPIC_API_KEY",
    "IMBI_ASSISTANT_MODEL",
    "IMBI_ASSISTANT_FALLBACK_MODEL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_PROPAGATORS",
}
"""Variables that take any text; another part finds out whether it means something."""


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(NEEDED | variables)
    return refused.value.problems


def check_line(lines: list[str], name: str, value: str) -> None:
    [line] = lines
    assert line.startswith(name)
    assert line.endswith(".")
    assert "\n" not in line
    assert value not in line.removeprefix(name) or len(value) < 4


@pytest.mark.proves("settings.refused")
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused_in_one_line(name: str, value: str) -> None:
    check_line(problems(**{name: value}), name, value)


@pytest.mark.proves("settings.refused")
@pytest.mark.parametrize("name", TOGETHER)
def test_what_does_not_fit_together_is_refused_in_one_line(name: str) -> None:
    given = TOGETHER[name]
    check_line(problems(**given), name, given.get(name, "\n"))


@pytest.mark.proves("settings.refused")
def test_every_variable_that_can_be_wrong_is_tried() -> None:
    variables = {str(field.alias) for field in Settings.model_fields.values()}
    assert variables == {*WRONG, *TOGETHER} | FREE
