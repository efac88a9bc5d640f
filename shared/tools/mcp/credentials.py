"""The credentials of external servers. They come from the graph; a user's token is never sent to a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.tools.mcp.errors import McpServerError
from shared.tools.mcp.oauth import ClientCredentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import MCPServer
    from shared.tools.mcp.egress import Network

Headers: TypeAlias = "dict[str, str]"


class Credential(Protocol):
    """The headers that authenticate requests to one server."""

    async def headers(self) -> Headers:
        """Return the headers for the next request.

        Raises:
            McpServerError: the credential cannot be used.
        """
        ...

    async def renew(self, rejected: Headers) -> Headers | None:
        """Return new headers after a 401 response to `rejected`; None if there are no others.

        Raises:
            McpServerError: the credential cannot be renewed.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections that the credential has opened."""
        ...


class SecretDecryptor:
    """Decrypts the stored secrets of external servers with the Fernet keys from IMBI_CONFIG_ENCRYPTION_KEY."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Take the keys, the newest first; a secret may be encrypted with any of them."""
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def decrypt(self, encrypted: str) -> str:
        """Decrypt a secret.

        Raises:
            McpServerError: no key is set, or the secret was encrypted with none of the keys.
        """
        if self._fernet is None:
            raise McpServerError("has a secret, and IMBI_CONFIG_ENCRYPTION_KEY is not set")
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except (InvalidToken, UnicodeDecodeError):
            raise McpServerError("has a secret that IMBI_CONFIG_ENCRYPTION_KEY does not decrypt") from None


class _Constant:
    """The base of credentials that are never renewed and open no connection."""

    async def renew(self, rejected: Headers) -> None:
        """Return None: there are no other headers."""

    async def aclose(self) -> None:
        """Do nothing."""


class NoCredential(_Constant):
    """The credential of a server that needs no authentication."""

    async def headers(self) -> Headers:
        """Return no headers."""
        return {}


class StaticHeader(_Constant):
    """A header with a stored value."""

    def __init__(self, server: MCPServer, decryptor: SecretDecryptor) -> None:
        self._server = server
        self._decryptor = decryptor

    async def headers(self) -> Headers:
        """Decrypt the value and return the header."""
        value = self._decryptor.decrypt(self._server.static_value_encrypted)
        if not value.isascii() or not value.isprintable():
            raise McpServerError("has a static value that cannot be sent as a header")
        return {self._server.static_header: value}


class UnknownAuthentication(_Constant):
    """The credential of a server with an unknown `auth_type`. Nothing is sent to such a server."""

    async def headers(self) -> Headers:
        """Raise McpServerError."""
        raise McpServerError("has an auth_type that the assistant does not know")


def credential_for(server: MCPServer, decryptor: SecretDecryptor, network: Network) -> Credential:
    """Build the credential that the server's `auth_type` asks for."""
    match server.auth_type:
        case "none":
            return NoCredential()
        case "static":
            return StaticHeader(server, decryptor)
        case "oauth_client_credentials":
            return ClientCredentials(server, decryptor.decrypt, network)
        case _:
            return UnknownAuthentication()
