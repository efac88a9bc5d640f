"""How an external server is told who asks: never with a user's token, always with what its operator has stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from cryptography.fernet import Fernet, InvalidToken

from shared.tools.mcp.errors import ServerProblem
from shared.tools.mcp.oauth import ClientCredentials

if TYPE_CHECKING:
    from shared.domain.models import MCPServer
    from shared.tools.mcp.egress import Network

Headers: TypeAlias = "dict[str, str]"


class Credential(Protocol):
    """What goes with each request to one server."""

    async def headers(self) -> Headers:
        """Give the headers.

        Raises:
            ServerProblem: they cannot be had.
        """
        ...

    async def renewed(self, rejected: Headers) -> Headers | None:
        """Give other headers after the server has answered 401 to these; None where there are none."""
        ...


class Vault:
    """Decrypts what operators have stored for external servers, each time that it is needed."""

    def __init__(self, key: str | None) -> None:
        self._fernet = Fernet(key) if key else None

    def open(self, encrypted: str) -> str:
        """Decrypt a secret.

        Raises:
            ServerProblem: there is no key, or another one.
        """
        if self._fernet is None:
            raise ServerProblem("has a secret, and IMBI_CONFIG_ENCRYPTION_KEY is not set")
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except (InvalidToken, UnicodeDecodeError):
            raise ServerProblem("has a secret that IMBI_CONFIG_ENCRYPTION_KEY does not decrypt") from None


class NoCredential:
    """For a server that asks for none."""

    async def headers(self) -> Headers:
        """Give none."""
        return {}

    async def renewed(self, rejected: Headers) -> None:
        """Have no other."""


class StaticHeader:
    """One header with a stored value."""

    def __init__(self, server: MCPServer, vault: Vault) -> None:
        self._server = server
        self._vault = vault

    async def headers(self) -> Headers:
        """Decrypt the value."""
        value = self._vault.open(self._server.static_value_encrypted)
        if not value.isascii() or not value.isprintable():
            raise ServerProblem("has a static value that cannot be sent as a header")
        return {self._server.static_header: value}

    async def renewed(self, rejected: Headers) -> None:
        """Have no other."""


class Unknown:
    """For a kind of authentication that is not known: such a server is not asked at all."""

    async def headers(self) -> Headers:
        """Give none."""
        raise ServerProblem("has an auth_type that the assistant does not know")

    async def renewed(self, rejected: Headers) -> None:
        """Have no other."""


def credential_of(server: MCPServer, vault: Vault, network: Network) -> Credential:
    """Choose what a server is to be given."""
    match server.auth_type:
        case "none":
            return NoCredential()
        case "static":
            return StaticHeader(server, vault)
        case "oauth_client_credentials":
            return ClientCredentials(server, vault.open, network)
        case _:
            return Unknown()
