"""The settings, read from the environment and `.env`. No other module reads the environment."""

from __future__ import annotations

import os
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from shared.domain.approval_policy import ApprovalMode, ApprovalPolicy
from shared.domain.approval_rules import ApprovalRule, parse_rules
from shared.domain.errors import SettingsError
from shared.domain.prompt_template import check_template
from shared.domain.user_limits import UserLimits
from shared.telemetry_settings import HttpUrl, TelemetrySettings
from shared.util.addresses import (
    is_http_url,
    is_postgresql_dsn,
    is_sentry_dsn,
    parse_hosts,
    parse_origins,
)
from shared.util.secret_lists import FERNET_BYTES, MIN_SECRET_BYTES, is_fernet_key, separated_keys, separated_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEVELOPMENT = "development"
DEFAULT_GRAPH_NAME = "imbi"


Hosts = Annotated[tuple[str, ...], BeforeValidator(parse_hosts)]
Origins = Annotated[tuple[str, ...], BeforeValidator(parse_origins)]
Template = Annotated[str, AfterValidator(check_template)]
ApprovalRules = Annotated[tuple[ApprovalRule, ...], BeforeValidator(parse_rules)]


class Settings(TelemetrySettings):
    """All settings. The aliases are the variables' names; `docs/reference/settings.md` explains them."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: str = Field(default=DEVELOPMENT, alias="ENVIRONMENT")
    postgres_url: SecretStr = Field(alias="POSTGRES_URL")
    postgres_graph_name: str = Field(
        default=DEFAULT_GRAPH_NAME,
        alias="POSTGRES_GRAPH_NAME",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        min_length=3,
        max_length=63,
    )
    postgres_min_pool_size: int = Field(default=1, alias="POSTGRES_MIN_POOL_SIZE", ge=0)
    postgres_max_pool_size: int = Field(default=10, alias="POSTGRES_MAX_POOL_SIZE", ge=1, validate_default=True)
    postgres_prepared_statements: Literal["auto", "on", "off"] = Field(
        default="auto", alias="POSTGRES_PREPARED_STATEMENTS"
    )
    jwt_secret: SecretStr = Field(alias="IMBI_AUTH_JWT_SECRET", min_length=1)
    config_encryption_key: SecretStr | None = Field(default=None, alias="IMBI_CONFIG_ENCRYPTION_KEY")

    anthropic_api_key: SecretStr | None = Field(default=None, alias="ANTHROPIC_API_KEY")
    anthropic_base_url: HttpUrl | None = Field(default=None, alias="ANTHROPIC_BASE_URL")
    provider: Literal["anthropic", "bedrock", "aws"] = Field(default="anthropic", alias="IMBI_ASSISTANT_PROVIDER")
    aws_region: str | None = Field(default=None, alias="AWS_REGION", validate_default=True)
    aws_workspace_id: str | None = Field(default=None, alias="ANTHROPIC_AWS_WORKSPACE_ID", validate_default=True)
    forced: bool | None = Field(default=None, alias="IMBI_ASSISTANT_ENABLED")
    model: str = Field(default="claude-sonnet-4-6", alias="IMBI_ASSISTANT_MODEL", min_length=1)
    fallback_model: str | None = Field(default=None, alias="IMBI_ASSISTANT_FALLBACK_MODEL", min_length=1)
    max_tokens: int = Field(default=16384, alias="IMBI_ASSISTANT_MAX_TOKENS", ge=1)
    max_tool_rounds: int = Field(default=10, alias="IMBI_ASSISTANT_MAX_TOOL_ROUNDS", ge=0)
    max_conversation_turns: int = Field(default=100, alias="IMBI_ASSISTANT_MAX_CONVERSATION_TURNS", ge=1)
    max_tool_result_chars: int = Field(default=120_000, alias="IMBI_ASSISTANT_MAX_TOOL_RESULT_CHARS", ge=0)
    tool_timeout_seconds: float = Field(default=30.0, alias="IMBI_ASSISTANT_TOOL_TIMEOUT_SECONDS", gt=0)
    mcp_connect_seconds: float = Field(default=2.0, alias="IMBI_ASSISTANT_MCP_CONNECT_SECONDS", ge=0)
    mcp_allowed_hosts: Hosts = Field(default=(), alias="IMBI_ASSISTANT_MCP_ALLOWED_HOSTS")
    model_idle_seconds: float = Field(default=60.0, alias="IMBI_ASSISTANT_MODEL_IDLE_SECONDS", gt=0)
    tool_search: Literal["auto", "server", "client", "off"] = Field(default="auto", alias="IMBI_ASSISTANT_TOOL_SEARCH")
    approvals: ApprovalMode = Field(default="destructive", alias="IMBI_ASSISTANT_APPROVALS")
    approval_rules: ApprovalRules = Field(default=(), alias="IMBI_ASSISTANT_APPROVAL_RULES")
    clear_results_tokens: int = Field(default=100_000, alias="IMBI_ASSISTANT_CLEAR_RESULTS_TOKENS", ge=1000)
    audit_retention_days: int = Field(default=0, alias="IMBI_ASSISTANT_AUDIT_RETENTION_DAYS", ge=0)
    retention_days: int = Field(default=0, alias="IMBI_ASSISTANT_RETENTION_DAYS", ge=0, le=36_500)
    user_tokens_per_day: int = Field(default=0, alias="IMBI_ASSISTANT_USER_TOKENS_PER_DAY", ge=0)
    user_messages_per_minute: int = Field(default=0, alias="IMBI_ASSISTANT_USER_MESSAGES_PER_MINUTE", ge=0)
    user_concurrent_answers: int = Field(default=0, alias="IMBI_ASSISTANT_USER_CONCURRENT_ANSWERS", ge=0)
    max_concurrent_streams: int = Field(default=512, alias="IMBI_ASSISTANT_MAX_CONCURRENT_STREAMS", ge=1)
    max_body_bytes: int = Field(default=1_048_576, alias="IMBI_ASSISTANT_MAX_BODY_BYTES", ge=1)
    deadline_reserve_seconds: float = Field(default=5.0, alias="IMBI_ASSISTANT_DEADLINE_RESERVE_SECONDS", gt=0)
    is_traced: bool = Field(default=False, alias="IMBI_ASSISTANT_TRACING")
    system_prompt: Template | None = Field(default=None, alias="IMBI_ASSISTANT_SYSTEM_PROMPT")
    assistant_url: str | None = Field(default=None, alias="IMBI_ASSISTANT_URL")
    origin_secret: SecretStr | None = Field(default=None, alias="IMBI_ASSISTANT_ORIGIN_SECRET")
    cors_origins: Origins = Field(default=(), alias="IMBI_ASSISTANT_CORS_ORIGINS")
    api_url: HttpUrl = Field(default="http://localhost:8000", alias="IMBI_INTERNAL_API_URL")
    ui_url: HttpUrl | None = Field(default=None, alias="IMBI_UI_URL")
    internal_ui_url: HttpUrl | None = Field(default=None, alias="IMBI_INTERNAL_UI_URL")
    sentry_dsn: SecretStr | None = Field(default=None, alias="SENTRY_DSN")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", alias="LOG_LEVEL")
    log_format: Literal["text", "json"] | None = Field(default=None, alias="LOG_FORMAT")

    @field_validator("assistant_url")
    @classmethod
    def _check_assistant_url(cls, url: str | None) -> str | None:
        if url is not None and not (url.startswith("/") and not url.startswith("//")) and not is_http_url(url):
            raise ValueError("must be an http or https URL, or an absolute path such as /assistant")
        return url

    @field_validator("postgres_url")
    @classmethod
    def _check_dsn(cls, dsn: SecretStr) -> SecretStr:
        if not is_postgresql_dsn(dsn.get_secret_value()):
            raise ValueError("must be a DSN of PostgreSQL, such as postgresql://user:password@host:5432/database")
        return dsn

    @field_validator("sentry_dsn")
    @classmethod
    def _check_sentry_dsn(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is not None and not is_sentry_dsn(dsn.get_secret_value()):
            raise ValueError("must be a DSN of Sentry, such as https://public@sentry.example.com/1")
        return dsn

    @field_validator("postgres_max_pool_size")
    @classmethod
    def _check_pool_size(cls, size: int, info: ValidationInfo) -> int:
        if size < info.data.get("postgres_min_pool_size", 0):
            raise ValueError("must not be below POSTGRES_MIN_POOL_SIZE")
        return size

    @field_validator("aws_region")
    @classmethod
    def _check_region(cls, region: str | None, info: ValidationInfo) -> str | None:
        if region is None and info.data.get("provider", "anthropic") != "anthropic":
            raise ValueError("is needed for IMBI_ASSISTANT_PROVIDER=bedrock or aws")
        return region

    @field_validator("aws_workspace_id")
    @classmethod
    def _check_workspace(cls, workspace_id: str | None, info: ValidationInfo) -> str | None:
        if workspace_id is None and info.data.get("provider") == "aws":
            raise ValueError("is needed for IMBI_ASSISTANT_PROVIDER=aws")
        return workspace_id

    @field_validator("jwt_secret")
    @classmethod
    def _check_secret_length(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        is_short = len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES
        if is_short and info.data.get("environment") != DEVELOPMENT:
            raise ValueError(f"must have at least {MIN_SECRET_BYTES} bytes outside {DEVELOPMENT}")
        return secret

    @field_validator("origin_secret")
    @classmethod
    def _check_origin_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and any(
            len(each.encode()) < MIN_SECRET_BYTES for each in separated_keys(secret.get_secret_value())
        ):
            raise ValueError(f"must have at least {MIN_SECRET_BYTES} bytes; several are separated by commas")
        return secret

    @field_validator("config_encryption_key")
    @classmethod
    def _check_fernet_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not all(map(is_fernet_key, separated_keys(key.get_secret_value()))):
            raise ValueError(f"must be a Fernet key, {FERNET_BYTES} bytes in URL-safe base64")
        return key

    @property
    def is_enabled(self) -> bool:
        """Whether the assistant is switched on: by `IMBI_ASSISTANT_ENABLED`, or else by credentials of a model."""
        return self.has_credentials if self.forced is None else self.forced

    @property
    def has_credentials(self) -> bool:
        """Whether there is a key of Anthropic's API, or a platform that uses the credentials of the process."""
        return self.anthropic_api_key is not None or self.provider != "anthropic"

    @property
    def jwt_secrets(self) -> tuple[str, ...]:
        """The secrets that verify access tokens, the newest first.

        A single secret may contain a comma, so the whole value always is one of them.
        """
        whole = self.jwt_secret.get_secret_value()
        return tuple(dict.fromkeys((*separated_secrets(whole), whole)))

    @property
    def encryption_keys(self) -> tuple[str, ...]:
        """The Fernet keys of stored secrets, the newest first; there may be none."""
        return separated_keys(self.config_encryption_key.get_secret_value()) if self.config_encryption_key else ()

    @property
    def origin_secrets(self) -> tuple[str, ...]:
        """The secrets of which a proxy in front of the service sends one; without any, nothing is checked."""
        return separated_keys(self.origin_secret.get_secret_value()) if self.origin_secret else ()

    @property
    def approval_policy(self) -> ApprovalPolicy:
        """The policy that decides which tool calls ask the user first."""
        return ApprovalPolicy(self.approvals, self.approval_rules)

    @property
    def user_limits(self) -> UserLimits:
        """The limits of each user."""
        return UserLimits(self.user_tokens_per_day, self.user_messages_per_minute, self.user_concurrent_answers)

    @property
    def route_prefix(self) -> str:
        """The path under which all routes are served, without a trailing slash; it is empty for the root."""
        return route_prefix(self.assistant_url)

    @property
    def ui_document_url(self) -> str | None:
        """The base URL from which the UI's `llms.txt` is read, or None."""
        return self.internal_ui_url or self.ui_url


def route_prefix(assistant_url: str | None) -> str:
    """Return the path of the public URL, without a trailing slash."""
    return urlsplit(assistant_url or "").path.rstrip("/")


def environment(dotenv: Path | None = None) -> dict[str, str]:
    """Return the variables of a `.env` file and of the environment, which has precedence. Empty values are left out.

    Raises:
        SettingsError: the file is there, but it cannot be read.
    """
    lines = _lines_of(dotenv) if dotenv is not None else {}
    return {name: value for name, value in {**lines, **os.environ}.items() if value}


def _lines_of(dotenv: Path) -> dict[str, str | None]:
    try:
        if not dotenv.exists():
            return {}
        return dotenv_values(stream=StringIO(dotenv.read_text(encoding="utf-8-sig")))
    except UnicodeError:
        reason = "it is no text in UTF-8"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise SettingsError([f"{dotenv} cannot be read: {reason}."])


def has_model(variables: Mapping[str, str]) -> bool:
    """Return whether variables name a model's key or where it is stored, or a platform that needs none."""
    has_key = any(name.startswith("ANTHROPIC_API_KEY") for name in variables)
    return has_key or variables.get("IMBI_ASSISTANT_PROVIDER", "anthropic") != "anthropic"


TRACE_VARIABLE = "_X_AMZN_TRACE_ID"
"""The variable in which Lambda's runtime puts the trace of the current invocation, for AWS's libraries."""


def invocation_trace() -> str:
    """Return the trace of the current invocation under Lambda's own runtime, which handles one at a time."""
    return os.environ.get(TRACE_VARIABLE, "")


def publish(name: str, value: str) -> None:
    """Set an environment variable that libraries read, such as the trace id of an invocation."""
    os.environ[name] = value


def load(variables: Mapping[str, str]) -> Settings:
    """Return the settings that the variables contain.

    Raises:
        SettingsError: a variable is missing or invalid; the message has a line for each, without values.
    """
    try:
        return Settings.model_validate(dict(variables))
    except ValidationError as error:
        raise SettingsError(
            [_error_line(_variable(str(each["loc"][0])), each["type"], each["msg"]) for each in error.errors()]
        ) from None


def _variable(location: str) -> str:
    """Return the name of a variable; the error of a default has the name of the field."""
    field = Settings.model_fields.get(location)
    return location if field is None else str(field.alias)


def _error_line(variable: str, kind: str, message: str) -> str:
    if kind == "missing":
        return f"{variable} is not set."
    return f"{variable}: {message.removeprefix('Value error, ').removeprefix('Input ')}."
