"""The settings: their defaults, and the messages about wrong values."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shared.checks.unknown_variables import unknown_variables
from shared.domain.errors import SettingsError
from shared.settings import Settings, environment, load

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = {"POSTGRES_URL": "postgresql://db/imbi", "IMBI_AUTH_JWT_SECRET": "s" * 32}


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(NEEDED | variables)
    return refused.value.problems


@pytest.mark.proves("settings.defaults")
def test_the_defaults_are_the_documented_ones() -> None:
    settings = load(NEEDED)
    assert (settings.environment, settings.postgres_graph_name, settings.route_prefix) == ("development", "imbi", "")
    assert (settings.model, settings.max_tokens, settings.max_tool_rounds) == ("claude-sonnet-4-6", 16_384, 10)
    assert (settings.max_conversation_turns, settings.max_tool_result_chars) == (100, 120_000)
    assert (settings.anthropic_api_key, settings.anthropic_base_url, settings.is_enabled) == (None, None, False)
    assert settings.api_url == "http://localhost:8000"
    assert (settings.ui_url, settings.ui_document_url, settings.system_prompt) == (None, None, None)
    assert (settings.sentry_dsn, settings.config_encryption_key) == (None, None)


@pytest.mark.proves("settings.defaults")
def test_the_uis_address_in_the_cluster_is_the_public_one_unless_it_is_given() -> None:
    public, inner = "https://imbi.example.com", "http://imbi-ui:8080"
    assert load(NEEDED | {"IMBI_UI_URL": public}).ui_document_url == public
    assert load(NEEDED | {"IMBI_UI_URL": public, "IMBI_INTERNAL_UI_URL": inner}).ui_document_url == inner


@pytest.mark.proves("availability.forced")
@pytest.mark.parametrize(
    ("key", "forced", "is_enabled"),
    [
        (None, None, False),
        ("k", None, True),
        ("k", "false", False),
        ("k", "0", False),
        (None, "true", True),
        (None, "on", True),
        ("k", "true", True),
    ],
)
def test_the_assistant_is_on_where_there_is_a_key_or_as_forced(
    key: str | None, forced: str | None, *, is_enabled: bool
) -> None:
    given = {"ANTHROPIC_API_KEY": key, "IMBI_ASSISTANT_ENABLED": forced}
    assert load(NEEDED | {name: value for name, value in given.items() if value is not None}).is_enabled is is_enabled


@pytest.mark.proves("settings.refused")
def test_every_wrong_variable_has_its_line() -> None:
    lines = problems(IMBI_ASSISTANT_MAX_TOKENS="0", IMBI_UI_URL="x", LOG_LEVEL="x")
    assert [line.partition(":")[0] for line in lines] == ["IMBI_ASSISTANT_MAX_TOKENS", "IMBI_UI_URL", "LOG_LEVEL"]


@pytest.mark.proves("settings.refused")
def test_the_largest_pool_is_not_smaller_than_the_smallest() -> None:
    [line] = problems(POSTGRES_MIN_POOL_SIZE="5", POSTGRES_MAX_POOL_SIZE="4")
    assert line.startswith("POSTGRES_MAX_POOL_SIZE")


@pytest.mark.proves("settings.refused")
def test_a_smallest_pool_above_the_default_of_the_largest_is_refused() -> None:
    [line] = problems(POSTGRES_MIN_POOL_SIZE="11")
    assert line == "POSTGRES_MAX_POOL_SIZE: must not be below POSTGRES_MIN_POOL_SIZE."


@pytest.mark.proves("settings.refused")
def test_usual_dsns_and_templates_are_accepted() -> None:
    for dsn in (
        "postgres://db",
        "postgresql://u:p@a,b:5433/x?sslmode=require",
        "host=db dbname=imbi",
        "postgresql:///x",
    ):
        load(NEEDED | {"POSTGRES_URL": dsn})
    load(
        NEEDED
        | {"SENTRY_DSN": "https://key@o1.ingest.sentry.io/4501", "IMBI_ASSISTANT_SYSTEM_PROMPT": "{{id}} {email}"}
    )
    [line] = problems(IMBI_ASSISTANT_SYSTEM_PROMPT="Hello {displayname}")
    assert "did you mean {display_name}?" in line


@pytest.mark.proves("settings.unknown")
def test_an_unknown_variable_is_told_with_the_nearest_name() -> None:
    lines = unknown_variables(
        dict.fromkeys(
            [
                "IMBI_ASSISTANT_MAX_TOKEN",
                "IMBI_ASSISTANT_ZZZZZZZZZZ",
                "POSTGRES_URLS",
                "POSTGRES_PASSWORD",
                "IMBI_API_URL",
                "POSTGRES_URL_SECRET_ARN",
                "IMBI_ASSISTANT_TOKEN",
                "PATH",
            ],
            "secret",
        )
        | NEEDED
    )
    assert [*lines] == [
        "IMBI_ASSISTANT_MAX_TOKEN is unknown and has no effect. Did you mean IMBI_ASSISTANT_MAX_TOKENS?",
        "IMBI_ASSISTANT_ZZZZZZZZZZ is unknown and has no effect.",
        "POSTGRES_URLS is unknown and has no effect. Did you mean POSTGRES_URL?",
    ]


@pytest.mark.proves("settings.environment-and-file")
@pytest.mark.parametrize("content", [b"A=\xff", None], ids=["no text", "a directory"])
def test_a_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / ".env"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        environment(file)
    [line] = refused.value.problems
    assert line.startswith(f"{file} cannot be read: ")


@pytest.mark.proves("settings.refused")
def test_secrets_are_in_no_message_and_no_text() -> None:
    secret = "hunter2hunter2hunter2hunter2hunter2"
    given = {
        "IMBI_AUTH_JWT_SECRET": secret,
        "ANTHROPIC_API_KEY": secret,
        "POSTGRES_URL": f"postgresql://u:{secret}@db/x",
    }
    assert secret not in repr(load(given))
    assert not any(secret in line for line in problems(**given, IMBI_CONFIG_ENCRYPTION_KEY=secret, IMBI_UI_URL=secret))


@pytest.mark.proves("settings.public-url", "routes.prefix")
@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://imbi.example.com/assistant", "/assistant"),
        ("https://imbi.example.com/a/b/", "/a/b"),
        ("/assistant", "/assistant"),
        ("/assistant/", "/assistant"),
    ],
)
def test_the_prefix_is_the_public_urls_path(url: str, prefix: str) -> None:
    assert load(NEEDED | {"IMBI_ASSISTANT_URL": url}).route_prefix == prefix


@pytest.mark.proves("settings.public-url")
@pytest.mark.parametrize(
    "url", ["assistant", "assistant/", "./assistant", "imbi.example.com/assistant", "//imbi.example.com/a", "ftp://x/a"]
)
def test_a_public_url_without_an_absolute_path_is_refused(url: str) -> None:
    [line] = problems(IMBI_ASSISTANT_URL=url)
    assert line.startswith("IMBI_ASSISTANT_URL: must be")


@pytest.mark.proves("settings.required-outside-development")
def test_missing_settings_are_named() -> None:
    with pytest.raises(SettingsError) as refused:
        load({"ENVIRONMENT": "production"})
    assert refused.value.problems == ["POSTGRES_URL is not set.", "IMBI_AUTH_JWT_SECRET is not set."]


@pytest.mark.proves("settings.environment-and-file")
def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    present = next(name for name, value in os.environ.items() if value)
    lines = f"IMBI_TESTS_ONLY=from the file\n{present}=from the file\nIMBI_TESTS_EMPTY=\n# a comment\n"
    (tmp_path / ".env").write_text(lines)
    variables = environment(tmp_path / ".env")
    assert variables["IMBI_TESTS_ONLY"] == "from the file"
    assert variables[present] == os.environ[present]
    assert "IMBI_TESTS_EMPTY" not in variables
    assert "IMBI_TESTS_ONLY" not in environment(tmp_path / "no such file")


@pytest.mark.proves("settings.refused")
def test_settings_do_not_change() -> None:
    settings = load(NEEDED)
    assert isinstance(settings, Settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.model = "another"  # type: ignore[misc]  # that is the point
