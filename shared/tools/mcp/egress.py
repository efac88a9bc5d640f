"""Where the service may connect to on an operator's behalf: checked on the address that is really connected to.

A host's name says nothing: it can stand for the cloud's metadata service, and for something else at the next look-up.
So names are resolved here, every address is checked, and the connection goes to one that was. TLS still verifies the
name. Since every connection is made here, so is that of every redirect.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, TypeAlias

import httpcore2
import httpx2

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

_Address: TypeAlias = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


class AddressRefused(httpcore2.ConnectError):
    """The host, or the address that it stands for, is none that may be connected to."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be connected to.

    Where hosts are listed, these and no others, whatever their addresses; `*.example.com` stands for all hosts below
    example.com. Else any host with a public address, and with a private one too where that is allowed.
    """

    hosts: tuple[str, ...] = ()
    allows_private: bool = False

    def permits_host(self, host: str) -> bool:
        """Say whether a host may be asked for at all."""
        name = host.rstrip(".").lower()
        return not self.hosts or any(_matches(name, pattern) for pattern in self.hosts)

    def permits_address(self, address: str) -> bool:
        """Say whether an address of a permitted host may be connected to."""
        return bool(self.hosts) or self.allows_private or is_public(address)


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def is_public(address: str) -> bool:
    """Say whether an address is somewhere on the Internet, also behind what wraps an IPv4 address in an IPv6 one."""
    found = _unwrapped(ip_address(address.partition("%")[0]))
    return found.is_global and not found.is_multicast and not found.is_reserved


def _unwrapped(address: _Address) -> _Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    is_wrapped = address in _NAT64 or address in _COMPATIBLE
    return IPv4Address(int(address) & 0xFFFF_FFFF) if is_wrapped else address


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses only."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of a host that answers.

        Raises:
            AddressRefused: the host or one of its addresses must not be connected to.
        """
        failure: Exception = httpcore2.ConnectError("the host has no address")
        for address in await self._addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        if not self._policy.permits_host(host):
            raise AddressRefused
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the host's name cannot be resolved") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # One bad address among good ones is the mark of a name that was made to slip through.
        if not all(map(self._policy.permits_address, addresses)):
            raise AddressRefused
        return addresses


class _CheckedTransport(httpx2.AsyncHTTPTransport):
    """HTTP over checked connections; proxies of the environment are not used."""

    def __init__(self, policy: AddressPolicy, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        # The one part of a transport that httpx2 offers no argument for.
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=tls, network_backend=_CheckedNetwork(policy))


class Network:
    """Makes transports that connect to what a policy permits, and nowhere else."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._contexts: dict[bool, ssl.SSLContext] = {}

    def transport(self, *, verify: bool = True) -> httpx2.AsyncBaseTransport:
        """Make a transport; whoever takes it closes it."""
        if verify not in self._contexts:
            # Reading the certificates takes milliseconds; SSL_CERT_FILE may name an operator's own.
            self._contexts[verify] = httpx2.create_ssl_context(verify=verify)
        return _CheckedTransport(self._policy, self._contexts[verify])


def is_refused(error: BaseException) -> bool:
    """Say whether an address was refused, on the way to this error of an HTTP client."""
    return isinstance(error.__cause__, AddressRefused)
