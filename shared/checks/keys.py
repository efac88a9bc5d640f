"""The check of the keys: that of the model, and that of the MCP servers' secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from shared.checks.findings import Finding
from shared.checks.mcp_servers import enabled_servers
from shared.domain.errors import GraphError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.checks.findings import Installation
    from shared.settings import Settings

_MODEL = "key of the model"
_SECRETS = "key of secrets"


async def check_keys(installation: Installation) -> Sequence[Finding]:
    """Check that the keys are there; only `--model` finds out whether the model's key is accepted."""
    return [_model_key(installation), await _encryption_key(installation)]


def _model_key(installation: Installation) -> Finding:
    settings = installation.settings
    if settings.forced is False:
        return Finding(_MODEL, "warning", "The assistant is switched off by IMBI_ASSISTANT_ENABLED.")
    if "model" in installation.embedded:
        return Finding(_MODEL, "ok", "The model is embedded; `imbi-assistant serve` starts it, without a key.")
    if settings.has_credentials:
        return Finding(_MODEL, "ok", f"It is set, for {settings.model}.")
    if settings.is_enabled:
        detail = "ANTHROPIC_API_KEY is not set. The assistant is switched on all the same; its model must need no key."
        return Finding(_MODEL, "warning", detail)
    return Finding(_MODEL, "failed", "ANTHROPIC_API_KEY is not set, so no question is answered. Set it.")


async def _encryption_key(installation: Installation) -> Finding:
    settings = installation.settings
    if settings.config_encryption_key is not None:
        keys = settings.encryption_keys
        if all(map(_is_fernet_key, keys)):
            count = "a Fernet key" if len(keys) == 1 else f"{len(keys)} Fernet keys"
            return Finding(_SECRETS, "ok", f"IMBI_CONFIG_ENCRYPTION_KEY is {count}.")
        return Finding(_SECRETS, "failed", "IMBI_CONFIG_ENCRYPTION_KEY is no Fernet key. Set the Imbi API's key.")
    if "database" in installation.embedded:
        return Finding(_SECRETS, "ok", "It is embedded; `imbi-assistant serve` makes it.")
    if names := await _with_secrets(settings):
        detail = (
            f"IMBI_CONFIG_ENCRYPTION_KEY is not set, and MCP servers have secrets: {names}. Set the Imbi API's key."
        )
        return Finding(_SECRETS, "warning", detail)
    return Finding(_SECRETS, "ok", "IMBI_CONFIG_ENCRYPTION_KEY is not set, and no MCP server is known to need it.")


async def _with_secrets(settings: Settings) -> str:
    try:
        servers = await enabled_servers(settings)
    except GraphError:
        return ""
    return ", ".join(
        server.name for server in servers if server.static_value_encrypted or server.oauth_client_secret_encrypted
    )


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
