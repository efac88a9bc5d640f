"""The command that encrypts the secrets of MCP servers with the newest key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.domain.errors import GraphError, SettingsError, StartupError
from shared.graph.connector import Graph
from shared.graph.mcp_secrets import StoredSecrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.settings import Settings


async def rotate(settings: Settings, report: Callable[[str], None]) -> bool:
    """Encrypt every secret with the newest key; return whether all secrets are encrypted with it now.

    Raises:
        SettingsError: no key is set.
        StartupError: the secrets cannot be read or written.
    """
    if not settings.encryption_keys:
        raise SettingsError(["IMBI_CONFIG_ENCRYPTION_KEY is not set."])
    graph = Graph(settings.postgres_url.get_secret_value(), settings.postgres_graph_name, min_size=0, max_size=1)
    try:
        return await _rotate(StoredSecrets(graph), settings.encryption_keys, report)
    except GraphError as error:
        raise StartupError(f"The secrets cannot be rotated: {type(error).__name__} {error}".strip()) from error
    finally:
        await graph.aclose()


async def _rotate(secrets: StoredSecrets, keys: Sequence[str], report: Callable[[str], None]) -> bool:
    newest, every = Fernet(keys[0]), MultiFernet([Fernet(key) for key in keys])
    found = await secrets.all()
    rotated = failed = 0
    for secret in found:
        if _decrypts(newest, secret.encrypted):
            continue
        try:
            encrypted = every.rotate(secret.encrypted.strip().encode()).decode()
        except InvalidToken:
            report(f"{secret.server}: no key decrypts {secret.property}. It stays as it is.")
            failed += 1
            continue
        if await secrets.replace(secret, encrypted):
            rotated += 1
        else:
            report(f"{secret.server}: {secret.property} was changed meanwhile. Run this command again.")
            failed += 1
    report(f"{rotated} of {len(found)} secrets were encrypted with the newest key.")
    if not failed:
        report("No secret needs an older key any more.")
    return not failed


def _decrypts(key: Fernet, encrypted: str) -> bool:
    try:
        key.decrypt(encrypted.strip().encode())
    except InvalidToken:
        return False
    return True
